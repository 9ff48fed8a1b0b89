/** When what was written leaves: once a turn, for all sessions, in slices. */

import type { Clock } from '../clock.js'
import type { MessageEncoder } from '../codec/encoder.js'
import type { OctetWriter } from '../codec/octets.js'
import type { Crowd } from '../crowd.js'
import { SLICE_MS } from '../turn.js'

/** Something with octets to send. */
export interface Flushable {
  flush(): void
}

const LOOK_AT_CLOCK_EVERY = 32

/** Whoever waits to be flushed, first come first served. */
class Line {
  #sessions: Flushable[] = []
  #next = 0
  /** How many have ever been flushed. */
  flushed = 0

  get isEmpty(): boolean {
    return this.#next === this.#sessions.length
  }

  /** How many will have been flushed when whoever is last now has been. */
  get end(): number {
    return this.flushed + this.#sessions.length - this.#next
  }

  add(session: Flushable): void {
    this.#sessions.push(session)
  }

  /** Flushes for the length of a slice, those too that come meanwhile. */
  flush(clock: Clock): void {
    if (this.isEmpty) return
    const until = clock.now() + SLICE_MS
    while (!this.isEmpty) {
      const session = this.#sessions[this.#next++] as Flushable
      this.flushed++
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
  readonly #crowd: Crowd
  readonly #writer: OctetWriter
  readonly #encoder: MessageEncoder
  readonly #few = new Line()
  readonly #many = new Line()
  /** Where both lines ended when the crowd was seen to be full. */
  #full: { readonly few: number; readonly many: number } | undefined

  constructor(parts: { clock: Clock; crowd: Crowd; writer: OctetWriter; messageEncoder: MessageEncoder }) {
    this.#clock = parts.clock
    this.#crowd = parts.crowd
    this.#writer = parts.writer
    this.#encoder = parts.messageEncoder
  }

  /** Flushes `session` after this poll of the sockets. Each session adds itself once, until it is flushed. */
  add(session: Flushable): void {
    const isPlanned = !this.#isEmpty
    const line = this.#crowd.isAddressed ? this.#many : this.#few
    line.add(session)
    if (!isPlanned) this.#plan()
  }

  get #isEmpty(): boolean {
    return this.#few.isEmpty && this.#many.isEmpty
  }

  #plan(): void {
    this.#clock.soon(() => this.#run())
  }

  #run(): void {
    if (this.#crowd.isFull) this.#full ??= { few: this.#few.end, many: this.#many.end }
    this.#few.flush(this.#clock)
    this.#many.flush(this.#clock)
    if (this.#isEmpty) {
      // Nobody refers to the slab any more: what has not left was copied out of it.
      this.#encoder.forget()
      this.#writer.reuse()
    } else this.#plan()
    this.#lookWhetherServed()
    // What a flush led to may have filled the crowd when nobody was left in line.
    if (this.#crowd.isFull && this.#isEmpty) this.#plan()
  }

  /** Whoever came after the crowd was full does not keep its senders waiting. */
  #lookWhetherServed(): void {
    const full = this.#full
    if (full === undefined || this.#few.flushed < full.few || this.#many.flushed < full.many) return
    this.#full = undefined
    this.#crowd.served()
  }
}
