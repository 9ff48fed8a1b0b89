/** A STOMP frame that leaves in pieces: put together where it must be known as a whole, or a message in fragments. */

import { isUtf8 } from 'node:buffer'
import type { MessagePart } from './message-writer.js'
import type { Room } from './room.js'

/** How its pieces become a message. */
export interface SplitFrameOptions {
  readonly room: Room
  /** Whether its client wants text. */
  readonly isText: boolean
  /** Whether it is put together while there is room: only then is it known whether it is text, or worth to be compressed. */
  readonly isGathered: boolean
}

/** One frame, from its first piece to its last. */
export class SplitFrame {
  /** Octets that it holds; they are in the room. */
  held = 0
  readonly #options: SplitFrameOptions
  #pieces: Uint8Array[] = []
  /** Whether fragments of it have left. */
  #hasBegun = false

  constructor(options: SplitFrameOptions) {
    this.#options = options
  }

  /** One piece more; answers what is to be sent now. */
  add(piece: Uint8Array, isLast: boolean): MessagePart[] {
    const { room, isText, isGathered } = this.#options
    if (this.#hasBegun) return [this.#fragment(piece, isLast)]
    if (isLast) {
      const octets = Buffer.concat([...this.#pieces, piece])
      return [{ octets, isBinary: !isText || !isUtf8(octets), isFirst: true, isLast }]
    }
    if (isGathered && room.held + piece.length <= room.limit) {
      this.#pieces.push(Uint8Array.from(piece))
      this.held += piece.length
      room.held += piece.length
      return []
    }
    // What there is of the frame begins a message of fragments, and those are binary.
    const parts = [...this.#pieces, piece].map((octets) => this.#fragment(octets, false))
    this.#pieces = []
    return parts
  }

  #fragment(octets: Uint8Array, isLast: boolean): MessagePart {
    const isFirst = !this.#hasBegun
    this.#hasBegun = true
    return { octets, isBinary: true, isFirst, isLast }
  }
}
