/** A subscription of the host application itself: a callback, or an async iterator. */

import type { AckMode } from '../ack-mode.js'
import type { Clock } from '../clock.js'
import type { Counts } from '../destination/context.js'
import type { Delivery } from '../destination/delivery.js'
import type { Router } from '../destination/router.js'
import { type Consumer, Subscription, type SubscriptionRequest } from '../destination/subscription.js'
import { StompError } from '../errors.js'
import type { Message, StoredMessage } from '../message.js'
import { nobody, type Outcome } from '../ports/destination.js'
import { byOrigin, Unacknowledged } from '../session/unacknowledged.js'

/** What a host wants of a subscription. */
export interface HostSubscribeOptions {
  /** How it acknowledges. @defaultValue 'auto' */
  readonly ack?: AckMode
  /** How many deliveries it may hold unacknowledged. @defaultValue 65,536 */
  readonly prefetch?: number
  /** The virtual host. Default: the default space. */
  readonly host?: string
  /** Ends the subscription when it is aborted. */
  readonly signal?: AbortSignal
}

/** One message for the host, and how it says what became of it. */
export interface HostDelivery {
  readonly message: Message
  /** Whether it was delivered before. */
  readonly redelivered: boolean
  /** Done with; with `client`, all before it too. Harmless with `auto`, and when it is settled already. */
  ack(): void
  /** Not done; `requeue: false` gives it up at once. Harmless as `ack` is. */
  nack(options?: { readonly requeue?: boolean }): void
}

/** Takes deliveries, one after the other; where it is async, it does not wait for itself: `prefetch` bounds that. */
export type HostListener = (delivery: HostDelivery) => void

/**
 * A subscription, active until it is ended. Iterate over it, or give a listener. Leaving the loop ends it, and returns
 * what is unacknowledged. Iterating fails with a StompError `slow-consumer` where the host is too slow for a topic.
 */
export interface HostSubscription extends AsyncIterable<HostDelivery> {
  /** The destination or pattern. */
  readonly destination: string
  /** Ends it: what was not acknowledged goes back, and what was not taken is gone with `auto`. */
  unsubscribe(): void
}

/** What a host subscription needs of its broker. */
export interface HostContext {
  /** The destinations of the virtual host. */
  readonly router: Router
  readonly clock: Clock
  readonly counts: Counts
  /** Reports what a listener threw. */
  failed(error: unknown): void
  /** A delivery was settled. */
  settled(message: Message, isAcknowledged: boolean): void
  /** The subscription has ended. */
  ended(subscription: HostConsumer): void
}

/** Deliveries that wait for the host to take them. */
const MOST_WAITING = 1_024
const MOST_WAITING_BYTES = 1024 * 1024
const MOST_UNACKNOWLEDGED = 65_536

/** The host as a consumer: deliveries wait here until it takes them, in a later turn than that in which they came. */
export class HostConsumer implements Consumer, HostSubscription {
  readonly destination: string
  readonly subscription: Subscription
  readonly #context: HostContext
  readonly #listener: HostListener | undefined
  readonly #unacknowledged: Unacknowledged
  #waiting: { readonly delivery: HostDelivery; readonly bytes: number }[] = []
  #waitingBytes = 0
  #takers: { resolve(result: IteratorResult<HostDelivery> | Promise<never>): void }[] = []
  /** Why it was ended, to be told once to whoever iterates. */
  #failure: StompError | undefined
  #numbered = 0
  #isPlanned = false
  #isStarved = false
  #isEnded = false

  /** @throws StompError where the destination may not be subscribed to */
  constructor(request: SubscriptionRequest, context: HostContext, listener: HostListener | undefined) {
    this.destination = request.destination
    this.#context = context
    this.#listener = listener
    this.#unacknowledged = new Unacknowledged(true, context.counts)
    this.subscription = new Subscription(request, context.router.forSubscribe(request.destination), this)
  }

  /** Whether it has settled and taken what it was given. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#unacknowledged.size === 0 && !this.subscription.hasBacklog
  }

  /** What a broker needs to make one. */
  static requestOf(
    id: string,
    destination: string,
    { ack = 'auto', prefetch = MOST_UNACKNOWLEDGED }: HostSubscribeOptions,
  ): SubscriptionRequest {
    return { id, isNamed: true, destination, ackMode: ack, prefetch: Math.min(prefetch, MOST_UNACKNOWLEDGED) }
  }

  /** Makes it active. */
  start(): void {
    this.subscription.start(nobody)
  }

