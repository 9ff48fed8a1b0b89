/** The seam behind a destination's name: what takes messages, and hands them to subscriptions. */

import type { AckMode } from '../ack-mode.js'
import type { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'

/** Told once when work is done, or why it was not; it may be told inside the call that began the work. */
export interface Completion {
  done(error?: StompError): void
  /**
   * Told before that, where the work turns out to wait for room: the sender should send no more until it is done, and
   * calls `withdraw` when it is gone.
   */
  waits?(withdraw: () => void): void
}

/** One message on its way to one subscription, from being handed over until it is settled. */
export interface Delivery {
  readonly message: StoredMessage
  /** Whether the message was delivered before. */
  readonly isRedelivered: boolean
}

/** A consumer's standing request, as a destination sees it. */
export interface Recipient {
  /** How it acknowledges: with `auto` a message is settled as soon as it is handed over. */
  readonly ackMode: AckMode
  /** Whether it can take a message now. Where it answers no, it calls {@link Destination.resume} once it can. */
  hasRoom(): boolean
  /** Hands a message over; with a delivery where it was kept, or will be settled. Never answers back within the call. */
  deliver(message: StoredMessage, delivery?: Delivery): void
}

/**
 * How deliveries end. `acknowledged`: done with. `nacked`: back, or what the destination's policy says.
 * `rejected`: given up at once. `returned`: their consumer is gone, and was working on the first that each of
 * its subscriptions had.
 */
export type Outcome = 'acknowledged' | 'nacked' | 'rejected' | 'returned'

/** What stands behind a name: a topic, a queue, an owner in another process, a bridge. */
export interface Destination<R extends Recipient = Recipient, D extends Delivery = Delivery> {
  /** Its name. */
  readonly name: string
  /**
   * Takes a message; `completion` is told once it is accepted, which for a durable one means stored.
   * False: the sender should send no more until then.
   */
  send(message: StoredMessage, completion: Completion): boolean
  /**
   * Adds a subscription; `completion` is told once it is active, and before it is handed anything. Until then no other
   * frame of its session is begun.
   */
  subscribe(recipient: R, completion: Completion): void
  /** Takes a subscription out: it is handed nothing more. What it holds unsettled stays with it. */
  unsubscribe(recipient: R): void
  /** Settles deliveries, all with one outcome and in the order in which they were handed over. */
  settle(deliveries: readonly D[], outcome: Outcome, completion: Completion): void
  /** A subscription that had no room has some again. */
  resume(recipient: R): void
}

/** Told by nobody, for work whose end is of no interest. */
export const nobody: Completion = { done: () => undefined }
