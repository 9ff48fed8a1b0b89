/** ACK and NACK: a delivery is done with, or it is not (STOMP 1.2, ACK and NACK). */

import type { SettleCommand } from '../command/command.js'
import type { Delivery } from '../destination/delivery.js'
import { ProtocolError, printable } from '../errors.js'
import { type Completion, nobody } from '../ports/destination.js'
import type { Session } from './session.js'
import type { PlannedAck } from './transaction.js'
import { byOrigin } from './unacknowledged.js'

/** Settles the delivery that is named, and in mode `client` all before it; or notes it in its transaction. */
export function settle(session: Session, command: SettleCommand): undefined {
  const ack: PlannedAck = { delivery: find(session, command), outcome: outcomeOf(command) }
  if (command.transaction !== undefined) {
    session.openTransactions().acknowledge(command.transaction, ack)
    session.done(command.receipt)
    return
  }
  // Once it has gone back to its queue nobody holds it.
  const { holder } = ack.delivery
  const deliveries = covered(session, ack.delivery)
  const completion = reporting(session, { deliveries, outcome: ack.outcome }, session.completion(command.receipt))
  takeOut(session, deliveries)
  // Only a pattern's deliveries are of several destinations, and those are topics: they are all settled at once.
  const groups = byOrigin(deliveries)
  for (const [index, group] of groups.entries()) {
    group.origin.settle(group.deliveries, ack.outcome, index === groups.length - 1 ? completion : nobody)
  }
  session.settled(holder)
}

/** Tells of the deliveries once their end is certain, where somebody wants to know. */
function reporting(
  session: Session,
  { deliveries, outcome }: { deliveries: readonly Delivery[]; outcome: PlannedAck['outcome'] },
  completion: Completion,
): Completion {
  const { reports } = session.context
  if (!reports.areSettlementsHeard) return completion
  return {
    done: (error) => {
      completion.done(error)
      if (error !== undefined) return
      for (const { message } of deliveries) reports.settled(session, message, outcome === 'acknowledged')
    },
  }
}

function outcomeOf({ verb, isRejected }: SettleCommand): PlannedAck['outcome'] {
  if (verb === 'ACK') return 'acknowledged'
  return isRejected ? 'rejected' : 'nacked'
}

function find(session: Session, { verb, id, subscription }: SettleCommand): Delivery {
  const delivery = session.unacknowledged?.find(session.version === '1.2' ? numberOf(id) : id, subscription)
  if (delivery !== undefined) return delivery
  const named = session.subscriptions.find((other) => other.id === subscription)
  if (named?.ackMode === 'auto') {
    throw new ProtocolError(
      'ack-unexpected',
      `subscription ${printable(named.id)} has ack:auto; ${verb} is for client and client-individual`,
    )
  }
  throw new ProtocolError(
    'ack-unknown',
    `${verb} ${printable(id)}: nothing under this id waits to be settled; it may have been, or never was`,
  )
}

/** The number in an `ack` header of ours. An id is an opaque string: the same number written otherwise is another id. */
function numberOf(id: string): number {
  const number = Number(id)
  return String(number) === id ? number : Number.NaN
}

/** The deliveries that an ACK of this one means: in mode `client` those before it, too. */
function covered({ unacknowledged }: Session, delivery: Delivery): Delivery[] {
  return delivery.holder?.ackMode === 'client' ? (unacknowledged?.upTo(delivery) ?? []) : [delivery]
}

/** Takes deliveries off what the session has to settle: it has room for as many again. */
export function takeOut({ unacknowledged }: Session, deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) unacknowledged?.remove(delivery)
}
