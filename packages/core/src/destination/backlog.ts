/** What waits for room in one topic subscription. */

import type { Relievable } from '../account.js'
import type { StoredMessage } from '../message.js'
import type { DestinationContext, SubscriptionFacts } from './context.js'
import type { Policy } from './policy.js'

/** Whose backlog it is. */
export interface BacklogOwner extends SubscriptionFacts {
  /** Whether it still gets messages. */
  readonly isActive: boolean
  /** Ends whoever is too slow. */
  cut(): void
}

/** The waiting messages of a subscription that has no room, oldest first; bounded, then its topic's policy holds. */
export class Backlog implements Relievable {
  readonly #context: DestinationContext
  readonly #owner: BacklogOwner
  /** That of the topic whose message came last: a pattern's subscription hears many. */
  #policy: Policy
  #messages: StoredMessage[] = []
  #first = 0
  #isReported = false
  heldBytes = 0

  constructor(context: DestinationContext, owner: BacklogOwner, policy: Policy) {
    this.#context = context
    this.#owner = owner
    this.#policy = policy
  }

  get isEmpty(): boolean {
    return this.#first === this.#messages.length
  }

  /** Whether a message may be added and nothing need be dropped for it; an empty one takes one of any size. */
  hasRoomFor({ bytes }: StoredMessage, { backlogBytes }: Policy): boolean {
    // A session that is finishing loses nothing, and is not ended, for what comes meanwhile.
    return this.#context.isDraining || this.isEmpty || this.heldBytes + bytes <= backlogBytes
  }

  /** Adds a message, or does what its topic's policy says where there is no room for it. */
  push(message: StoredMessage, policy: Policy): void {
    const { bytes } = message
    this.#policy = policy
    if (!this.#makeRoomFor(message)) return
    if (!this.#context.hold(message)) {
      this.overflow()
      return
    }
    // Making room in the broker may have ended this very subscription.
    if (!this.#owner.isActive) {
      this.#context.release(message)
      return
    }
    // Only who holds something is asked to give it back.
    if (this.heldBytes === 0) this.#context.account.relievables.add(this)
    if (message.backlogs++ === 0) this.#context.account.relievable.bytes += bytes
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
    if (this.heldBytes === 0) this.#context.account.relievables.delete(this)
    if (--message.backlogs === 0) this.#context.account.relievable.bytes -= message.bytes
    this.#context.release(message)
    return message
  }

  /** Drops everything. */
  close(): void {
    while (this.shift() !== undefined);
  }

  /** There is no room for a message: it is dropped, and where the policy says so its subscription is cut. */
  overflow(): void {
    // Looking for room may have ended this very subscription.
    if (!this.#owner.isActive) return
    this.#report()
    if (this.#policy.whenSlow === 'disconnect' && !this.#context.isDraining) this.#owner.cut()
  }

  relieve(): void {
    this.#report()
    if (this.#policy.whenSlow === 'disconnect') this.#owner.cut()
    else this.close()
  }

  /** Whether the message may be added now, at a loss where the policy says so. */
  #makeRoomFor(message: StoredMessage): boolean {
    while (!this.hasRoomFor(message, this.#policy)) {
      this.#report()
      if (this.#policy.whenSlow === 'drop-oldest') this.shift()
      else {
        this.overflow()
        return false
      }
    }
    return true
  }

  /** Once for each time that it fills up, however many messages that concerns. */
  #report(): void {
    if (this.#isReported) return
    this.#isReported = true
    this.#context.reports.slowConsumer(this.#owner)
  }
}

const COMPACT_AT = 1024
