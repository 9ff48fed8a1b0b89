/** What topics and queues of this process can do beside the Destination port: take part in one batch with others. */

import type { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Completion, Destination } from '../ports/destination.js'
import type { Delivery, Origin } from './delivery.js'
import type { Subscription } from './subscription.js'

/** Why a message has no place: refused, or to be tried again once there is room. */
export type NoRoom = StompError | 'wait'

/** A destination at this moment. */
export interface DestinationSnapshot {
  /** Its name. */
  readonly name: string
  /** What it is. */
  readonly type: 'queue' | 'topic'
  /** Messages that it holds, the unacknowledged included; a topic holds none. */
  readonly messages: number
  /** Octets of these messages. */
  readonly bytes: number
  /** Active subscriptions to its very name: those to patterns are subscriptions to many. */
  readonly subscriptions: number
}

/** A destination in this process. Its work has two halves, so that a store's batch can come between them. */
export interface LocalDestination extends Destination<Subscription, Delivery>, Origin {
  /** Whether messages have room where nothing else is: room that there never is would be waited for in vain. */
  couldHold(messages: readonly StoredMessage[]): boolean
  /**
   * Keeps a place for a message that is about to arrive, or says why there is none. One that comes in the place of what
   * leaves for it (`isExchange`) takes nothing from those who wait for room, and so does not wait its turn behind them.
   */
  reserve(message: StoredMessage, isExchange?: boolean): NoRoom | undefined
  /** Gives the place up again. */
  unreserve(message: StoredMessage): void
  /** Takes a message for which there is a place. */
  arrive(message: StoredMessage): void
  /** Asks `retry` once there may be room, until it answers true; in the order in which they asked. */
  whenRoom(retry: () => boolean, completion: Completion): void
}

/** A destination that a router keeps under its name. */
export interface KeptDestination extends LocalDestination {
  /** What it is at this moment. */
  readonly snapshot: DestinationSnapshot
  /** Forgets what it holds: the broker is closed. */
  close?(): void
}
