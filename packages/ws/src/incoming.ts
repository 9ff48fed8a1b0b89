/** What has come of a message that is not whole: the ws library keeps it, and tells nobody how much that is. */

import type { Room } from './room.js'

const LEAST_HEAD_BYTES = 6
const SHORT_BYTES = 125
const MEDIUM_BYTES = 65_535

/**
 * Counts octets as they come, and takes off what was handed over. It never counts less than there is, and at most one
 * chunk more: where a message ends, no more than the chunk that it ended in can be left.
 */
export class Incoming {
  unfinished = 0
  /** Whether a message of the chunk at hand was handed over. */
  wasHandedOver = false
  readonly #room: Room

  constructor(room: Room) {
    this.#room = room
  }

  /** A message of the chunk at hand was handed over. */
  message(length: number): void {
    this.wasHandedOver = true
    this.#add(-length - headBytes(length))
  }

  /** A ping or a pong of the chunk at hand. */
  control(length: number): void {
    this.#add(-length - headBytes(length))
  }

  /** The chunk at hand, after what was whole in it. */
  chunk(length: number): void {
    const now = this.unfinished + length
    const counted = this.wasHandedOver ? Math.min(now, length) : now
    this.#add(Math.max(0, counted) - this.unfinished)
    this.wasHandedOver = false
  }

  /** Nothing is kept any more. */
  release(): void {
    this.#add(-this.unfinished)
  }

  #add(octets: number): void {
    this.unfinished += octets
    this.#room.held += octets
  }
}

/** How much stands before a message of this length, at least: the length, and a client's mask. */
function headBytes(length: number): number {
  if (length <= SHORT_BYTES) return LEAST_HEAD_BYTES
  return length <= MEDIUM_BYTES ? LEAST_HEAD_BYTES + 2 : LEAST_HEAD_BYTES + 8
}
