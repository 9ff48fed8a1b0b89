/** What every Connection does: the cases that a session relies on. */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { type Broker, type Connection, createBroker, type Inbound } from '@xtomp/core'
import { joined } from '../frame-cutter.js'
import { ManualClock } from '../manual-clock.js'
import { type Contract, pause, until } from './contract.js'

/** The other end of a connection: whoever talks to a broker through the adapter. */
export interface ConnectionPeer {
  /** Sends octets. */
  write(octets: Uint8Array): void
  /** Sends no more, but still receives; left out where the transport has no such thing. */
  end?(): void
  /** Breaks the connection; where the transport cannot tell that from an end, it is one. */
  abort(): void
  /** Takes no more octets. */
  pause(): void
  /** Takes octets again. */
  resume(): void
}

/** What the other end hears. */
export interface ConnectionPeerEvents {
  /** Octets came. */
  receive(octets: Uint8Array): void
  /** The connection is gone, or the broker's side of it has ended. */
  closed(): void
}

/** How the cases get at an implementation. */
export interface ConnectionHarness {
  /**
   * Opens one connection to `broker` through the adapter under test, and answers its other end. The broker's clock is a
   * `ManualClock`.
   */
  open(broker: Broker, events: ConnectionPeerEvents): ConnectionPeer | Promise<ConnectionPeer>
  /** Lets the adapter's linger time pass: moves the clock, or waits. */
  linger(clock: ManualClock): Promise<void>
  /** Takes down what `open` has put up; called at the end of each case. */
  close?(): void | Promise<void>
}

const REASON = { code: 'disconnect', message: 'the test is over' } as const
const MIB = 1024 * 1024

/** The cases. */
export function connectionContract(harness: ConnectionHarness): readonly Contract[] {
  return CASES.map(([name, run]) => ({
    name,
    run: async () => {
      const both = await Both.open(harness)
      try {
        await run(both)
        deepStrictEqual(both.broken, [])
      } finally {
        both.peer.abort()
        if (!both.isGone) both.connection.abort()
        await until(() => both.isGone, 'the end of the connection')
        await both.broker.close()
        await harness.close?.()
      }
    },
  }))
}

type Case = readonly [name: string, run: (both: Both) => Promise<void>]

