/** `queue`: producers that keep as many messages unconfirmed as twice a receipt's worth, and consumers. */

import type { Sends } from '../load/frames.js'
import { nowUs } from '../load/now.js'
import type { Session } from '../load/session.js'
import { CHUNK_BYTES } from './fan-out.js'
import { Pace } from './pace.js'
import { type Surroundings, Work } from './work.js'

/** One that sends. */
interface Producer {
  readonly session: Session
  readonly sends: Sends
  left: number
  unconfirmed: number
  isFull: boolean
}

/** A process of producers and consumers. */
export class QueueWork extends Work {
  readonly #pace: Pace
  readonly #producers = new Map<Session, Producer>()

  constructor(surroundings: Surroundings) {
    super(surroundings)
    const { rate, producers } = this.plan
    this.#pace = new Pace(rate === undefined ? undefined : rate * producers, () => this.#sendAll())
  }

  override go(): void {
    const { destination, bodyBytes, receiptEvery, producers, messages = Number.POSITIVE_INFINITY } = this.plan
    for (const session of this.sessions.slice(0, producers)) {
      const sends = this.shared.frames.sends(destination, bodyBytes, receiptEvery)
      this.#producers.set(session, { session, sends, left: messages, unconfirmed: 0, isFull: false })
    }
    this.#pace.begin()
    this.#sendAll()
  }

  override rest(): void {
    this.#pace.end()
    this.#producers.clear()
  }

  override receipt(session: Session): void {
    const producer = this.#producers.get(session)
    if (producer === undefined) return
    producer.unconfirmed -= this.plan.receiptEvery
    this.#send(producer)
  }

  override drained(session: Session): void {
    const producer = this.#producers.get(session)
    if (producer === undefined) return
    producer.isFull = false
    this.#send(producer)
  }

  #sendAll(): void {
    for (const producer of this.#producers.values()) this.#send(producer)
  }

  #send(producer: Producer): void {
    const { receiptEvery } = this.plan
    const chunk = Math.max(1, Math.floor(CHUNK_BYTES / producer.sends.bytes))
    while (!producer.isFull) {
      const unconfirmed = receiptEvery === 0 ? chunk : 2 * receiptEvery - producer.unconfirmed
      const count = Math.min(chunk, unconfirmed, producer.left, this.#pace.room)
      if (count <= 0) return
      producer.left -= count
      producer.unconfirmed += receiptEvery === 0 ? 0 : count
      this.recorder.sent += count
      this.#pace.sent(count)
      producer.isFull = !producer.session.write(producer.sends.take(count, nowUs()))
    }
  }
}
