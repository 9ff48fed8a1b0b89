/** A queue that the primary owns, as the router of a worker has it. */

import type {
  Completion,
  Delivery,
  DestinationContext,
  DestinationSnapshot,
  KeptDestination,
  Outcome,
  QueueIdentity,
  RemoteQueueKeeper,
  StoredMessage,
  Subscription,
} from '@xtomp/core/destination'
import { RemoteSubscription, type SubscriptionLink } from './remote-subscription.js'

/** What opens a subscription. */
export interface Opening {
  readonly remote: RemoteSubscription
  readonly subscription: Subscription
  readonly host: string
  readonly name: string
}

/** The way to the owner, as a queue goes it. */
export interface QueueLink extends SubscriptionLink {
  /** Sends a message to a queue. */
  send(host: string, message: StoredMessage, completion: Completion): void
  /** The number for a subscription that is to be opened. */
  nextSubscription(): number
  /** Opens a subscription. */
  open(opening: Opening, completion: Completion): void
  /** Ends one. */
  close(remote: RemoteSubscription): void
}

/** What makes a remote queue. */
export interface RemoteQueueParts {
  readonly identity: QueueIdentity
  readonly keeper: RemoteQueueKeeper
  readonly context: DestinationContext
  readonly link: QueueLink
}

/**
 * Passes on what it is asked to do, and what comes of it. It finds a place for every message: the owner says whether
 * there is one, in the batch that a transaction is.
 */
export class RemoteQueue implements KeptDestination {
  readonly name: string
  readonly storeKey: string
  readonly #keeper: RemoteQueueKeeper
  readonly #context: DestinationContext
  readonly #link: QueueLink
  readonly #subscriptions = new Map<Subscription, RemoteSubscription>()
  /** Asked for, and not answered. */
  #asked = 0

  constructor({ identity, keeper, context, link }: RemoteQueueParts) {
    this.name = identity.name
    this.storeKey = identity.storeKey
    this.#keeper = keeper
    this.#context = context
    this.#link = link
  }

  get snapshot(): DestinationSnapshot {
    return { name: this.name, type: 'queue', messages: 0, bytes: 0, subscriptions: this.#subscriptions.size }
  }

  send(message: StoredMessage, completion: Completion): boolean {
    this.#link.send(this.#keeper.host, message, this.#asking(completion))
    return true
  }

  subscribe(subscription: Subscription, completion: Completion): void {
    const { name } = this
    const { host } = this.#keeper
    const remote = new RemoteSubscription({
      number: this.#link.nextSubscription(),
      subscription,
      origin: this,
      context: this.#context,
      link: this.#link,
    })
    subscription.isActive = true
    this.#context.counts.subscriptions++
    this.#subscriptions.set(subscription, remote)
    this.#link.open({ remote, subscription, host, name }, this.#asking(completion))
  }

  unsubscribe(subscription: Subscription): void {
    if (subscription.isActive) this.#context.counts.subscriptions--
    subscription.isActive = false
    const remote = this.#subscriptions.get(subscription)
    if (remote === undefined) return
    this.#subscriptions.delete(subscription)
    this.#link.close(remote)
    remote.end()
    this.#forget()
  }

  resume(subscription: Subscription): void {
    this.#subscriptions.get(subscription)?.resume()
  }

  settle(deliveries: readonly Delivery[], outcome: Outcome, completion: Completion): void {
    this.#link.settle(deliveries, outcome, completion)
    this.finish(deliveries)
  }

  finish(deliveries: readonly Delivery[]): void {
    for (const { message } of deliveries) this.#context.release(message)
  }

  putBack(deliveries: readonly Delivery[]): void {
    this.#link.settle(deliveries, 'put-back')
    this.finish(deliveries)
  }

  couldHold(): boolean {
    return true
  }

  reserve(): undefined {
    return undefined
  }

  unreserve(): void {}

  /** The owner has taken it with its batch. */
  arrive(): void {}

  whenRoom(retry: () => boolean): void {
    retry()
  }

  letGo(): void {}

  keep(): void {}

  /** Keeps the name in use until it is answered. */
  #asking(completion: Completion): Completion {
    this.#asked++
    return {
      waits: (withdraw) => completion.waits?.(withdraw),
      done: (error) => {
        this.#asked--
        completion.done(error)
        this.#forget()
      },
    }
  }

  #forget(): void {
    if (this.#asked === 0 && this.#subscriptions.size === 0) this.#keeper.unused(this)
  }
}