const CASES: readonly Case[] = [
  [
    'says what carries it, also when it is gone',
    async ({ connection, until }) => {
      ok(connection.info.transport.length > 0)
      connection.abort()
      await until(({ isGone }) => isGone)
      ok(connection.info.transport.length > 0)
    },
  ],
  [
    'hands over what the peer sends, in its order',
    async ({ peer, until }) => {
      for (let at = 0; at < 100; at++) peer.write(numbered(at * 1_000, 1_000))
      const both = await until(({ received }) => received.length >= 100_000)
      deepStrictEqual(both.received, numbered(0, 100_000))
    },
  ],
  [
    'sends what it is given, in its order, whether or not a frame ends there',
    async (both) => {
      for (let at = 0; at < 100; at++) await both.send(numbered(at * 1_000, 1_000), at % 3 === 0 ? [10, 1_000] : [])
      await both.until(({ taken }) => taken.length >= 100_000)
      deepStrictEqual(both.taken, numbered(0, 100_000))
    },
  ],
  [
    'has done with the memory when it answers true',
    async ({ connection, until }) => {
      const octets = numbered(0, 100)
      strictEqual(connection.send(octets, [100]), true)
      octets.fill(0)
      const both = await until(({ taken }) => taken.length >= 100)
      deepStrictEqual(both.taken, numbered(0, 100))
    },
  ],
  [
    'answers false while the peer takes nothing, keeps what it has, and drains once when that has left',
    async (both) => {
      both.peer.pause()
      const sent = await both.sendUntilBlocked()
      const before = both.drains
      both.peer.resume()
      await both.until(({ drains, taken }) => drains > before && taken.length >= sent.length)
      deepStrictEqual(both.taken, sent)
      await pause()
      strictEqual(both.drains, before + 1)
    },
  ],
  [
    'does not drain where nothing was held back',
    async (both) => {
      strictEqual(both.connection.send(numbered(0, 10), [10]), true)
      await both.until(({ taken }) => taken.length === 10)
      await pause()
      strictEqual(both.drains, 0)
    },
  ],
  [
    'stops reading while it is paused, and has it all when it goes on',
    async (both) => {
      both.connection.pause()
      const all = numbered(0, 8 * MIB)
      for (let at = 0; at < all.length; at += MIB) both.peer.write(all.subarray(at, at + MIB))
      await pause()
      ok(both.received.length < all.length, 'all of 8 MiB came while it was paused')
      both.connection.resume()
      await both.until(({ received }) => received.length >= all.length)
      deepStrictEqual(both.received, all)
    },
  ],
  [
    'tells once that the peer sends no more, after all that it sent, and still sends',
    async (both) => {
      if (both.peer.end === undefined) return
      both.peer.write(numbered(0, 10_000))
      both.peer.end()
      await both.until(({ ends }) => ends > 0)
      deepStrictEqual(both.received, numbered(0, 10_000))
      await both.send(numbered(0, 100), [100])
      await both.until(({ taken }) => taken.length >= 100)
      await pause()
      strictEqual(both.ends, 1)
    },
  ],
  [
    'sends all that it was given before it closes, and says that it is closed, with no cause',
    async (both) => {
      await both.send(numbered(0, 50_000), [50_000])
      both.connection.close(REASON)
      await both.until(({ isPeerClosed, taken }) => isPeerClosed && taken.length === 50_000)
      both.peer.abort()
      await both.until(({ isGone }) => isGone)
      strictEqual(both.cause, undefined)
    },
  ],
  [
    'drops what the peer sends once it is closing',
    async (both) => {
      both.connection.close(REASON)
      both.peer.write(numbered(0, 1_000))
      await both.until(({ isPeerClosed }) => isPeerClosed)
      await pause()
      strictEqual(both.received.length, 0)
    },
  ],
  [
    'cuts a peer that keeps a closing connection, after its linger time',
    async (both) => {
      both.peer.pause()
      await both.sendUntilBlocked()
      both.connection.close(REASON)
      await pause()
      strictEqual(both.isGone, false)
      await both.linger()
      await both.until(({ isGone }) => isGone)
    },
  ],
  [
    'is gone, in a later turn, when it is aborted',
    async (both) => {
      both.connection.abort()
      strictEqual(both.isGone, false)
      await both.until(({ isGone, isPeerClosed }) => isGone && isPeerClosed)
    },
  ],
  [
    'tells that the peer is gone, or that it sends no more, and then bears being closed',
    async (both) => {
      both.peer.abort()
      await both.until(({ isGone, ends }) => isGone || ends > 0)
      if (!both.isGone) both.connection.close(REASON)
      await both.until(({ isGone }) => isGone)
    },
  ],
  [
    'takes nothing more when it is aborted, answers false, and never drains',
    async (both) => {
      both.connection.abort()
      strictEqual(both.connection.send(numbered(0, 10), [10]), false)
      await both.until(({ isGone }) => isGone)
      strictEqual(both.connection.send(numbered(0, 10), [10]), false)
      await pause()
      deepStrictEqual([both.drains, both.taken.length], [0, 0])
    },
  ],
  [
    'bears being paused, resumed, closed and aborted when it is gone',
    async (both) => {
      both.connection.abort()
      await both.until(({ isGone }) => isGone)
      both.connection.pause()
      both.connection.resume()
      both.connection.close(REASON)
      both.connection.abort()
      await pause()
    },
  ],
]

/** Both ends of one connection: the peer's, and the broker's, which holds the adapter to its word. */
class Both implements Inbound {
  readonly broker: Broker
  readonly clock = new ManualClock()
  /** What the adapter did against its word. */
  readonly broken: string[] = []
  drains = 0
  ends = 0
  isGone = false
  cause: Error | undefined
  isPeerClosed = false
  readonly #harness: ConnectionHarness
  #connection: Connection | undefined
  #peer: ConnectionPeer | undefined
  readonly #received: Uint8Array[] = []
  readonly #taken: Uint8Array[] = []
  #isInCall = false

