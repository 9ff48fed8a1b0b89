/** A destination that delivers to every subscription. */

import type { StoredMessage } from '../message.js'
import { type Completion, nobody } from '../ports/destination.js'
import type { DestinationContext } from './context.js'
import { FanOut } from './fan-out.js'
import type { DestinationSnapshot } from './local.js'
import type { Patterns } from './patterns.js'
import { limitLife, type Policy } from './policy.js'
import type { Subscription } from './subscription.js'

/** What a topic needs of whoever keeps the names. */
export interface TopicOwner {
  /** The virtual host. */
  readonly host: string
  readonly patterns: Patterns
  /** Nobody is subscribed to the topic's very name. */
  unused(topic: Topic): void
}

/** What makes a topic. */
export interface TopicIdentity {
  readonly name: string
  readonly policy: Policy
}

/** So many are served after everybody else: what a slice flushes is more. */
export const CROWD = 256

/** As many of the patterns' subscriptions are remembered, to save finding them again. */
const MOST_KEPT = 32

/** A topic: subscriptions to its name, and to patterns that match it, get each message once each. */
export class Topic extends FanOut {
  readonly name: string
  readonly #policy: Policy
  readonly #owner: TopicOwner
  readonly #subscriptions = new Set<Subscription>()
  /** The patterns' subscriptions that match the name, as of the patterns' version then. */
  #matched: readonly Subscription[] = []
  #matchedVersion = 0

  constructor({ name, policy }: TopicIdentity, context: DestinationContext, owner: TopicOwner) {
    super(context, owner.host)
    this.name = name
    this.#policy = policy
    this.#owner = owner
  }

  get snapshot(): DestinationSnapshot {
    return { name: this.name, type: 'topic', messages: 0, bytes: 0, subscriptions: this.#subscriptions.size }
  }

  /** Whether nobody is subscribed to its very name: it may be forgotten, and made anew. */
  get isUnused(): boolean {
    return this.#subscriptions.size === 0
  }

  /** Whether very many get what is sent to it. */
  get isCrowded(): boolean {
    return this.#subscriptions.size + this.#matching().length >= CROWD
  }

  arrive(message: StoredMessage, completion: Completion = nobody): void {
    this.receive(message)
    this.pass(message, completion)
  }

  /** Hands a message to whoever gets it here. */
  receive(message: StoredMessage): void {
    limitLife(message, this.#policy, this.context.clock)
    if (this.isExpired(message)) return
    const matching = this.#matching()
    const deliveries = this.#subscriptions.size + matching.length
    this.context.turn.spend(deliveries)
    if (deliveries < CROWD) this.#offerAll(message, matching)
    else this.context.crowd.address(() => this.#offerAll(message, matching))
  }

  protected add(subscription: Subscription): number {
    return this.#subscriptions.add(subscription).size
  }

  protected delete(subscription: Subscription): number {
    this.#subscriptions.delete(subscription)
    if (this.isUnused) this.#owner.unused(this)
    return this.#subscriptions.size
  }

  #offerAll(message: StoredMessage, matching: readonly Subscription[]): void {
    // A Set's iteration stays right when a subscription that is too slow is cut on the way.
    for (const subscription of this.#subscriptions) this.offer(message, subscription, this.#policy)
    for (const subscription of matching) if (subscription.isActive) this.offer(message, subscription, this.#policy)
  }

  #matching(): readonly Subscription[] {
    const { patterns } = this.#owner
    if (this.#matchedVersion === patterns.version) return this.#matched
    const matched = patterns.match(this.name)
    // A long list is found anew each time: that is little beside delivering to all of it, and ten thousand topics that
    // each kept one would hold what nobody counts.
    const isKept = matched.length <= MOST_KEPT
    this.#matched = isKept ? matched : []
    this.#matchedVersion = isKept ? patterns.version : 0
    return matched
  }
}
