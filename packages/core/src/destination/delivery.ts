/** One message on its way to one subscription, and lists of those. */

import type { AckMode } from '../ack-mode.js'
import type { StoredMessage } from '../message.js'
import type { Completion, Delivery as DeliveryPort, Outcome } from '../ports/destination.js'

/** Where deliveries come from, and what is told how they ended. */
export interface Origin {
  /** Under which name the store keeps its messages; undefined where it keeps none. */
  readonly storeKey: string | undefined
  /** Settles deliveries, all with one outcome and in the order in which they were handed over. */
  settle(deliveries: readonly Delivery[], outcome: Outcome, completion: Completion): void
  /** Counts deliveries as gone, while whoever ends them looks for places for something else. */
  letGo(deliveries: readonly Delivery[]): void
  /** Counts them as there again. */
  keep(deliveries: readonly Delivery[]): void
  /** Forgets deliveries whose end is stored. */
  finish(deliveries: readonly Delivery[]): void
  /** Takes deliveries back, to be delivered again in the order in which their messages came. */
  putBack(deliveries: readonly Delivery[]): void
}

/** Who has a delivery: a subscription. */
export interface Holder {
  readonly id: string
  readonly ackMode: AckMode
  /** Delivered and not settled, oldest first. */
  readonly unacknowledged: DeliveryList | undefined
  /** A delivery is settled, or taken back. */
  forget(delivery: Delivery): void
  /** It may have room again. */
  resume(): void
}

/**
 * A message that waits in a queue, or is out with a subscription, or both in turn. It is its own link in the one list
 * that holds it, so that waiting and being delivered cost no further object.
 */
export class Delivery implements DeliveryPort {
  readonly message: StoredMessage
  readonly origin: Origin
  isRedelivered = false
  /** How often it was delivered and came back through its consumer's fault. */
  attempts = 0
  /** Who has it now; undefined while it waits. */
  holder: Holder | undefined
  /** The number in the `ack` header: new for each time it is handed over. */
  number = 0
  /** Another unsettled delivery of the same message in the same session. */
  twin: Delivery | undefined
  before: Delivery | undefined
  after: Delivery | undefined

  constructor(message: StoredMessage, origin: Origin) {
    this.message = message
    this.origin = origin
  }
}

/** A doubly linked list of deliveries; each is in one list at most. */
export class DeliveryList implements Iterable<Delivery> {
  first: Delivery | undefined
  last: Delivery | undefined
  size = 0

  /** Adds one behind all others. */
  push(delivery: Delivery): void {
    delivery.before = this.last
    if (this.last === undefined) this.first = delivery
    else this.last.after = delivery
    this.last = delivery
    this.size++
  }

  /** Takes one out. */
  remove(delivery: Delivery): void {
    const { before, after } = delivery
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    delivery.before = undefined
    delivery.after = undefined
    this.size--
  }

  /** Takes the first out. */
  shift(): Delivery | undefined {
    const { first } = this
    if (first !== undefined) this.remove(first)
    return first
  }

  *[Symbol.iterator](): IterableIterator<Delivery> {
    for (let delivery = this.first; delivery !== undefined; ) {
      const { after } = delivery
      yield delivery
      delivery = after
    }
  }
}
