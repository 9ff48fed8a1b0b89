/** Sends and acknowledgements over any destinations, all or nothing. */

import { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import { type Completion, nobody, type Outcome } from '../ports/destination.js'
import type { DestinationContext } from './context.js'
import type { Delivery, Origin } from './delivery.js'
import { entryOf, settlementOf } from './journal.js'
import type { LocalDestination } from './local.js'

/** A message and where it goes. */
export interface PlannedSend {
  readonly destination: LocalDestination
  readonly message: StoredMessage
}

/** Deliveries of one destination, and how they end. */
export interface PlannedSettlement {
  readonly origin: Origin
  readonly deliveries: readonly Delivery[]
  readonly outcome: Outcome
}

/** All that a transaction does. */
export interface Plan {
  readonly sends: readonly PlannedSend[]
  readonly settlements: readonly PlannedSettlement[]
}

/**
 * Does all of a plan in one batch of the store, or nothing of it: every message has its place before anything is
 * written. False: a queue has no room but asks its producers to wait; the plan is tried again when there is some.
 * What is not acknowledged but given back is settled after the batch: it is in its queue whatever happens.
 */
export function commit(context: DestinationContext, plan: Plan, completion: Completion): boolean {
  const reserved: PlannedSend[] = []
  for (const send of plan.sends) {
    const noRoom = send.destination.reserve(send.message)
    if (noRoom === undefined) {
      reserved.push(send)
      continue
    }
    for (const { destination, message } of reserved) destination.unreserve(message)
    if (noRoom === 'wait' && !send.destination.isEmpty) {
      send.destination.whenRoom(() => commit(context, plan, completion), completion)
      return false
    }
    completion.done(noRoom === 'wait' ? neverFits(send) : noRoom)
    return true
  }
  write(context, plan, (error) => {
    if (error === undefined) apply(plan)
    else for (const { destination, message } of reserved) destination.unreserve(message)
    completion.done(error)
  })
  return true
}

function write(context: DestinationContext, { sends, settlements }: Plan, done: (error?: StompError) => void): void {
  if (!context.journal.isDurable) {
    done()
    return
  }
  const batch = {
    appends: sends.flatMap(({ destination, message }) =>
      destination.storeKey === undefined ? [] : [entryOf(destination.storeKey, message)],
    ),
    settlements: settlements.flatMap(({ origin: { storeKey }, deliveries, outcome }) => {
      if (storeKey === undefined || outcome !== 'acknowledged') return []
      return deliveries.map(({ message }) => settlementOf(storeKey, message))
    }),
  }
  context.journal.write(batch, done)
}

function apply({ sends, settlements }: Plan): void {
  for (const { origin, deliveries, outcome } of settlements) {
    if (outcome === 'acknowledged') origin.finish(deliveries)
    else origin.settle(deliveries, outcome, nobody)
  }
  for (const { destination, message } of sends) destination.arrive(message)
}

/** Room that the transaction itself takes up would be waited for in vain. */
function neverFits({ destination }: PlannedSend): StompError {
  return new StompError(
    'queue-full',
    `${destination.name} is empty and yet has no room for all of the transaction's messages`,
  )
}
