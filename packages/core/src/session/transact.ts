/** BEGIN, COMMIT and ABORT (STOMP 1.2, BEGIN, COMMIT, ABORT). */

import type { TransactionCommand } from '../command/command.js'
import { commit as commitPlan, type Plan, type PlannedSend, type PlannedSettlement } from '../destination/commit.js'
import type { Delivery } from '../destination/delivery.js'
import type { Router } from '../destination/router.js'
import { ProtocolError, printable } from '../errors.js'
import type { Completion } from '../ports/destination.js'
import { covered, takeOut } from './acknowledge.js'
import type { Session } from './session.js'
import type { PlannedAck, Transaction } from './transaction.js'
import { byOrigin } from './unacknowledged.js'

/** Opens a transaction. */
export function begin(session: Session, { transaction, receipt }: TransactionCommand): undefined {
  session.openTransactions().begin(transaction)
  session.done(receipt)
}

/** Forgets a transaction: its messages were never sent, its deliveries wait to be settled as before. */
export function abort(session: Session, { transaction, receipt }: TransactionCommand): undefined {
  const transactions = session.openTransactions()
  transactions.release(transactions.take(transaction))
  session.done(receipt)
}

/** Does all that a transaction holds, or nothing of it. */
export function commit(session: Session, { transaction: id, receipt }: TransactionCommand): undefined {
  const { reports } = session.context
  const transactions = session.openTransactions()
  const transaction = transactions.get(id)
  const settled = settlementsOf(session, transaction.acks, id)
  const plan: Plan = { sends: sendsOf(session.router as Router, transaction), settlements: settled.flatMap(planned) }
  transactions.take(id)
  const completion = session.completion(receipt)
  for (const { deliveries } of settled) takeOut(session, deliveries)
  const released: Completion = {
    done: (error) => {
      transactions.release(transaction)
      if (error !== undefined) for (const { origin, deliveries } of plan.settlements) origin.putBack(deliveries)
      completion.done(error)
      if (error !== undefined || !reports.areSendsHeard) return
      for (const message of transaction.messages) reports.sent(session, message)
    },
  }
  if (!commitPlan(session.context.destinations, plan, released)) session.hold(released)
  for (const { deliveries, outcome } of settled) session.settled(deliveries, outcome)
}

function sendsOf(router: Router, { messages }: Transaction): PlannedSend[] {
  return messages.flatMap((message) => {
    const destination = router.forSend(message.destination)
    return destination === undefined ? [] : [{ destination, message }]
  })
}

interface Settled {
  readonly deliveries: readonly Delivery[]
  readonly outcome: PlannedAck['outcome']
}

/** What each ACK stands for at this moment. @throws ProtocolError where something is settled already, or twice */
function settlementsOf(session: Session, acks: readonly PlannedAck[], id: string): Settled[] {
  const named = new Set<Delivery>()
  const outcomes = new Map<Delivery, PlannedAck['outcome']>()
  for (const { delivery, outcome } of acks) {
    if (session.unacknowledged?.has(delivery) !== true) {
      throw new ProtocolError(
        'ack-unknown',
        `transaction ${printable(id)} settles a delivery that is not there any more`,
      )
    }
    const known = outcomes.get(delivery)
    if (named.has(delivery) || (known !== undefined && known !== outcome)) {
      throw new ProtocolError('transaction-conflict', `transaction ${printable(id)} settles a delivery twice`)
    }
    named.add(delivery)
    for (const each of covered(session, delivery)) if (!outcomes.has(each)) outcomes.set(each, outcome)
  }
  const order: readonly PlannedAck['outcome'][] = ['acknowledged', 'nacked', 'rejected']
  return order
    .map((outcome) => ({
      outcome,
      deliveries: [...outcomes.keys()].filter((delivery) => outcomes.get(delivery) === outcome),
    }))
    .filter(({ deliveries }) => deliveries.length > 0)
}

function planned({ deliveries, outcome }: Settled): PlannedSettlement[] {
  return byOrigin(deliveries).map((group) => ({ ...group, outcome }))
}
