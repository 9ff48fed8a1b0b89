/** One client's conversation with a broker, as light as it can be: a socket and a few numbers. */

import { connect, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import { Frames } from './frames.js'
import { nowUs, stampIn } from './now.js'
import type { SessionPlan } from './plan.js'
import { SourcePicker } from './sources.js'
import { upgradeRequest, WebSocketReader, wrapped } from './web-socket.js'

/** What happens to a session. */
export interface SessionEvents {
  /** It is subscribed; or connected, where it is to be no more. */
  ready(session: Session): void
  /** A MESSAGE came, whose body was sent then. */
  message(session: Session, sentUs: number): void
  receipt(session: Session): void
  /** It has left: the broker has confirmed that, or closed the connection. */
  left(session: Session): void
  /** What it wrote has left. */
  drained(session: Session): void
  /** It ended, and nobody here wanted it to. */
  lost(session: Session, fault: Fault): void
}

/** Why a session ended. */
export interface Fault {
  readonly message: string
  /** The system's, where it has one. */
  readonly code?: string | undefined
}

/** What all sessions of a process share. */
export interface Shared {
  readonly plan: SessionPlan
  readonly frames: Frames
  readonly sources: SourcePicker | undefined
  readonly secureContext: SecureContext | undefined
  readonly isAcknowledging: boolean
  /** Into which every socket reads: what is in it is dealt with before the next one does. */
  readonly buffer: Buffer
  /** When the octets that are being dealt with were read. */
  readUs: number
}

/** What all sessions of a process share. */
export function sharedBy(
  plan: SessionPlan & { readonly ack: 'auto' | 'client' | 'client-individual' },
  secureContext: SecureContext | undefined,
): Shared {
  const frames = new Frames(plan, isWebSocket(plan) ? wrapped : (frame) => frame)
  const sources = plan.sources && new SourcePicker(plan.sources)
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  return { plan, frames, sources, secureContext, isAcknowledging: plan.ack !== 'auto', buffer, readUs: 0 }
}

/** Characters of an ERROR's body that are repeated. */
const MOST_SAID = 200
const READ_BYTES = 64 * 1_024
/** From how many ports a session tries to connect whose own is taken. */
const MOST_SOURCES = 1_024
const [LF, CR] = [10, 13]
const [ACK_HEADER, MESSAGE_HEADER] = ['\nack:', '\nmessage:'].map((text) => Buffer.from(text)) as [Buffer, Buffer]
/** The first octets of server frames: no two begin alike. */
const [MESSAGE, RECEIPT, CONNECTED, ERROR] = [...'MRCE'].map((letter) => letter.charCodeAt(0))

/** A session. What it is told to write is not looked at, and ends with it. */
export class Session {
  /** Which connection of all it is. */
  readonly index: number
  /** When it began to connect, in microseconds. */
  readonly begunUs = nowUs()
  /** Whether it ever was ready. */
  wasReady = false
  readonly #shared: Shared
  readonly #events: SessionEvents
  #socket: Socket
  readonly #reader: WebSocketReader | undefined
  /** SUBSCRIBE, until it is sent; then what says that its RECEIPT is awaited. */
  #subscribe: Buffer | 'sent' | undefined
  #state: 'opening' | 'ready' | 'leaving' | 'ended' = 'opening'
  /** A frame that is not whole yet. */
  #begun: Buffer[] | undefined
  #acks: string[] | undefined

  /** Connects, and subscribes where a SUBSCRIBE is given. */
  constructor(
    shared: Shared,
    events: SessionEvents,
    { index, subscribe }: { index: number; subscribe?: Buffer | undefined },
  ) {
    this.index = index
    this.#shared = shared
    this.#events = events
    this.#subscribe = subscribe
    this.#reader = isWebSocket(shared.plan) ? new WebSocketReader(this.#found()) : undefined
    this.#socket = this.#dial(MOST_SOURCES)
  }

  /** Whether it is subscribed, or connected where it is to be no more. */
  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** Writes frames; answers false where they wait to leave, until `drained`. */
  write(octets: Buffer): boolean {
    const isFree = this.#socket.write(octets)
    if (!isFree) this.#socket.once('drain', () => this.#events.drained(this))
    return isFree
  }

  /** Writes nothing but a beat, and none behind what has not left yet. */
  beat(): void {
    if (this.isReady && this.#socket.writableLength === 0) this.#socket.write(this.#shared.frames.beat)
  }

  /** Says that it leaves: `left` is called when the broker knows. */
  leave(): void {
    this.#state = 'leaving'
    this.#socket.write(this.#shared.frames.disconnect)
  }

  /** Cuts the connection. */
  cut(): void {
    this.#state = 'ended'
    this.#socket.destroy()
  }

  #dial(sourcesLeft: number): Socket {
    const socket = dial(this.#shared, (length) => this.#read(length))
    let isElsewhere = false
    return socket
      .once(isSecure(this.#shared.plan) ? 'secureConnect' : 'connect', () => this.#open())
      .on('error', ({ message, code }: NodeJS.ErrnoException) => {
        isElsewhere =
          isTaken(code) && sourcesLeft > 1 && this.#shared.sources !== undefined && this.#state === 'opening'
        if (isElsewhere) this.#socket = this.#dial(sourcesLeft - 1)
        else this.#lose({ message, code })
      })
      .on('close', () => {
        if (!isElsewhere) this.#lose({ message: 'the broker closed the connection' })
      })
  }

  #open(): void {
    const { plan, frames } = this.#shared
    this.#socket.write(this.#reader === undefined ? frames.connect : upgradeRequest(plan.target))
  }

  #read(length: number): boolean {
    const { buffer } = this.#shared
    this.#shared.readUs = nowUs()
    const octets = buffer.subarray(0, length)
    if (this.#reader === undefined) this.#stomp(octets)
    else this.#reader.receive(octets)
    if (this.#acks !== undefined) {
      this.#socket.write(this.#shared.frames.acks(this.#acks))
      this.#acks = undefined
    }
    return true
  }

  #found(): ConstructorParameters<typeof WebSocketReader>[0] {
    return {
      opened: () => void this.#socket.write(this.#shared.frames.connect),
      stomp: (octets) => this.#stomp(octets),
      answer: (octets) => void this.#socket.write(octets),
      ended: (message) => this.#lose({ message }),
    }
  }

  /** Our bodies have no NUL: a frame ends with the first. */
  #stomp(octets: Buffer): void {
    let at = 0
    let chunk = octets
    if (this.#begun !== undefined) {
      this.#begun.push(Buffer.from(octets))
      if (!octets.includes(0)) return
      chunk = Buffer.concat(this.#begun)
      this.#begun = undefined
    }
    while (this.#state !== 'ended') {
      while (chunk[at] === LF || chunk[at] === CR) at++
      if (at >= chunk.length) return
      const end = chunk.indexOf(0, at)
      if (end < 0) {
        this.#begun = [Buffer.from(chunk.subarray(at))]
        return
      }
      this.#frame(chunk, at, end)
      at = end + 1
    }
  }

  #frame(chunk: Buffer, at: number, end: number): void {
    const first = chunk[at]
    if (first === MESSAGE) {
      if (this.#shared.isAcknowledging) this.#acknowledge(chunk, at, end)
      this.#events.message(this, stampIn(chunk, end))
    } else if (first === RECEIPT) {
      if (this.#state === 'leaving') this.#leave()
      else if (this.#subscribe === undefined) this.#events.receipt(this)
      else this.#become()
    } else if (first === CONNECTED) {
      this.#connected()
    } else if (first === ERROR) {
      this.#lose({ message: `the broker answers ERROR: ${errorIn(chunk, at, end)}` })
    } else
      this.#lose({
        message: `this is no STOMP: ${JSON.stringify(chunk.toString('latin1', at, Math.min(end, at + 40)))}`,
      })
  }

  #connected(): void {
    if (this.#subscribe === undefined) this.#become()
    else if (this.#subscribe !== 'sent') {
      this.#socket.write(this.#subscribe)
      if (this.#shared.plan.isConfirmed) this.#subscribe = 'sent'
      else this.#become()
    }
  }

  #become(): void {
    this.#subscribe = undefined
    this.#state = 'ready'
    this.wasReady = true
    this.#events.ready(this)
  }

  #acknowledge(chunk: Buffer, at: number, end: number): void {
    const id = headerIn(chunk, ACK_HEADER, at, end)
    if (id === undefined) return
    this.#acks ??= []
    this.#acks.push(id)
  }

  #leave(): void {
    this.cut()
    this.#events.left(this)
  }

  #lose(fault: Fault): void {
    if (this.#state === 'leaving') this.#leave()
    else if (this.#state !== 'ended') {
      this.cut()
      this.#events.lost(this, fault)
    }
  }
}

