/** A worker's subscription to a queue, as the queue has it: with the credit that bounds what the worker keeps. */

import {
  type Consumer,
  type Delivery,
  type LocalDestination,
  type Origin,
  type StoredMessage,
  Subscription,
} from '@xtomp/core/destination'

/** How many deliveries may be with a worker that its client has not been handed. */
const CREDIT = 128

/** Where deliveries go. */
export interface DeliveryLink {
  /** Whether more may be written. */
  readonly hasRoom: boolean
  /** Passes a delivery on, and answers the number that it has on the link. */
  deliver(to: OwnerSubscription, delivery: Delivery): number
  /** A delivery by its number, which is gone then; undefined where it has ended. */
  take(number: number): Delivery | undefined
  /** It found no room: it is to be resumed when there is some. */
  starved(subscription: OwnerSubscription): void
}

/** What makes one. */
export interface OwnerSubscriptionParts {
  readonly number: number
  readonly name: string
  readonly prefetch: number
  readonly isAuto: boolean
  readonly source: LocalDestination
  readonly link: DeliveryLink
}

/** Stands for a subscription of a worker; what is `auto` there is settled here when it was handed over. */
export class OwnerSubscription implements Consumer {
  readonly number: number
  readonly subscription: Subscription
  readonly #isAuto: boolean
  readonly #link: DeliveryLink
  /** Numbers of what was passed on and not handed over, oldest first. */
  #unhanded: number[] = []
  #first = 0

  constructor({ number, name, prefetch, isAuto, source, link }: OwnerSubscriptionParts) {
    this.number = number
    this.#isAuto = isAuto
    this.#link = link
    this.subscription = new Subscription(
      { id: String(number), isNamed: true, destination: name, ackMode: 'client-individual', prefetch },
      source,
      this,
    )
  }

  hasRoom(): boolean {
    if (!this.#link.hasRoom) this.#link.starved(this)
    else if (this.#unhanded.length - this.#first < CREDIT) return true
    return false
  }

  deliver(_subscription: Subscription, _message: StoredMessage, delivery: Delivery | undefined): void {
    if (delivery !== undefined) this.#unhanded.push(this.#link.deliver(this, delivery))
  }

  get isGone(): boolean {
    return false
  }

  catchUp(): void {}

  released(): void {}

  cut(): void {}

  /** The oldest `count` were handed over. */
  handed(count: number): void {
    const numbers = this.#unhanded.slice(this.#first, this.#first + count)
    this.#first += numbers.length
    if (this.#first > CREDIT) {
      this.#unhanded = this.#unhanded.slice(this.#first)
      this.#first = 0
    }
    if (this.#isAuto) {
      const deliveries = numbers.flatMap((number) => this.#link.take(number) ?? [])
      for (const delivery of deliveries) this.subscription.forget(delivery)
      deliveries[0]?.origin.settle(deliveries, 'acknowledged', { done: () => undefined })
    }
    this.subscription.resume()
  }

  /** Nothing more is delivered; what was not handed over goes back as if it had never been out. */
  end(): void {
    this.subscription.end()
    const deliveries = this.#unhanded.slice(this.#first).flatMap((number) => this.#link.take(number) ?? [])
    this.#unhanded = []
    this.#first = 0
    putBackUntouched(deliveries)
  }
}

/** Takes deliveries back that nobody has seen. */
export function putBackUntouched(deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) {
    delivery.holder?.forget(delivery)
    delivery.holder = undefined
  }
  byOrigin(deliveries, (origin, group) => origin.putBack(group))
}

/** Calls `task` for each origin with its deliveries, in their order. */
export function byOrigin(
  deliveries: readonly Delivery[],
  task: (origin: Origin, deliveries: readonly Delivery[]) => void,
): void {
  const groups = new Map<Origin, Delivery[]>()
  for (const delivery of deliveries) {
    const group = groups.get(delivery.origin)
    if (group === undefined) groups.set(delivery.origin, [delivery])
    else group.push(delivery)
  }
  for (const [origin, group] of groups) task(origin, group)
}