  hasRoom(): boolean {
    const hasRoom = this.#waiting.length < MOST_WAITING && this.#waitingBytes < MOST_WAITING_BYTES
    if (!hasRoom) this.#isStarved = true
    return hasRoom
  }

  deliver(_subscription: Subscription, message: StoredMessage, delivery: Delivery | undefined): void {
    message.own()
    const isUnsettled = delivery !== undefined && this.subscription.ackMode !== 'auto'
    if (isUnsettled) {
      delivery.number = ++this.#numbered
      this.#unacknowledged.add(delivery)
    }
    const { bytes } = message
    this.#waiting.push({ delivery: this.#handle(message, delivery), bytes })
    this.#waitingBytes += bytes
    this.#plan()
  }

  get isGone(): boolean {
    return false
  }

  catchUp(): void {}

  released(): void {}

  cut(): void {
    const { destination } = this
    this.#end(
      new StompError(
        'slow-consumer',
        `messages of ${destination} come faster than you take them, and no more may wait (option destinations[].backlogBytes)`,
      ),
    )
  }

  unsubscribe(): void {
    this.#end(undefined)
  }

  #end(failure: StompError | undefined): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#failure = failure
    this.subscription.end()
    for (const { origin, deliveries } of this.#unacknowledged.removeAll()) origin.settle(deliveries, 'returned', nobody)
    while (this.#take() !== undefined);
    for (const { resolve } of this.#takers.splice(0)) resolve(this.#afterwards())
    this.#context.ended(this)
  }

  [Symbol.asyncIterator](): AsyncIterator<HostDelivery> {
    return {
      next: () => this.#next(),
      return: () => {
        this.unsubscribe()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  #next(): Promise<IteratorResult<HostDelivery>> {
    const value = this.#take()
    if (value !== undefined) {
      this.#resume()
      return Promise.resolve({ done: false, value })
    }
    if (this.#isEnded) return Promise.resolve(this.#afterwards())
    return new Promise((resolve) => this.#takers.push({ resolve }))
  }

  /** What there is to take once it is ended: nothing, or why. */
  #afterwards(): IteratorResult<HostDelivery> | Promise<never> {
    const failure = this.#failure
    this.#failure = undefined
    return failure === undefined ? { done: true, value: undefined } : Promise.reject(failure)
  }

  #take(): HostDelivery | undefined {
    const first = this.#waiting.shift()
    this.#waitingBytes -= first?.bytes ?? 0
    return first?.delivery
  }

  #handle(message: StoredMessage, delivery: Delivery | undefined): HostDelivery {
    return {
      message,
      redelivered: delivery?.isRedelivered === true,
      ack: () => this.#settle(delivery, 'acknowledged'),
      nack: ({ requeue = true } = {}) => this.#settle(delivery, requeue ? 'nacked' : 'rejected'),
    }
  }

  #settle(delivery: Delivery | undefined, outcome: Outcome): void {
    if (delivery === undefined || !this.#unacknowledged.has(delivery)) return
    const deliveries = this.subscription.ackMode === 'client' ? this.#unacknowledged.upTo(delivery) : [delivery]
    for (const each of deliveries) this.#unacknowledged.remove(each)
    for (const group of byOrigin(deliveries)) {
      const done = (error?: StompError): void => {
        if (error !== undefined) return
        for (const { message } of group.deliveries) this.#context.settled(message, outcome === 'acknowledged')
      }
      group.origin.settle(group.deliveries, outcome, { done })
    }
    this.#resume()
  }

  /** Deliveries reach the host in a turn of their own, so that it may publish from where it takes them. */
  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    this.#context.clock.soon(() => {
      this.#isPlanned = false
      this.#handOut()
    })
  }

  #handOut(): void {
    if (this.#listener === undefined) {
      while (this.#takers.length > 0 && this.#waiting.length > 0) {
        this.#takers.shift()?.resolve({ done: false, value: this.#take() as HostDelivery })
      }
    } else {
      // Only what waits now: a listener that publishes to its own destination gets that in the next turn.
      for (let count = this.#waiting.length; count > 0 && this.#waiting.length > 0; count--)
        this.#hand(this.#take() as HostDelivery)
    }
    this.#resume()
  }

  #hand(delivery: HostDelivery): void {
    try {
      const answer: unknown = this.#listener?.(delivery)
      // An async function is a listener, too, and nobody else would hear how it ends.
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#context.failed(error))
    } catch (error) {
      this.#context.failed(error)
    }
  }

  #resume(): void {
    if (this.#isEnded) return
    const isStarved = this.#isStarved
    this.#isStarved = false
    if (isStarved || this.subscription.ackMode !== 'auto') this.subscription.resume()
  }
}
