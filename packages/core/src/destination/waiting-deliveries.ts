/** What waits in a queue, in the order in which its messages came to it: what has come, and what has come back. */

import { type Delivery, DeliveryList } from './delivery.js'

/**
 * What comes is behind all others and goes into a list. What comes back may belong anywhere, and comes in any order: it
 * goes into a heap, so that no order of NACKs costs more than the logarithm of how many there are.
 */
export class WaitingDeliveries implements Iterable<Delivery> {
  readonly #come = new DeliveryList()
  /** A binary heap: each is before the two at twice its place, plus one and plus two. */
  #back: Delivery[] = []

  /** How many there are. */
  get size(): number {
    return this.#come.size + this.#back.length
  }

  /** The first of all. */
  get first(): Delivery | undefined {
    return this.#isBackFirst ? this.#back[0] : this.#come.first
  }

  /** Adds one, wherever it belongs. */
  add(delivery: Delivery): void {
    const { last } = this.#come
    if (last === undefined || isBefore(last, delivery)) this.#come.push(delivery)
    else {
      this.#back.push(delivery)
      this.#rise(this.#back.length - 1)
    }
  }

  /** Takes the first out. */
  shift(): Delivery | undefined {
    if (!this.#isBackFirst) return this.#come.shift()
    const [first] = this.#back
    const last = this.#back.pop() as Delivery
    if (this.#back.length > 0) {
      this.#back[0] = last
      this.#sink(0)
    }
    return first
  }

  /** Takes out all that `isWanted` says, in their order. */
  takeAll(isWanted: (delivery: Delivery) => boolean): Delivery[] {
    const taken: Delivery[] = []
    for (const delivery of this.#come) {
      if (!isWanted(delivery)) continue
      this.#come.remove(delivery)
      taken.push(delivery)
    }
    const back = this.#back.filter(isWanted)
    if (back.length > 0) {
      // What is in order is a heap.
      this.#back = this.#back.filter((delivery) => !isWanted(delivery)).sort(inOrder)
      taken.push(...back)
      taken.sort(inOrder)
    }
    return taken
  }

  /** All, in no order. */
  *[Symbol.iterator](): Iterator<Delivery> {
    yield* this.#come
    yield* this.#back
  }

  get #isBackFirst(): boolean {
    const [back] = this.#back
    const { first } = this.#come
    return back !== undefined && (first === undefined || isBefore(back, first))
  }

  #rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#swapped(parent, at)) return
      at = parent
    }
  }

  #sink(from: number): void {
    let at = from
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      const least = right < this.#back.length && isBefore(this.#at(right), this.#at(left)) ? right : left
      if (least >= this.#back.length || !this.#swapped(at, least)) return
      at = least
    }
  }

  /** Puts two in their order; answers whether they were not. */
  #swapped(parent: number, child: number): boolean {
    const above = this.#at(parent)
    const below = this.#at(child)
    if (!isBefore(below, above)) return false
    this.#back[parent] = below
    this.#back[child] = above
    return true
  }

  #at(at: number): Delivery {
    return this.#back[at] as Delivery
  }
}

/** Messages recovered from a store came before any of this broker's own, in the order in which they are listed. */
function isBefore(one: Delivery, other: Delivery): boolean {
  return one.message.arrival < other.message.arrival
}

function inOrder(one: Delivery, other: Delivery): number {
  return one.message.arrival - other.message.arrival
}
