/** When what was written leaves: once a turn, for all sessions, in slices. */

import type { Clock } from '../clock.js'
import type { MessageEncoder } from '../codec/encoder.js'
import type { OctetWriter } from '../codec/octets.js'

/** Something with octets to send. */
export interface Flushable {
  flush(): void
}

/** How long sessions are flushed before the sockets are read again: a broadcast to everybody must not stall the loop. */
const SLICE_MS = 10
const LOOK_AT_CLOCK_EVERY = 32

/** One write a turn and session, instead of one a message: fan-out is bound by system calls. */
export class Flusher {
  readonly #clock: Clock
  readonly #writer: OctetWriter
  readonly #encoder: MessageEncoder
  #dirty: Flushable[] = []
  #next = 0

  constructor(clock: Clock, writer: OctetWriter, encoder: MessageEncoder) {
    this.#clock = clock
    this.#writer = writer
    this.#encoder = encoder
  }

  /** Flushes `session` after this poll of the sockets. Each session adds itself once, until it is flushed. */
  add(session: Flushable): void {
    this.#dirty.push(session)
    if (this.#dirty.length === 1) this.#plan()
  }

  #plan(): void {
    this.#clock.soon(() => this.#run())
  }

  #run(): void {
    const until = this.#clock.now() + SLICE_MS
    while (this.#next < this.#dirty.length) {
      const session = this.#dirty[this.#next++] as Flushable
      session.flush()
      if (this.#next % LOOK_AT_CLOCK_EVERY === 0 && this.#clock.now() > until) break
    }
    const isDone = this.#next === this.#dirty.length
    // While there is more to do in a turn than a slice takes, the list is never at its end: it must not only grow.
    this.#dirty = isDone ? [] : this.#dirty.slice(this.#next)
    this.#next = 0
    if (!isDone) {
      this.#plan()
      return
    }
    // Nobody refers to the slab any more: what has not left was copied out of it.
    this.#encoder.forget()
    this.#writer.reuse()
  }
}
