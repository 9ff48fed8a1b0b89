/** The least of WebSocket that a client of STOMP needs: a connection costs one small object beside its socket. */

import type { Target } from './plan.js'

const HEAD_END = '\r\n\r\n'
const [TWO_OCTETS, EIGHT_OCTETS] = [126, 127]
const [CLOSE, PING] = [8, 9]
const MASK_BYTES = 4
/** The opcodes of data, and whether a frame is the last of its message, which is no matter here. */
const OPCODE = 0x0f
const LAST_TEXT = 0x81
const LAST_PONG = 0x8a
const MASKED = 0x80
const LENGTH = 0x7f

/** The request that makes a connection a WebSocket. */
export function upgradeRequest({ host, port, path }: Target): Buffer {
  return Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      `Host: ${host.includes(':') ? `[${host}]` : host}:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: v12.stomp',
      HEAD_END.slice(2),
    ].join('\r\n'),
  )
}

/** A frame as one text message. It is masked with nothing, so that one encoding serves all connections. */
export function wrapped(frame: Buffer): Buffer {
  return masked(LAST_TEXT, frame)
}

/** What a reader finds. */
export interface Found {
  /** The broker has agreed to speak WebSocket. */
  opened(): void
  /** Octets of STOMP; valid for the call only. */
  stomp(octets: Buffer): void
  /** To be answered with these octets. */
  answer(octets: Buffer): void
  /** There is no more to come. */
  ended(why: string): void
}

/** Finds STOMP in what a broker sends. */
export class WebSocketReader {
  readonly #found: Found
  #isOpen = false
  /** Octets of a frame that are still to come. */
  #left = 0
  /** The beginning of what is not whole. */
  #begun: Buffer | undefined

  constructor(found: Found) {
    this.#found = found
  }

  /** Takes what came; the octets are valid for the call only. */
  receive(octets: Buffer): void {
    const chunk = this.#begun === undefined ? octets : Buffer.concat([this.#begun, octets])
    this.#begun = undefined
    let at = this.#isOpen ? 0 : this.#head(chunk)
    while (at >= 0 && at < chunk.length) at = this.#left > 0 ? this.#rest(chunk, at) : this.#frame(chunk, at)
  }

  /** Answers where frames begin; -1 where there are none yet. */
  #head(chunk: Buffer): number {
    const end = chunk.indexOf(HEAD_END)
    if (end < 0) return this.#keep(chunk, 0)
    const [status = ''] = chunk.toString('latin1', 0, end).split('\r\n')
    if (!/^HTTP\/1\.1 101/.test(status)) {
      this.#found.ended(`the upgrade to a WebSocket is refused: ${status.slice(0, 80)}`)
      return -1
    }
    this.#isOpen = true
    this.#found.opened()
    return end + HEAD_END.length
  }

  #rest(chunk: Buffer, at: number): number {
    const part = chunk.subarray(at, at + this.#left)
    this.#left -= part.length
    this.#found.stomp(part)
    return at + part.length
  }

  #frame(chunk: Buffer, at: number): number {
    const short = (chunk[at + 1] ?? 0) & LENGTH
    const body = at + (short === EIGHT_OCTETS ? 10 : short === TWO_OCTETS ? 4 : 2)
    if (chunk.length < body) return this.#keep(chunk, at)
    const opcode = (chunk[at] ?? 0) & OPCODE
    const length =
      short < TWO_OCTETS
        ? short
        : chunk.readUIntBE(short === TWO_OCTETS ? at + 2 : at + 4, short === TWO_OCTETS ? 2 : 6)
    if (opcode < CLOSE) {
      this.#left = length
      return body
    }
    if (chunk.length < body + length) return this.#keep(chunk, at)
    const octets = chunk.subarray(body, body + length)
    if (opcode === PING) this.#found.answer(masked(LAST_PONG, octets))
    if (opcode === CLOSE) {
      this.#found.ended(`the broker has closed the WebSocket: ${octets.toString('utf8', 2)}`)
      return -1
    }
    return body + length
  }

  #keep(chunk: Buffer, from: number): number {
    this.#begun = Buffer.from(chunk.subarray(from))
    return -1
  }
}

function masked(first: number, octets: Buffer): Buffer {
  const { length } = octets
  const size = length < TWO_OCTETS ? 0 : length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + size + MASK_BYTES)
  head[0] = first
  head[1] = MASKED | (size === 0 ? length : size === 2 ? TWO_OCTETS : EIGHT_OCTETS)
  if (size > 0) head.writeUIntBE(length, size === 2 ? 2 : 4, size === 2 ? 2 : 6)
  return Buffer.concat([head, octets])
}
