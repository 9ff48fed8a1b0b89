/** `fanout`: one producer, many subscribers, and so many messages on their way as the window allows. */

import type { Sends } from '../load/frames.js'
import { nowUs } from '../load/now.js'
import type { Session } from '../load/session.js'
import { Pace } from './pace.js'
import { type Surroundings, Work } from './work.js'

/** Octets that a producer writes at once, at most. */
export const CHUNK_BYTES = 64 * 1_024

/** A process of subscribers; the first one has the producer, too. */
export class FanOut extends Work {
  readonly #sends: Sends
  readonly #pace: Pace
  readonly #subscribers: number
  #isSending = false
  #elsewhere = 0
  /** The number of deliveries, here, at which there is something to do again. */
  #next = 0

  constructor(surroundings: Surroundings) {
    super(surroundings)
    const { destination, bodyBytes, rate, connections, producers } = this.plan
    this.#sends = this.shared.frames.sends(destination, bodyBytes, 0)
    this.#pace = new Pace(rate, () => this.#send())
    this.#subscribers = connections - producers
  }

  override go(): void {
    this.#isSending = this.plan.producers > 0
    this.#next = this.#isSending ? 0 : this.#subscribers
    this.#pace.begin()
    this.#send()
  }

  override rest(): void {
    this.#isSending = false
    this.#pace.end()
  }

  override elsewhere(deliveries: number): void {
    this.#elsewhere = deliveries
    this.#send()
  }

  override message(session: Session, sentUs: number): void {
    super.message(session, sentUs)
    if (this.recorder.received < this.#next) return
    if (this.plan.producers > 0) this.#send()
    else {
      this.tell({ seen: this.recorder.received })
      this.#next += this.#subscribers
    }
  }

  override drained(): void {
    this.#send()
  }

  #send(): void {
    const { subscribers, window, messages = Number.POSITIVE_INFINITY } = this.plan
    const [producer] = this.sessions
    if (!this.#isSending || producer === undefined) return
    const seen = this.recorder.received + this.#elsewhere
    const open = Math.floor(seen / subscribers) + window - this.recorder.sent
    const chunk = Math.max(1, Math.floor(CHUNK_BYTES / this.#sends.bytes))
    let count = Math.min(open, messages - this.recorder.sent, this.#pace.room)
    this.recorder.sent += Math.max(0, count)
    // The next message is complete with so many deliveries here.
    this.#next = (Math.floor(seen / subscribers) + 1) * subscribers - this.#elsewhere
    this.#pace.sent(Math.max(0, count))
    for (; count > 0; count -= chunk) producer.write(this.#sends.take(Math.min(count, chunk), nowUs()))
  }
}
