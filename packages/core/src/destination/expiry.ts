/** When what waits in a queue expires: nobody may come to ask for it. */

import { WakeUp } from '../wheel.js'
import type { DestinationContext } from './context.js'
import type { Delivery } from './delivery.js'
import type { WaitingDeliveries } from './waiting-deliveries.js'

/** Least time between two searches of a queue. */
const PAUSE_MS = 1_000

/** Finds what has expired among the deliveries that wait; there is an alarm only while one of them can. */
export class Expiry {
  readonly #context: DestinationContext
  readonly #waiting: WaitingDeliveries
  readonly #expired: (deliveries: readonly Delivery[]) => void
  #alarm: WakeUp | undefined

  /** `expired` is given what has been taken out of `waiting`. */
  constructor(
    context: DestinationContext,
    waiting: WaitingDeliveries,
    expired: (deliveries: readonly Delivery[]) => void,
  ) {
    this.#context = context
    this.#waiting = waiting
    this.#expired = expired
  }

  /** Wakes up when a message that has begun to wait expires, if it ever does. */
  watch({ message: { expiresAt } }: Delivery): void {
    if (expiresAt !== 0) this.#wakeAt(expiresAt)
  }

  /** Takes out whatever is at the head and expired; answers whether there was anything. */
  takeFirst(): boolean {
    const expired: Delivery[] = []
    for (let { first } = this.#waiting; first !== undefined && this.#isExpired(first); first = this.#waiting.first) {
      this.#waiting.shift()
      expired.push(first)
    }
    if (expired.length > 0) this.#expired(expired)
    return expired.length > 0
  }

  /** Wakes up no more. */
  stop(): void {
    if (this.#alarm !== undefined) this.#context.wheel.clear(this.#alarm)
  }

  #isExpired({ message }: Delivery): boolean {
    return message.expiresAt !== 0 && message.expiresAt <= this.#context.clock.epoch()
  }

  #wakeAt(expiresAt: number): void {
    const inMs = Math.max(0, expiresAt - this.#context.clock.epoch())
    const { wheel } = this.#context
    this.#alarm ??= new WakeUp(() => this.#search())
    if (this.#alarm.due === 0 || this.#alarm.due > wheel.now + inMs) wheel.set(this.#alarm, inMs)
  }

  #search(): void {
    const expired = this.#waiting.takeAll((delivery) => this.#isExpired(delivery))
    let next = Number.POSITIVE_INFINITY
    for (const { message } of this.#waiting) if (message.expiresAt !== 0) next = Math.min(next, message.expiresAt)
    if (expired.length > 0) this.#expired(expired)
    if (next < Number.POSITIVE_INFINITY) this.#wakeAt(Math.max(next, this.#context.clock.epoch() + PAUSE_MS))
  }
}
