/** Peers that stop in the midst of taking or of sending: what they make the broker hold is counted and bounded. */

import { type Broker, type BrokerOptions, type Connection, createBroker, type LogFields } from '@xtomp/core'
import { ManualClock } from '@xtomp/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { ServerFrames } from '../support/server-frames.js'
import { until } from '../support/suite.js'
import { turn } from '../support/variants.js'
import { frameText, octetsOf } from '../support/wire-client.js'

const KIB = 1024
const MIB = KIB * KIB

const faults: unknown[] = []
const brokers: Broker[] = []
const peers: Peer[] = []

function open(options: BrokerOptions = {}): Broker {
  const error = ({ err }: LogFields, message: string) => void faults.push(err ?? message)
  const logger = { info: () => undefined, warn: () => undefined, error }
  // Time stands still: a flush that takes long is done in slices, and these tests count turns.
  const broker = createBroker({ logger, clock: new ManualClock(), ...options })
  brokers.push(broker)
  return broker
}

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.abort()
  for (const broker of brokers.splice(0)) {
    await broker.close()
    expect(Object.entries(broker.stats()).filter(([, count]) => count !== 0)).toEqual([])
  }
  expect(faults.splice(0), 'faults logged').toEqual([])
})

/** A peer that takes octets until it is stuck; from then on its connection keeps what it is given. */
class Peer implements Connection {
  readonly info = { transport: 'stuck' }
  readonly kept: Uint8Array[] = []
  /** What it took. */
  readonly taken: Uint8Array[] = []
  isStuck = false
  isCut = false
  readonly #inbound