  private constructor(harness: ConnectionHarness) {
    this.#harness = harness
    this.broker = createBroker({ clock: this.clock })
    const accept = (connection: Connection): Inbound => {
      this.#connection = this.#watched(connection)
      return this
    }
    Object.assign(this.broker, { accept })
  }

  static async open(harness: ConnectionHarness): Promise<Both> {
    const both = new Both(harness)
    both.#peer = await harness.open(both.broker, {
      receive: (octets) => both.#taken.push(Uint8Array.from(octets)),
      closed: () => {
        both.isPeerClosed = true
      },
    })
    await until(() => both.#connection !== undefined, 'the adapter to call broker.accept')
    return both
  }

  get connection(): Connection {
    if (this.#connection === undefined) throw new Error('the adapter has not called broker.accept')
    return this.#connection
  }

  get peer(): ConnectionPeer {
    if (this.#peer === undefined) throw new Error('the harness has not opened')
    return this.#peer
  }

  /** What the broker was handed. */
  get received(): Uint8Array {
    return together(this.#received)
  }

  /** What the peer took. */
  get taken(): Uint8Array {
    return together(this.#taken)
  }

  readonly until = async (isTrue: (both: Both) => boolean): Promise<Both> => {
    await until(() => isTrue(this), `${isTrue}`)
    return this
  }

  linger(): Promise<void> {
    return this.#harness.linger(this.clock)
  }

  /** Sends, as a session does: nothing more while something is held back. */
  async send(octets: Uint8Array, frameEnds: readonly number[]): Promise<void> {
    const { drains } = this
    if (!this.connection.send(octets, frameEnds)) await until(() => this.drains > drains, 'drained')
  }

  /**
   * Sends until it answers false, which it must, and does not drain: one that learns only later that octets have left
   * answers false for that long. Answers what was sent.
   */
  async sendUntilBlocked(): Promise<Uint8Array> {
    for (let at = 0; at < 64 * MIB; at += MIB) {
      const { drains } = this
      const isFree = this.connection.send(numbered(at, MIB), [MIB])
      await pause()
      if (!isFree && this.drains === drains) return numbered(0, at + MIB)
    }
    throw new Error('it took 64 MiB for a peer that takes nothing')
  }

  receive(octets: Uint8Array): void {
    this.#told('receive')
    this.#received.push(Uint8Array.from(octets))
  }

  drained(): void {
    this.#told('drained')
    this.drains++
  }

  ended(): void {
    this.#told('ended')
    this.ends++
  }

  refuse(): void {
    this.#told('refuse')
  }

  closed(cause?: Error): void {
    this.#told('closed')
    this.isGone = true
    this.cause = cause
  }

  #told(what: string): void {
    if (this.#isInCall) this.broken.push(`it called ${what} inside a call to the connection`)
    if (this.isGone) this.broken.push(`it called ${what} after closed`)
  }

  /** The same connection, except that what it does inside a call is seen. */
  #watched(connection: Connection): Connection {
    const within = <T>(call: () => T): T => {
      this.#isInCall = true
      try {
        return call()
      } finally {
        this.#isInCall = false
      }
    }
    return {
      get info() {
        return connection.info
      },
      send: (octets, frameEnds) => within(() => connection.send(octets, frameEnds)),
      pause: () => within(() => connection.pause()),
      resume: () => within(() => connection.resume()),
      close: (reason) => within(() => connection.close(reason)),
      abort: () => within(() => connection.abort()),
    }
  }
}

/** All of it in one piece, which stands for the pieces from now on: the cases look at it each turn. */
function together(pieces: Uint8Array[]): Uint8Array {
  if (pieces.length !== 1) pieces.splice(0, pieces.length, joined(pieces))
  return pieces[0] as Uint8Array
}

/** Octets of which each tells its place. */
function numbered(from: number, length: number): Uint8Array {
  const octets = new Uint8Array(length)
  for (let at = 0; at < length; at++) octets[at] = (from + at) % 251
  return octets
}
