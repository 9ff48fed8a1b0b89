/** A consumer's standing request: who it is for, how it acknowledges, and whether it has room. */

import type { AckMode } from '../ack-mode.js'
import type { StoredMessage } from '../message.js'
import type { Completion, Destination, Recipient } from '../ports/destination.js'
import type { Backlog, BacklogOwner } from './backlog.js'
import { type Delivery, DeliveryList, type Holder } from './delivery.js'

/** Who a subscription is for: a session, or the host application. It may hold any number of subscriptions. */
export interface Consumer {
  /** Whether nobody gets what it is given any more. */
  readonly isGone: boolean
  /** Whether a delivery may be made now, to any of its subscriptions. */
  hasRoom(): boolean
  /** Sends what waits for nothing but its turn to be sent, so that it may have room again. */
  catchUp(): void
  /** Takes a message; with its delivery where there is one, to be settled unless the ack mode is `auto`. */
  deliver(subscription: Subscription, message: StoredMessage, delivery: Delivery | undefined): void
  /** A subscription has ended, and nothing that it was given is unsettled. */
  released(subscription: Subscription): void
  /** Ends the consumer: it is too slow for a topic whose policy is `disconnect`. */
  cut(subscription: Subscription): void
}

/** What makes a subscription. */
export interface SubscriptionRequest {
  /** Unique in its session: what UNSUBSCRIBE names. */
  readonly id: string
  /** Whether the client gave the id: MESSAGEs then carry it. */
  readonly isNamed: boolean
  /** The destination's name, or a pattern over topics. */
  readonly destination: string
  readonly ackMode: AckMode
  /** How many unacknowledged deliveries it may hold. */
  readonly prefetch: number
}

/** What a subscription costs beside its text; measured, rounded up. */
const OVERHEAD_BYTES = 400

/** What a subscription is counted as, from before it is made until it is released. */
export function subscriptionBytes({ id, destination }: Pick<SubscriptionRequest, 'id' | 'destination'>): number {
  return OVERHEAD_BYTES + id.length + destination.length
}

/** What a subscription is to: a destination, or the patterns of a host. */
export type Source = Destination<Subscription, Delivery>

/** A subscription, from SUBSCRIBE until UNSUBSCRIBE and until its last delivery is settled. */
export class Subscription implements Recipient, Holder, BacklogOwner {
  readonly id: string
  readonly isNamed: boolean
  readonly destination: string
  readonly ackMode: AckMode
  readonly prefetch: number
  readonly consumer: Consumer
  /** Delivered and not settled, oldest first; never filled with `auto`. */
  unacknowledged: DeliveryList | undefined
  /** What waits for room, in a topic; an empty one is none. */
  backlog: Backlog | undefined
  /** What it is a subscription to. */
  readonly #source: Source
  /** Whether it gets messages: from SUBSCRIBE to UNSUBSCRIBE. */
  isActive = false
  /** Whether it must get nothing yet: its RECEIPT was not written. */
  isHeld = false
  /** Whether a queue has it among those with room. */
  isReady = false

  constructor(
    { id, isNamed, destination, ackMode, prefetch }: SubscriptionRequest,
    source: Source,
    consumer: Consumer,
  ) {
    this.id = id
    this.isNamed = isNamed
    this.destination = destination
    this.ackMode = ackMode
    this.prefetch = prefetch
    this.#source = source
    this.consumer = consumer
  }

  /** Whether something waits for room, in a topic. */
  get hasBacklog(): boolean {
    return this.backlog?.isEmpty === false
  }

  hasRoom(): boolean {
    if (this.isHeld) return false
    return (this.unacknowledged === undefined || this.unacknowledged.size < this.prefetch) && this.consumer.hasRoom()
  }

  deliver(message: StoredMessage, delivery?: Delivery): void {
    if (delivery !== undefined && this.ackMode !== 'auto') {
      this.unacknowledged ??= new DeliveryList()
      this.unacknowledged.push(delivery)
      delivery.holder = this
    }
    this.consumer.deliver(this, message, delivery)
  }

  /** Makes it active; `completion` is told when it is, and before anything is delivered. */
  start(completion: Completion): void {
    this.#source.subscribe(this, completion)
  }

  resume(): void {
    if (this.isActive) this.#source.resume(this)
  }

  cut(): void {
    this.consumer.cut(this)
  }

  /** Ends it: nothing more is delivered. */
  end(): void {
    this.#source.unsubscribe(this)
    this.#lookWhetherEnded()
  }

  forget(delivery: Delivery): void {
    this.unacknowledged?.remove(delivery)
    this.#lookWhetherEnded()
  }

  #lookWhetherEnded(): void {
    const isSettled = this.unacknowledged === undefined || this.unacknowledged.size === 0
    if (isSettled && !this.isActive) this.consumer.released(this)
  }
}
