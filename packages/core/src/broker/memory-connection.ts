/** A connection in memory: the client's end of a pipe whose other end is a broker's session. */

import type { Clock } from '../clock.js'
import type { CloseReason, Connection, ConnectionInfo, Inbound } from '../ports/connection.js'
import type { Broker } from './broker.js'

/** What a client in memory does with what comes. */
export interface MemoryReceiver {
  /** Octets came; they stay the receiver's. `frameEnds` lists the offsets at which a frame ends, ascending. */
  receive(octets: Uint8Array, frameEnds: readonly number[]): void
  /** The broker closed the connection. Called once, after the last octets. */
  closed?(reason: CloseReason | undefined): void
}

/** The client's end of a connection in memory. */
export interface MemoryClient {
  /** Octets to the broker, which acts on them before this returns. Text is sent as UTF-8. */
  write(octets: Uint8Array | string): void
  /** The client sends no more, but still receives. */
  end(): void
  /** The connection breaks. */
  abort(): void
  /** Takes no more octets: the broker sees a slow peer. */
  pause(): void
  /** Takes octets again. */
  resume(): void
}

const INFO: ConnectionInfo = { transport: 'memory' }

/** Octets on their way to the client. */
interface Chunk {
  readonly octets: Uint8Array
  readonly frameEnds: readonly number[]
}

/** A client that has paused is given that much before the broker is told to wait. */
const BUFFER_BYTES = 64 * 1024
/** How long a client that has paused keeps a closing connection. */
const LINGER_MS = 2_000

/**
 * Opens a connection in memory: a real one, with back-pressure and half-close, without a port.
 *
 * @example
 * ```ts
 * import { connectMemory, createBroker } from '@xtomp/core'
 *
 * const broker = createBroker()
 * const client = connectMemory(broker, { receive: (octets) => console.log(new TextDecoder().decode(octets)) })
 * client.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0')
 * await broker.close()
 * ```
 */
export function connectMemory(
  broker: Pick<Broker, 'accept' | 'clock'>,
  receiver: MemoryReceiver,
  info: ConnectionInfo = INFO,
): MemoryClient {
  const pipe = new MemoryConnection(broker.clock, receiver, info)
  pipe.inbound = broker.accept(pipe)
  return {
    write: (octets) => pipe.fromClient(octets),
    end: () => pipe.endFromClient(),
    abort: () => pipe.abort(),
    pause: () => pipe.pauseClient(),
    resume: () => pipe.resumeClient(),
  }
}

/** Both directions of one connection in memory, as the broker holds it. */
class MemoryConnection implements Connection {
  readonly info: ConnectionInfo
  inbound: Inbound | undefined
  readonly #clock: Clock
  readonly #receiver: MemoryReceiver
  /** On the way to the client. */
  #outgoing: Chunk[] = []
  #outgoingBytes = 0
  /** From the client, while the broker does not read. */
  #incoming: Uint8Array[] = []
  #isClientPaused = false
  #isBrokerPaused = false
  #isBlocked = false
  #isClientEnded = false
  #isEndTold = false
  #isClosed = false
  #isPlanned = false
  #closing: CloseReason | undefined
  #cancelLinger: (() => void) | undefined

  constructor(clock: Clock, receiver: MemoryReceiver, info: ConnectionInfo) {
    this.#clock = clock
    this.#receiver = receiver
    this.info = info
  }

  send(octets: Uint8Array, frameEnds: readonly number[]): boolean {
    if (this.#isClosed) return false
    this.#outgoing.push({ octets: Uint8Array.from(octets), frameEnds: [...frameEnds] })
    this.#outgoingBytes += octets.length
    this.#plan()
    this.#isBlocked = this.#isClientPaused && this.#outgoingBytes > BUFFER_BYTES
    return !this.#isBlocked
  }

  pause(): void {
    this.#isBrokerPaused = true
  }

  resume(): void {
    this.#isBrokerPaused = false
    this.#plan()
  }

  close(reason: CloseReason): void {
    this.#closing = reason
    this.#plan()
    if (this.#isClientPaused) this.#linger()
  }

  abort(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#outgoing = []
    const cause = this.#closing === undefined ? new Error('the connection was cut') : undefined
    // Never within the call: the broker may be in the midst of something.
    this.#clock.soon(() => this.#tellClosed(cause))
  }

  fromClient(octets: Uint8Array | string): void {
    // What comes once it is closing is read and dropped.
    if (this.#isClientEnded || this.#isClosed || this.#closing !== undefined) return
    const bytes = typeof octets === 'string' ? new TextEncoder().encode(octets) : octets
    // What came before is still waiting its turn: nothing overtakes it.
    if (this.#isBrokerPaused || this.#incoming.length > 0) this.#incoming.push(Uint8Array.from(bytes))
    else this.inbound?.receive(bytes)
  }

  endFromClient(): void {
    this.#isClientEnded = true
    this.#plan()
  }

  pauseClient(): void {
    this.#isClientPaused = true
    if (this.#closing !== undefined && !this.#isClosed) this.#linger()
  }

  resumeClient(): void {
    this.#isClientPaused = false
    this.#plan()
  }

  /** Whether before its end or in the midst of it: a client that takes nothing does not keep it for ever. */
  #linger(): void {
    this.#cancelLinger ??= this.#clock.after(LINGER_MS, () => this.abort())
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    this.#clock.soon(() => {
      this.#isPlanned = false
      this.#pump()
    })
  }

  #pump(): void {
    while (!this.#isClosed && !this.#isClientPaused && this.#outgoing.length > 0) {
      const { octets, frameEnds } = this.#outgoing.shift() as Chunk
      this.#outgoingBytes -= octets.length
      this.#receiver.receive(octets, frameEnds)
    }
    while (!this.#isClosed && this.#closing === undefined && !this.#isBrokerPaused && this.#incoming.length > 0)
      this.inbound?.receive(this.#incoming.shift() as Uint8Array)
    if (this.#isClosed) return
    if (this.#isClientEnded && !this.#isEndTold && this.#incoming.length === 0) {
      this.#isEndTold = true
      this.inbound?.ended()
    }
    if (this.#outgoing.length > 0) return
    if (this.#isBlocked) {
      this.#isBlocked = false
      this.inbound?.drained()
    }
    // What that made the broker send leaves before the end does.
    if (this.#closing === undefined || this.#outgoing.length > 0) return
    this.#isClosed = true
    this.#tellClosed(undefined)
  }

  #tellClosed(cause: Error | undefined): void {
    this.#cancelLinger?.()
    this.inbound?.closed(cause)
    this.#receiver.closed?.(this.#closing)
  }
}
