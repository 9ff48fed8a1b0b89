/** What a transaction does, once there is a place for each of its messages. */

import type { StoredMessage } from '../message.js'
import type { Outcome } from '../ports/destination.js'
import type { Delivery, Origin } from './delivery.js'
import type { LocalDestination } from './local.js'

/** Deliveries of one destination, and how they end. */
export interface PlannedSettlement {
  readonly origin: Origin
  readonly deliveries: readonly Delivery[]
  readonly outcome: Outcome
}

/** A message that has its place. */
export interface Placed {
  readonly destination: LocalDestination
  readonly message: StoredMessage
}

/** A plan for which there is room. */
export interface Work {
  readonly placed: Placed[]
  readonly settlements: readonly PlannedSettlement[]
}