  constructor(broker: Broker) {
    this.#inbound = broker.accept(this)
    peers.push(this)
    this.write('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
  }

  /** Subscribes and, once the broker has said what it has to say, takes nothing more. */
  static async subscribed(broker: Broker, destination: string): Promise<Peer> {
    const peer = new Peer(broker)
    peer.write('SUBSCRIBE', { id: '0', destination })
    await turn()
    peer.isStuck = true
    return peer
  }

  write(command: string, headers: Record<string, string>): void {
    this.receive(frameText(command, headers))
  }

  /** The broker receives these octets from it. */
  receive(text: string): void {
    this.#inbound.receive(octetsOf(text))
  }

  send(octets: Uint8Array): boolean {
    if (this.isStuck) this.kept.push(octets)
    else this.taken.push(Uint8Array.from(octets))
    return !this.isStuck
  }

  close(): void {
    this.abort()
  }

  abort(): void {
    if (this.isCut) return
    this.isCut = true
    this.kept.length = 0
    setImmediate(() => this.#inbound.closed())
  }

  /** Takes what it was given, and is stuck with what it is given next. */
  takePiece(): void {
    this.taken.push(...this.kept.splice(0).map((octets) => Uint8Array.from(octets)))
    this.#inbound.drained()
  }

  /** Takes what it was given, and goes on taking. */
  takeAll(): void {
    this.isStuck = false
    this.takePiece()
  }

  pause(): void {}
  resume(): void {}
}

function subscribed(count: number, broker: Broker, destination: string): Promise<Peer[]> {
  return Promise.all(Array.from({ length: count }, () => Peer.subscribed(broker, destination)))
}

/** The octets that connections keep, and those of the memory that these are a part of. */
function memoryOf(all: readonly Peer[]): { kept: number; pinned: number } {
  const pieces = all.flatMap(({ kept }) => kept)
  const blocks = new Set(pieces.map(({ buffer }) => buffer))
  return {
    kept: pieces.reduce((sum, { length }) => sum + length, 0),
    pinned: [...blocks].reduce((sum, { byteLength }) => sum + byteLength, 0),
  }
}

describe('a broker whose peers do not finish what they send', () => {
  it('gives up the largest of it before it refuses what is whole', async () => {
    const broker = open({ limits: { totalBytes: MIB } })
    const sizes = Array.from({ length: 100 }, (_, peer) => (peer + 1) * 200)
    const all = sizes.map((size) => {
      const peer = new Peer(broker)
      peer.receive(`SEND\ndestination:/queue/a\ncontent-length:1000000\n\n${'x'.repeat(size)}`)
      return peer
    })
    expect(broker.stats().bytes).toBeGreaterThan(MIB * 0.9)
    for (let sent = 0; sent < 20; sent++) await broker.publishConfirmed('/queue/a', 'x'.repeat(10 * KIB))
    await turn()
    const isLeft = all.map(({ isCut }) => !isCut)
    expect(isLeft.indexOf(false)).toBeGreaterThan(50)
    expect(isLeft.slice(isLeft.indexOf(false))).not.toContain(true)
    const [cut] = all.slice(-1)
    expect(Buffer.concat(cut?.taken ?? []).toString()).toContain('code:memory-full')
    expect(broker.stats().bytes).toBeLessThanOrEqual(MIB)
  })
})

describe('a peer that takes a little now and then', () => {
  it('is not ended while it takes anything within stallMs, and is when it takes nothing more', async () => {
    const clock = new ManualClock()
    const broker = open({ clock, limits: { stallMs: 10_000 } })
    const ends: string[] = []
    broker.on('disconnect', ({ reason }) => {
      ends.push(reason.code)
    })
    const peer = await Peer.subscribed(broker, '/topic/a')
    broker.publish('/topic/a', new Uint8Array(2 * MIB))
    await turn()
    for (let pieces = 0; pieces < 20; pieces++) {
      await clock.advance(9_800)
      expect(ends).toEqual([])
      expect(peer.kept.length).toBeGreaterThan(0)
      peer.takePiece()
    }
    await clock.advance(10_200)
    expect(ends).toEqual(['stalled'])
    expect(peer.isCut).toBe(true)
  })
})

describe('a broker whose peers take nothing', () => {
  it('holds no more than its bound, however many stop in one turn, and cuts only as many as that takes', async () => {
    const broker = open({ limits: { totalBytes: MIB } })
    const stuck = await subscribed(100, broker, '/topic/a')
    // What a subscription counts.
    const each = broker.stats().bytes / 100
    for (let sent = 0; sent < 30; sent++) broker.publish('/topic/a', 'x'.repeat(KIB))
    await turn()
    expect(broker.stats().bytes).toBeLessThanOrEqual(MIB)
    expect(broker.stats().bytes).toBe(memoryOf(stuck).kept + broker.stats().subscriptions * each)
    expect(memoryOf(stuck).kept).toBeLessThanOrEqual(MIB)
    const left = stuck.filter(({ isCut }) => !isCut)
    const bytes = memoryOf(left.slice(0, 1)).kept
    // At the bound, a tenth of it is made free at once.
    expect(left.length).toBeGreaterThanOrEqual(Math.floor((MIB * 0.9) / bytes))
    expect(left.length).toBeLessThanOrEqual(MIB / bytes)
    await turn()
    expect(broker.stats().sessions).toBe(left.length)
  })

  it('counts what a connection keeps when it does, before the turn is over', async () => {
    const broker = open()
    const stuck = await subscribed(100, broker, '/topic/a')
    for (let sent = 0; sent < 70; sent++) broker.publish('/topic/a', 'x'.repeat(KIB))
    const { kept } = memoryOf(stuck)
    expect(kept).toBeGreaterThan(100 * 63 * KIB)
    expect(broker.stats().bytes).toBeGreaterThanOrEqual(kept)
  })

  it('cuts any number of peers who stopped in one turn, and makes no mistake over it', async () => {
    const broker = open({ limits: { totalBytes: 8 * MIB, unsentBytes: 4 * KIB } })
    await subscribed(3_000, broker, '/topic/a')
    for (let sent = 0; sent < 20; sent++) broker.publish('/topic/a', 'x'.repeat(KIB))
    await until(() => broker.stats().subscriptions < 2_500, 'some to be cut')
    expect(broker.stats().bytes).toBeLessThanOrEqual(8 * MIB)
  })

  it('pins little more memory than they were sent, whether they stop together or one after the other', async () => {
    const broker = open()
    const together = await subscribed(500, broker, '/topic/a')
    for (let sent = 0; sent < 3; sent++) broker.publish('/topic/a', 'x'.repeat(KIB))
    await turn()
    const first = memoryOf(together)
    expect(first.kept).toBeGreaterThan(500 * 3 * KIB)
    expect(first.pinned).toBeLessThan(first.kept * 1.2)
    for (let peer = 0; peer < 200; peer++) {
      const late = await Peer.subscribed(broker, `/topic/${peer}`)
      for (let sent = 0; sent < 3; sent++) broker.publish(`/topic/${peer}`, 'x'.repeat(KIB))
      await turn()
      together.push(late)
    }
    const { kept, pinned } = memoryOf(together)
    expect(kept).toBeGreaterThan(700 * 3 * KIB)
    expect(pinned).toBeLessThan(kept * 2)
  })

  it('sends each what was meant for it, whatever was sent to others while it took nothing', async () => {
    const broker = open()
    const [a, b] = [await Peer.subscribed(broker, '/topic/a'), await Peer.subscribed(broker, '/topic/b')]
    b.takeAll()
    const sent: string[] = []
    for (const count of [1, 55, 3, 200]) {
      for (let message = 0; message < count; message++) {
        sent.push(`${sent.length} ${'a'.repeat(KIB)}`)
        broker.publish('/topic/a', sent.at(-1) ?? '')
      }
      await turn()
      for (let message = 0; message < 100; message++) broker.publish('/topic/b', 'b'.repeat(KIB))
      await turn()
    }
    a.takeAll()
    await turn()
    const frames = new ServerFrames()
    const messages = a.taken.flatMap((octets) => frames.read(octets)).filter(({ command }) => command === 'MESSAGE')
    expect(messages.map(({ text }) => text)).toEqual(sent)
  })

  it('counts a large body once that many are sent at the same time, until the last has taken it', async () => {
    const broker = open({ limits: { totalBytes: 8 * MIB } })
    const stuck = await subscribed(100, broker, '/topic/a')
    const idle = broker.stats().bytes
    broker.publish('/topic/a', new Uint8Array(MIB))
    await turn()
    const isCounted = () => broker.stats().bytes > MIB && broker.stats().bytes < 2 * MIB
    expect(isCounted()).toBe(true)
    // From half of it on, too: what is left is not copied for each.
    const half = stuck.slice(0, 50)
    for (let piece = 0; piece < 10; piece++) for (const peer of half) peer.takePiece()
    expect(isCounted()).toBe(true)
    expect(memoryOf(stuck).pinned).toBeLessThan(2 * MIB)
    const [last, ...others] = stuck
    for (const peer of others) peer.takeAll()
    await turn()
    expect(isCounted()).toBe(true)
    last?.takeAll()
    await turn()
    expect(broker.stats().bytes).toBe(idle)
    expect(stuck.filter(({ isCut }) => isCut)).toEqual([])
  })
})
