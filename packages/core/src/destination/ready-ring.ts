/** The subscriptions of a queue that may have room, asked in turn. */

import type { Subscription } from './subscription.js'

/** Round robin: whoever is found without room drops out, until it is added again. */
export class ReadyRing {
  readonly #ring: Subscription[] = []
  #next = 0

  /** Adds one behind all others; one that is in already keeps its place. */
  add(subscription: Subscription): void {
    if (subscription.isReady) return
    subscription.isReady = true
    this.#ring.push(subscription)
  }

  /** Takes one out. */
  remove(subscription: Subscription): void {
    if (!subscription.isReady) return
    subscription.isReady = false
    const at = this.#ring.indexOf(subscription)
    this.#ring.splice(at, 1)
    if (at < this.#next) this.#next--
  }

  /** Whose turn it is, among those with room; undefined where none has. */
  peek(): Subscription | undefined {
    while (this.#ring.length > 0) {
      if (this.#next >= this.#ring.length) this.#next = 0
      const subscription = this.#ring[this.#next] as Subscription
      if (subscription.hasRoom()) return subscription
      this.remove(subscription)
    }
    return undefined
  }

  /** The turn goes to the next. */
  turn(): void {
    this.#next++
  }
}