/** The value of a header, its name given with the LF before and the colon behind; undefined where there is none. */
function headerIn(chunk: Buffer, header: Buffer, at: number, end: number): string | undefined {
  const found = chunk.indexOf(header, at)
  if (found < 0 || found >= end) return undefined
  return chunk.toString('utf8', found + header.length, Math.min(chunk.indexOf(LF, found + 1), end))
}

/** What an ERROR says: its message, and the first line of its body, where it has one. */
function errorIn(chunk: Buffer, at: number, end: number): string {
  const [, body = ''] = chunk.toString('utf8', at, end).split(/\r?\n\r?\n/)
  const [line = ''] = body.split('\n')
  const message = headerIn(chunk, MESSAGE_HEADER, at, end) ?? '(no message)'
  return line === '' ? message : `${message}: ${line.slice(0, MOST_SAID)}`
}

/** Whether a port is somebody else's, or is not free yet. */
function isTaken(code: string | undefined): boolean {
  return code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL'
}

function dial({ plan, sources, secureContext, buffer }: Shared, callback: (length: number) => boolean): Socket {
  const { target } = plan
  const options = {
    host: target.address,
    port: target.port,
    noDelay: true,
    onread: { buffer, callback },
    ...sources?.next(),
  }
  if (!isSecure(plan)) return connect(options)
  return connectTls({
    ...options,
    ...(secureContext && { secureContext }),
    servername: /^[\d.]+$|:/.test(target.host) ? '' : target.host,
    rejectUnauthorized: target.isVerified,
  })
}

function isWebSocket({ target }: SessionPlan): boolean {
  return target.transport === 'ws' || target.transport === 'wss'
}

function isSecure({ target }: SessionPlan): boolean {
  return target.transport === 'tls' || target.transport === 'wss'
}
