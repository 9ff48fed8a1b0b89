/** Handing each message to every subscription that wants it, and keeping none: what topics and patterns have in common. */

import type { StoredMessage } from '../message.js'
import type { Completion, Outcome } from '../ports/destination.js'
import { Backlog } from './backlog.js'
import type { DestinationContext } from './context.js'
import { Delivery } from './delivery.js'
import type { LocalDestination, NoRoom } from './local.js'
import type { Policy } from './policy.js'
import type { Subscription } from './subscription.js'

/** A destination without a store: a delivery that nobody settles is gone, acknowledgement only makes room. */
export abstract class FanOut implements LocalDestination {
  abstract readonly name: string
  readonly storeKey = undefined
  protected readonly context: DestinationContext
  readonly #host: string

  constructor(context: DestinationContext, host: string) {
    this.context = context
    this.#host = host
  }

  /** Hands a message to whoever gets it, here and elsewhere. */
  abstract arrive(message: StoredMessage, completion?: Completion): void
  /** Adds a subscription, and answers how many there are under its name now. */
  protected abstract add(subscription: Subscription): number
  /** Takes a subscription out, and answers how many there are left under its name. */
  protected abstract delete(subscription: Subscription): number

  send(message: StoredMessage, completion: Completion): boolean {
    this.arrive(message, completion)
    return true
  }

  subscribe(subscription: Subscription, completion: Completion): void {
    subscription.isActive = true
    this.context.counts.subscriptions++
    const isFirst = this.add(subscription) === 1
    const { backplane } = this.context
    if (backplane === undefined) completion.done()
    else backplane.subscribe(this.#host, subscription.destination, isFirst, completion)
  }

  unsubscribe(subscription: Subscription): void {
    const { isActive, destination } = subscription
    if (isActive) this.context.counts.subscriptions--
    subscription.isActive = false
    subscription.backlog?.close()
    subscription.backlog = undefined
    if (this.delete(subscription) === 0 && isActive) this.context.backplane?.unsubscribe(this.#host, destination)
  }

  resume(subscription: Subscription): void {
    const { backlog } = subscription
    if (backlog === undefined) return
    while (!backlog.isEmpty && subscription.isActive && subscription.hasRoom()) {
      const message = backlog.shift() as StoredMessage
      if (!this.isExpired(message) && !this.#handOver(message, subscription)) backlog.overflow()
    }
    if (!backlog.isEmpty) return
    backlog.close()
    subscription.backlog = undefined
  }

  settle(deliveries: readonly Delivery[], _outcome: Outcome, completion: Completion): void {
    this.finish(deliveries)
    completion.done()
  }

  couldHold(): boolean {
    return true
  }

  reserve(): NoRoom | undefined {
    return undefined
  }

  unreserve(): void {}

  whenRoom(retry: () => boolean): void {
    retry()
  }

  letGo(): void {}

  keep(): void {}

  finish(deliveries: readonly Delivery[]): void {
    for (const { message } of deliveries) this.context.release(message)
  }

  putBack(deliveries: readonly Delivery[]): void {
    this.finish(deliveries)
  }

  /** Lets other brokers have a topic's message. */
  protected pass(message: StoredMessage, completion: Completion): void {
    const { backplane } = this.context
    if (backplane === undefined) completion.done()
    else backplane.publish(this.#host, message, completion)
  }

  /** Gives a topic's message to one subscription, or to its backlog where it has no room. */
  protected offer(message: StoredMessage, subscription: Subscription, policy: Policy): void {
    if (mustWait(subscription)) this.#offerLater(message, subscription, policy)
    else if (!this.#handOver(message, subscription)) this.#backlogOf(subscription, policy).overflow()
  }

  #offerLater(message: StoredMessage, subscription: Subscription, policy: Policy): void {
    const { consumer } = subscription
    // Whoever is gone, while what it sent is still acted on, is no slow consumer.
    if (consumer.isGone) return
    if (!this.#backlogOf(subscription, policy).hasRoomFor(message, policy)) {
      // What the broker has not come to write is not its slowness, either.
      consumer.catchUp()
      if (!subscription.isActive) return
      if (!mustWait(subscription)) {
        this.offer(message, subscription, policy)
        return
      }
    }
    this.#backlogOf(subscription, policy).push(message, policy)
  }

  protected isExpired(message: StoredMessage): boolean {
    return message.expiresAt !== 0 && message.expiresAt <= this.context.clock.epoch()
  }

  /** Hands a message over; false where the broker has no room to hold it until it is settled. */
  #handOver(message: StoredMessage, subscription: Subscription): boolean {
    if (subscription.ackMode === 'auto') subscription.deliver(message)
    else if (!this.context.hold(message)) return false
    // Making room in the broker may have ended this very subscription.
    else if (subscription.isActive) subscription.deliver(message, new Delivery(message, this))
    else this.context.release(message)
    return true
  }

  #backlogOf(subscription: Subscription, policy: Policy): Backlog {
    subscription.backlog ??= new Backlog(this.context, subscription, policy)
    return subscription.backlog
  }
}

function mustWait(subscription: Subscription): boolean {
  return subscription.hasBacklog || !subscription.hasRoom()
}
