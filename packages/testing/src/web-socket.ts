/** A WebSocket in memory: shaped as a browser's, for clients that take one. */

import type { CloseReason, MemoryClient } from '@xtomp/core'
import { joined } from './frame-cutter.js'
import type { MemoryDoor } from './memory-door.js'

/** What a {@link TestWebSocket} sends. */
export type WebSocketData = string | ArrayBufferLike | ArrayBufferView

/** What the event of a {@link TestWebSocket} tells. */
export interface TestWebSocketEvent {
  readonly type: string
  /** Of a message. */
  readonly data?: string | ArrayBuffer | Blob
  /** Of a close: as in RFC 6455. */
  readonly code?: number
  /** Of a close. */
  readonly reason?: string
  /** Of a close. */
  readonly wasClean?: boolean
}

/** What listens to a {@link TestWebSocket}. */
export type TestWebSocketListener = ((event: TestWebSocketEvent) => unknown) | null

/** A WebSocket in memory. What a browser's has, but for `extensions`, which are none. */
export interface TestWebSocket {
  readonly url: string
  /** The subprotocol: the first of those asked for that is STOMP's, or ''. */
  readonly protocol: string
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number
  /** What binary data come as: `blob` or `arraybuffer`. */
  binaryType: string
  /** Octets that were sent and have not left. */
  readonly bufferedAmount: number
  onopen: TestWebSocketListener
  onmessage: TestWebSocketListener
  onerror: TestWebSocketListener
  onclose: TestWebSocketListener
  /** Listens to `open`, `message`, `error` or `close`. */
  addEventListener(type: string, listener: (event: TestWebSocketEvent) => unknown): void
  /** Listens no more. */
  removeEventListener(type: string, listener: (event: TestWebSocketEvent) => unknown): void
  /** Sends a message. @throws Error before it is open; after it is closed nothing happens */
  send(data: WebSocketData): void
  /** Closes it. */
  close(code?: number, reason?: string): void
}

const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3

const SUBPROTOCOLS: readonly string[] = ['v12.stomp', 'v11.stomp', 'v10.stomp', 'stomp']

const NORMAL = 1000
const GOING_AWAY = 1001
const PROTOCOL_ERROR = 1002
const NO_STATUS = 1005
const ABNORMAL = 1006

const encoder = new TextEncoder()

/** One WebSocket, as its client has it. */
export class MemoryWebSocket extends EventTarget implements TestWebSocket {
  readonly url: string
  readonly protocol: string
  readyState: number = CONNECTING
  binaryType = 'blob'
  bufferedAmount = 0
  onopen: TestWebSocketListener = null
  onmessage: TestWebSocketListener = null
  onerror: TestWebSocketListener = null
  onclose: TestWebSocketListener = null
  readonly #door: MemoryDoor
  #client: MemoryClient | undefined
  #isBinary = false
  /** With which code and reason the client closed it. */
  #closedWith: readonly [number, string] | undefined

  constructor(door: MemoryDoor, url: string, protocols: readonly string[]) {
    super()
    this.#door = door
    this.url = url
    this.protocol = protocols.find((protocol) => SUBPROTOCOLS.includes(protocol)) ?? ''
    for (const type of ['open', 'message', 'error', 'close'] as const)
      this.addEventListener(type, (event) => this[`on${type}`]?.(event))
    door.clock.soon(() => this.#open())
  }

  send(data: WebSocketData): void {
    if (this.readyState === CONNECTING) throw new DOMException('the WebSocket is not open yet', 'InvalidStateError')
    if (this.readyState !== OPEN) return
    this.#isBinary = typeof data !== 'string'
    const octets = octetsOf(data)
    this.bufferedAmount += octets.length
    // As over a network: the broker acts on it in a later turn, never inside the call.
    this.#door.clock.soon(() => {
      this.bufferedAmount -= octets.length
      this.#client?.write(octets)
    })
  }

  close(code?: number, reason = ''): void {
    if (this.readyState >= CLOSING) return
    const isOpen = this.readyState === OPEN
    this.readyState = CLOSING
    this.#closedWith = [code ?? NO_STATUS, reason]
    // One that is still connecting finds out in its own turn.
    if (isOpen) this.#door.clock.soon(() => this.#client?.end())
  }

  #open(): void {
    const receiver = {
      receive: (octets: Uint8Array, frameEnds: readonly number[]) => this.#receive(octets, frameEnds),
      // As when the closing handshake is begun and never ends.
      ended: () => {
        if (this.readyState === OPEN) this.readyState = CLOSING
      },
      closed: (reason: CloseReason | undefined) => this.#close(reason),
    }
    const client = this.readyState === CONNECTING ? this.#door.open(receiver, 'memory-websocket') : undefined
    if (client === undefined) {
      this.#emit('error', {})
      this.#end(ABNORMAL, '', false)
      return
    }
    this.#client = client
    this.readyState = OPEN
    this.#emit('open', {})
  }

  #receive(octets: Uint8Array, frameEnds: readonly number[]): void {
    let start = 0
    for (const end of frameEnds) {
      if (this.readyState === OPEN) this.#emit('message', { data: this.#dataOf(octets.subarray(start, end)) })
      start = end
    }
  }

  #close(reason: CloseReason | undefined): void {
    if (reason === undefined) this.#end(ABNORMAL, '', false)
    else if (this.#closedWith !== undefined) this.#end(...this.#closedWith, true)
    else this.#end(codeOf(reason), reason.code, true)
  }

  #end(code: number, reason: string, wasClean: boolean): void {
    this.readyState = CLOSED
    this.#emit('close', { code, reason, wasClean })
  }

  #dataOf(octets: Uint8Array): string | ArrayBuffer | Blob {
    // A client that sends text gets text, as far as it is text; one that sends binary gets binary.
    const text = this.#isBinary ? undefined : textOf(octets)
    if (text !== undefined) return text
    const copy = joined([octets])
    return this.binaryType === 'arraybuffer' ? copy.buffer : new Blob([copy])
  }

  #emit(type: string, facts: Omit<TestWebSocketEvent, 'type'>): void {
    this.dispatchEvent(Object.assign(new Event(type), facts))
  }
}

function codeOf({ code }: CloseReason): number {
  if (code === 'disconnect' || code === 'peer-closed') return NORMAL
  return code === 'broker-closing' ? GOING_AWAY : PROTOCOL_ERROR
}

function textOf(octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    return undefined
  }
}

function octetsOf(data: WebSocketData): Uint8Array {
  if (typeof data === 'string') return encoder.encode(data)
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
    : new Uint8Array(data).slice()
}
