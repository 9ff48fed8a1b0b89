/** A subscription of this worker to a queue that the primary owns: what came for it, and what it was handed. */

import type { Completion, DestinationContext, Subscription } from '@xtomp/core/destination'
import { Delivery, type Origin, type StoredMessage } from '@xtomp/core/destination'
import type { LinkOutcome } from '../link/codes.js'

/** A delivery that the primary knows by a number. */
export class RemoteDelivery extends Delivery {
  readonly linkNumber: number

  constructor(message: StoredMessage, origin: Origin, linkNumber: number) {
    super(message, origin)
    this.linkNumber = linkNumber
  }
}

/** Where a remote subscription says what became of its deliveries. */
export interface SubscriptionLink {
  /** It was handed one more. */
  handed(remote: RemoteSubscription): void
  /** Deliveries have ended. */
  settle(deliveries: readonly Delivery[], outcome: LinkOutcome, completion?: Completion): void
}

/** What makes a remote subscription. */
export interface RemoteSubscriptionParts {
  readonly number: number
  readonly subscription: Subscription
  readonly origin: Origin
  readonly context: DestinationContext
  readonly link: SubscriptionLink
}

/** Hands over what comes while there is room, and keeps the rest, which its credit bounds. */
export class RemoteSubscription {
  readonly number: number
  readonly #subscription: Subscription
  readonly #origin: Origin
  readonly #context: DestinationContext
  readonly #link: SubscriptionLink
  #waiting: RemoteDelivery[] = []
  #first = 0
  /** Handed over, and not told yet. */
  handed = 0

  constructor({ number, subscription, origin, context, link }: RemoteSubscriptionParts) {
    this.number = number
    this.#subscription = subscription
    this.#origin = origin
    this.#context = context
    this.#link = link
  }

  /** Takes what the primary delivers. */
  take(message: StoredMessage, linkNumber: number, isRedelivered: boolean): void {
    const delivery = new RemoteDelivery(message, this.#origin, linkNumber)
    delivery.isRedelivered = isRedelivered
    const isNext = this.#first === this.#waiting.length && this.#hasRoom
    if (!isNext || this.#subscription.ackMode !== 'auto') hold(this.#context, message)
    // Making room in the broker may have ended this very subscription: then its owner has it back already.
    if (!this.#subscription.isActive) this.#release(delivery)
    else if (isNext) this.#handOver(delivery)
    else this.#waiting.push(delivery)
  }

  /** Hands over what waits, as far as there is room. */
  resume(): void {
    while (this.#first < this.#waiting.length && this.#hasRoom) {
      const delivery = this.#waiting[this.#first++] as RemoteDelivery
      this.#handOver(delivery)
    }
    if (this.#first < this.#waiting.length) return
    this.#waiting = []
    this.#first = 0
  }

  /** It is over: what waits is its owner's. */
  end(): void {
    for (const delivery of this.#waiting.splice(0).slice(this.#first)) this.#release(delivery)
    this.#first = 0
  }

  get #hasRoom(): boolean {
    return this.#subscription.isActive && !this.#context.isDraining && this.#subscription.hasRoom()
  }

  #handOver(delivery: RemoteDelivery): void {
    const { message } = delivery
    const subscription = this.#subscription
    this.#link.handed(this)
    if (message.expiresAt !== 0 && message.expiresAt <= this.#context.clock.epoch()) {
      this.#link.settle([delivery], 'untouched')
      this.#release(delivery)
      return
    }
    subscription.deliver(message, delivery)
    if (subscription.ackMode === 'auto') this.#release(delivery)
  }

  #release({ message }: RemoteDelivery): void {
    if (message.holders > 0) this.#context.release(message)
  }
}

/** Keeps a message whatever the bound: its owner has accepted it, and credit bounds how many there are. */
function hold(context: DestinationContext, message: StoredMessage): void {
  context.account.charge(message.bytes)
  message.holders++
  message.own()
}
