/** The subscriptions of one host to patterns over topics. */

import type { StoredMessage } from '../message.js'
import type { DestinationContext } from './context.js'
import { FanOut } from './fan-out.js'
import { PatternTrie } from './pattern-trie.js'
import type { Subscription } from './subscription.js'

/** What a segment that patterns do not share costs; measured, rounded up. */
const NODE_BYTES = 288

/** Where subscriptions to patterns are kept; the topics ask it who matches their names. */
export class Patterns extends FanOut {
  readonly name = '**'
  readonly #trie = new PatternTrie<Subscription>()
  readonly #changed: () => void
  /** Another number after each change; 0 before the first. */
  version = 0

  /** `changed` is told when a subscription has gone. */
  constructor(context: DestinationContext, host: string, changed: () => void) {
    super(context, host)
    this.#changed = changed
  }

  /** Whether there are none. */
  get hasNone(): boolean {
    return this.#trie.size === 0
  }

  /** The subscriptions whose pattern matches a topic's name. */
  match(name: string): Subscription[] {
    return this.#trie.match(name)
  }

  /** Messages go to topics, never to a pattern. */
  arrive(_message: StoredMessage): void {}

  protected add(subscription: Subscription): number {
    const { nodes } = this.#trie
    const count = this.#trie.add(subscription.destination, subscription)
    this.version++
    this.context.account.charge((this.#trie.nodes - nodes) * NODE_BYTES)
    return count
  }

  protected delete(subscription: Subscription): number {
    const { nodes } = this.#trie
    const count = this.#trie.delete(subscription.destination, subscription)
    this.version++
    this.context.account.give((nodes - this.#trie.nodes) * NODE_BYTES)
    this.#changed()
    return count
  }
}
