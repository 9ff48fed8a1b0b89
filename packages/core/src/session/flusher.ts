/** When what was written leaves: once a turn, for all sessions, in slices. */

import type { Clock } from '../clock.js'
import type { MessageEncoder } from '../codec/encoder.js'
import type { OctetWriter } from '../codec/octets.js'
import { SLICE_MS, type Turn } from '../turn.js'

/** Something with octets to send. */
export interface Flushable {
  flush(): void
}

const LOOK_AT_CLOCK_EVERY = 32

/** Whoever waits to be flushed, first come first served. */
class Line {
  #sessions: Flushable[] = []
  #next = 0

  get isEmpty(): boolean {
    return this.#next === this.#sessions.length
  }

  add(session: Flushable): void {
    this.#sessions.push(session)
  }

  /** Flushes for the length of a slice, those too that come meanwhile. */
  flush(clock: Clock, sliceMs = SLICE_MS): void {
    if (this.isEmpty) return
    const until = clock.now() + sliceMs
    while (!this.isEmpty) {
      const session = this.#sessions[this.#next++] as Flushable
      session.flush()
      if (this.#next % LOOK_AT_CLOCK_EVERY === 0 && clock.now() > until) break
    }
    // While there is more to do in a turn than a slice takes, the list is never at its end: it must not only grow.
    this.#sessions = this.isEmpty ? [] : this.#sessions.slice(this.#next)
    this.#next = 0
  }
}

/**
 * One write a turn and session, instead of one a message: fan-out is bound by system calls. A broadcast to everybody
 * must not stall the loop, so there are slices; nor must a reply wait until it has left, so there are two lines.
 */
export class Flusher {
  readonly #clock: Clock
  readonly #turn: Turn
  readonly #writer: OctetWriter
  readonly #encoder: MessageEncoder
  readonly #few = new Line()
  readonly #crowd = new Line()

  constructor(parts: { clock: Clock; turn: Turn; writer: OctetWriter; messageEncoder: MessageEncoder }) {
    this.#clock = parts.clock
    this.#turn = parts.turn
    this.#writer = parts.writer
    this.#encoder = parts.messageEncoder
  }

  /** Flushes `session` after this poll of the sockets. Each session adds itself once, until it is flushed. */
  add(session: Flushable): void {
    const isPlanned = !this.#isEmpty
    const line = this.#turn.isForCrowd ? this.#crowd : this.#few
    line.add(session)
    if (!isPlanned) this.#plan()
  }

  /** Flushes the crowd now where it has no room: for who can not wait until it has. */
  serveCrowd(): void {
    if (!this.#turn.isCrowdFull) return
    this.#crowd.flush(this.#clock, Number.POSITIVE_INFINITY)
    this.#turn.served()
  }

  get #isEmpty(): boolean {
    return this.#few.isEmpty && this.#crowd.isEmpty
  }

  #plan(): void {
    this.#clock.soon(() => this.#run())
  }

  #run(): void {
    this.#few.flush(this.#clock)
    this.#crowd.flush(this.#clock)
    if (this.#isEmpty) {
      // Nobody refers to the slab any more: what has not left was copied out of it.
      this.#encoder.forget()
      this.#writer.reuse()
    } else this.#plan()
    if (this.#crowd.isEmpty) this.#turn.served()
  }
}
