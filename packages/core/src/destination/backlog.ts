/** What waits for room in one topic subscription. */

import type { StoredMessage } from '../message.js'
import type { DestinationContext } from './context.js'
import type { Policy } from './policy.js'
import type { Subscription } from './subscription.js'

/** Something that can give memory back when the broker is at its bound. */
export interface Relievable {
  /** Octets that it holds. */
  readonly heldBytes: number
  /** Gives back what it holds. */
  relieve(): void
}

/** The waiting messages of a subscription that has no room, oldest first; bounded, then its topic's policy holds. */
export class Backlog implements Relievable {
  readonly #context: DestinationContext
  readonly #subscription: Subscription
  readonly #policy: Policy
  #messages: StoredMessage[] = []
  #first = 0
  #isReported = false
  heldBytes = 0

  constructor(context: DestinationContext, subscription: Subscription, policy: Policy) {
    this.#context = context
    this.#subscription = subscription
    this.#policy = policy
    context.relievables.add(this)
  }

  get isEmpty(): boolean {
    return this.#first === this.#messages.length
  }

  /** Adds a message, or does what the policy says where there is no room for it. */
  push(message: StoredMessage): void {
    const { bytes } = message
    if (!this.#makeRoom(bytes)) return
    if (!this.#context.hold(message)) {
      this.#overflow()
      return
    }
    // Making room in the broker may have ended this very subscription.
    if (!this.#subscription.isActive) {
      this.#context.release(message)
      return
    }
    this.#messages.push(message)
    this.heldBytes += bytes
  }

  /** Takes the oldest out; its octets are off the account. */
  shift(): StoredMessage | undefined {
    const message = this.#messages[this.#first]
    if (message === undefined) return undefined
    this.#first++
    if (this.#first > COMPACT_AT) {
      this.#messages = this.#messages.slice(this.#first)
      this.#first = 0
    }
    this.heldBytes -= message.bytes
    this.#context.release(message)
    return message
  }

  /** Drops everything. */
  close(): void {
    while (this.shift() !== undefined);
    this.#context.relievables.delete(this)
  }

  relieve(): void {
    this.#report()
    if (this.#policy.whenSlow === 'disconnect') this.#subscription.consumer.cut(this.#subscription)
    else while (this.shift() !== undefined);
  }

  /** Whether the message may be added; an empty backlog takes one of any size. */
  #makeRoom(bytes: number): boolean {
    while (!this.isEmpty && this.heldBytes + bytes > this.#policy.backlogBytes) {
      this.#report()
      if (this.#policy.whenSlow === 'drop-oldest') this.shift()
      else {
        this.#overflow()
        return false
      }
    }
    return true
  }

  #overflow(): void {
    this.#report()
    if (this.#policy.whenSlow === 'disconnect') this.#subscription.consumer.cut(this.#subscription)
  }

  /** Once for each time that it fills up, however many messages that concerns. */
  #report(): void {
    if (this.#isReported) return
    this.#isReported = true
    this.#context.reports.slowConsumer(this.#subscription)
  }
}

const COMPACT_AT = 1024
