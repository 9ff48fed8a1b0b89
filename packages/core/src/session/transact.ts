/** BEGIN, COMMIT and ABORT (STOMP 1.2, BEGIN, COMMIT, ABORT). */

import type { TransactionCommand } from '../command/command.js'
import { commit as commitPlan, type Plan } from '../destination/commit.js'
import type { Delivery } from '../destination/delivery.js'
import type { Router } from '../destination/router.js'
import type { PlannedSettlement } from '../destination/work.js'
import { ProtocolError, printable } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Completion } from '../ports/destination.js'
import { takeOut } from './acknowledge.js'
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
  const transactions = session.openTransactions()
  const transaction = transactions.get(id)
  const settled = settlementsOf(session, transaction.acks, id)
  const { messages } = transaction
  const plan: Plan = { router: session.router as Router, messages, settlements: settled.flatMap(planned) }
  transactions.take(id)
  const completion = session.completion(receipt)
  const holders = new Set(settled.flatMap(({ deliveries }) => deliveries.map(({ holder }) => holder)))
  for (const { deliveries } of settled) takeOut(session, deliveries)
  const released: Completion = {
    waits: (withdraw) => completion.waits?.(withdraw),
    done: (error) => {
      transactions.release(transaction)
      completion.done(error)
      if (error === undefined) {
        // What is given back is in its queue by now: it comes before what has waited there.
        for (const holder of holders) session.settled(holder)
        tell(session, messages, settled)
      }
      // A session that has just failed is not to be given them again.
      else for (const { origin, deliveries } of plan.settlements) origin.putBack(deliveries)
    },
  }
  const { destinations } = session.context
  if (!commitPlan(destinations, plan, released)) session.hold(() => destinations.withdraw(released))
}

function tell(session: Session, messages: readonly StoredMessage[], settled: readonly Settled[]): void {
  const { reports } = session.context
  if (reports.areSendsHeard) for (const message of messages) reports.sent(session, message)
  if (!reports.areSettlementsHeard) return
  for (const { deliveries, outcome } of settled)
    for (const { message } of deliveries) reports.settled(session, message, outcome === 'acknowledged')
}

interface Settled {
  readonly deliveries: readonly Delivery[]
  readonly outcome: PlannedAck['outcome']
}

/** What each ACK stands for at this moment. @throws ProtocolError where something is settled already, or twice */
function settlementsOf(session: Session, acks: Transaction['acks'], id: string): Settled[] {
  const outcomes = new Map<Delivery, PlannedAck['outcome']>()
  for (const { delivery, outcome } of acks.values()) {
    if (session.unacknowledged?.has(delivery) !== true) {
      throw new ProtocolError(
        'ack-unknown',
        `transaction ${printable(id)} settles a delivery that is not there any more`,
      )
    }
    const known = outcomes.get(delivery)
    if (known !== undefined && known !== outcome) {
      throw new ProtocolError('transaction-conflict', `transaction ${printable(id)} settles a delivery twice`)
    }
    for (const each of coveredFirst(delivery, outcomes)) outcomes.set(each, outcome)
  }
  const order: readonly PlannedAck['outcome'][] = ['acknowledged', 'nacked', 'rejected']
  return order
    .map((outcome) => ({
      outcome,
      deliveries: [...outcomes.keys()].filter((delivery) => outcomes.get(delivery) === outcome),
    }))
    .filter(({ deliveries }) => deliveries.length > 0)
}

/** What this ACK covers and none before it does, oldest first. With `client`, what is before a covered one is covered. */
function coveredFirst(delivery: Delivery, covered: ReadonlyMap<Delivery, unknown>): Delivery[] {
  if (delivery.holder?.ackMode !== 'client') return [delivery]
  const added: Delivery[] = []
  for (let each: Delivery | undefined = delivery; each !== undefined && !covered.has(each); each = each.before)
    added.push(each)
  return added.reverse()
}

function planned({ deliveries, outcome }: Settled): PlannedSettlement[] {
  return byOrigin(deliveries).map((group) => ({ ...group, outcome }))
}
