/** Writes WebSocket messages: small ones behind one another in one write, large ones from where they are. */

import type { Socket } from 'node:net'

/** A part of a message, or all of it. */
export interface MessagePart {
  readonly octets: Uint8Array
  readonly isBinary: boolean
  /** Whether a message begins with it. */
  readonly isFirst: boolean
  /** Whether a message ends with it. */
  readonly isLast: boolean
}

/** As much as a session sends at once, and the heads between that. */
const SCRATCH_BYTES = 80 * 1024
/** From this size on octets are written from where they are; below, copying them is cheaper than a call. */
const WORTH_A_CALL_BYTES = 8 * 1024

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const FINAL = 0x80
const LENGTH_OF_16_BITS = 126
const LENGTH_OF_64_BITS = 127
const MOST_IN_16_BITS = 0xffff
const MOST_HEAD_BYTES = 10

/**
 * The writer of all connections of a door that do not compress. The ws library would make two buffers and two writes of
 * each message, and knows of nothing that has to stand before them: a server masks nothing, and a pong is a message more.
 */
export class MessageWriter {
  /** Where messages are put together; what is written is a copy, no larger than it needs to be, for slow sockets keep it. */
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #at = 0
  #isCorked = false

  /** Adds to what is written next. */
  add(socket: Socket, part: MessagePart): void {
    const { octets } = part
    const isLarge = octets.length >= WORTH_A_CALL_BYTES
    if (this.#at + MOST_HEAD_BYTES + (isLarge ? 0 : octets.length) > SCRATCH_BYTES) this.#write(socket)
    this.#addHead(part)
    if (isLarge) {
      this.#write(socket)
      socket.write(octets)
    } else {
      this.#scratch.set(octets, this.#at)
      this.#at += octets.length
    }
  }

  /** Writes what was added. */
  flush(socket: Socket): void {
    if (this.#at > 0) this.#send(socket)
    if (!this.#isCorked) return
    this.#isCorked = false
    socket.uncork()
  }

  /** More follows: all of it leaves at once. */
  #write(socket: Socket): void {
    if (!this.#isCorked) {
      this.#isCorked = true
      socket.cork()
    }
    this.#send(socket)
  }

  #send(socket: Socket): void {
    socket.write(Buffer.from(this.#scratch.subarray(0, this.#at)))
    this.#at = 0
  }

  #addHead({ octets: { length }, isBinary, isFirst, isLast }: MessagePart): void {
    const scratch = this.#scratch
    const kind = isFirst ? (isBinary ? BINARY : TEXT) : CONTINUATION
    scratch[this.#at++] = isLast ? kind | FINAL : kind
    if (length < LENGTH_OF_16_BITS) scratch[this.#at++] = length
    else if (length <= MOST_IN_16_BITS) {
      scratch[this.#at++] = LENGTH_OF_16_BITS
      this.#at = scratch.writeUInt16BE(length, this.#at)
    } else {
      scratch[this.#at++] = LENGTH_OF_64_BITS
      this.#at = scratch.writeBigUInt64BE(BigInt(length), this.#at)
    }
  }
}
