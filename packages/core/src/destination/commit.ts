/** Sends and acknowledgements over any destinations, all or nothing. */

import { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import { type Completion, nobody } from '../ports/destination.js'
import type { DestinationContext } from './context.js'
import type { Origin } from './delivery.js'
import { entryOf, settlementOf } from './journal.js'
import type { LocalDestination } from './local.js'
import type { Router } from './router.js'
import type { Placed, PlannedSettlement, Work } from './work.js'

/** All that a transaction does. */
export interface Plan {
  /** Finds where the messages go: at each attempt anew, for a destination may be forgotten while there is no room. */
  readonly router: Router
  readonly messages: readonly StoredMessage[]
  readonly settlements: readonly PlannedSettlement[]
}

/**
 * Does all of a plan in one batch of the store, or nothing of it: every message has its place before anything is
 * written. False: a queue has no room but asks its producers to wait; the plan is tried again when there is some.
 * What is not acknowledged but given back is settled after the batch: it is in its queue whatever happens.
 */
export function commit(context: DestinationContext, plan: Plan, completion: Completion): boolean {
  const full = attempt(context, plan, completion)
  if (full === undefined) return true
  waitFor(full)
  return false

  function waitFor(queue: LocalDestination): void {
    queue.whenRoom(() => {
      const next = attempt(context, plan, completion)
      if (next === queue) return false
      if (next !== undefined) waitFor(next)
      return true
    }, completion)
  }
}

/** Tries it; answers the queue that it has to wait for, and undefined where it waits for none. */
function attempt(context: DestinationContext, plan: Plan, completion: Completion): LocalDestination | undefined {
  const work: Work = { placed: [], settlements: plan.settlements }
  // What it acknowledges leaves its place to what it sends.
  for (const { origin, deliveries } of acknowledged(work)) origin.letGo(deliveries)
  const obstacle = placeAll(plan, work.placed)
  if (obstacle === undefined) {
    const done = (error?: StompError): void => {
      if (error === undefined) apply(work)
      else undo(work)
      completion.done(error)
    }
    const { queues } = plan.router
    if (queues === undefined) write(context, work, done)
    else queues.commit(plan.router.host, work, { done, waits: (withdraw) => completion.waits?.(withdraw) })
    return undefined
  }
  undo(work)
  if (!(obstacle instanceof StompError) && obstacle.couldHold(messagesTo(obstacle, plan))) return obstacle
  completion.done(obstacle instanceof StompError ? obstacle : neverFits(obstacle))
  return undefined
}

function acknowledged({ settlements }: Pick<Work, 'settlements'>): PlannedSettlement[] {
  return settlements.filter(({ outcome }) => outcome === 'acknowledged')
}

function messagesTo({ name }: LocalDestination, { messages }: Plan): StoredMessage[] {
  return messages.filter(({ destination }) => destination === name)
}

/** Finds a place for every message, or says what stands in the way: an error, or a queue to wait for. */
function placeAll(plan: Plan, placed: Placed[]): StompError | LocalDestination | undefined {
  const left = new Map<Origin, number>()
  for (const { origin, deliveries } of acknowledged(plan)) left.set(origin, (left.get(origin) ?? 0) + deliveries.length)
  try {
    for (const message of plan.messages) {
      const destination = plan.router.forSend(message.destination)
      if (destination === undefined) continue
      const places = left.get(destination) ?? 0
      left.set(destination, places - 1)
      const noRoom = destination.reserve(message, places > 0)
      if (noRoom !== undefined) return noRoom === 'wait' ? destination : noRoom
      placed.push({ destination, message })
    }
    return undefined
  } catch (error) {
    if (error instanceof StompError) return error
    throw error
  }
}

/** Leaves all as it was. What is acknowledged has its place again before anybody else is offered one. */
function undo(work: Work): void {
  for (const { origin, deliveries } of acknowledged(work)) origin.keep(deliveries)
  for (const { destination, message } of work.placed) destination.unreserve(message)
}

function write(context: DestinationContext, { placed, settlements }: Work, done: (error?: StompError) => void): void {
  if (!context.journal.isDurable) {
    done()
    return
  }
  const batch = {
    appends: placed.flatMap(({ destination: { storeKey }, message }) =>
      storeKey === undefined ? [] : [entryOf(storeKey, message)],
    ),
    settlements: settlements.flatMap(({ origin: { storeKey }, deliveries, outcome }) => {
      if (storeKey === undefined || outcome !== 'acknowledged') return []
      return deliveries.map(({ message }) => settlementOf(storeKey, message))
    }),
  }
  context.journal.write(batch, done)
}

function apply({ placed, settlements }: Work): void {
  for (const { origin, deliveries, outcome } of settlements) {
    if (outcome === 'acknowledged') {
      origin.keep(deliveries)
      origin.finish(deliveries)
    } else origin.settle(deliveries, outcome, nobody)
  }
  for (const { destination, message } of placed) destination.arrive(message)
}

function neverFits({ name }: LocalDestination): StompError {
  return new StompError(
    'queue-full',
    `${name} may never hold all that the transaction sends to it (options destinations[].maxMessages, destinations[].maxBytes)`,
  )
}
