/** What a client holds back until COMMIT: sends and acknowledgements. */

import type { DestinationContext } from '../destination/context.js'
import type { Delivery } from '../destination/delivery.js'
import { memoryFull, overLimit, ProtocolError, printable } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { SessionLimits } from './context.js'

/** An ACK or NACK, as it was asked for. */
export interface PlannedAck {
  /** The delivery that was named; with `client` it stands for all before it, too. */
  readonly delivery: Delivery
  readonly outcome: 'acknowledged' | 'nacked' | 'rejected'
}

/** One transaction, from BEGIN to COMMIT or ABORT. */
export interface Transaction {
  readonly id: string
  readonly messages: StoredMessage[]
  /** In the order in which they were asked for. */
  readonly acks: Map<Delivery, PlannedAck>
}

/** What an open transaction counts as, beside its id. */
const TRANSACTION_BYTES = 256
/** What an ACK in a transaction counts as: it holds a delivery that is counted elsewhere. */
const ACK_BYTES = 128

/** The open transactions of one session (STOMP 1.2, BEGIN, COMMIT, ABORT). They belong to it alone. */
export class Transactions {
  readonly #limits: SessionLimits
  readonly #context: DestinationContext
  readonly #open = new Map<string, Transaction>()
  #bytes = 0
  #isClosed = false

  constructor(limits: SessionLimits, context: DestinationContext) {
    this.#limits = limits
    this.#context = context
  }

  /** Opens one. @throws ProtocolError where it is open already, or where there are too many */
  begin(id: string): void {
    if (this.#open.has(id))
      throw new ProtocolError('transaction-duplicate', `transaction ${printable(id)} is open; COMMIT or ABORT it first`)
    const limit = this.#limits.transactions
    if (this.#open.size >= limit) {
      const excess = {
        what: 'a session',
        limit,
        seen: limit + 1,
        unit: 'open transactions',
        option: 'limits.transactions',
      }
      throw overLimit('transactions-too-many', excess)
    }
    const bytes = TRANSACTION_BYTES + id.length
    this.#take(bytes)
    if (this.#isClosed) this.#give(bytes)
    else this.#open.set(id, { id, messages: [], acks: new Map() })
  }

  /** One that is open. @throws ProtocolError where it is not */
  get(id: string): Transaction {
    const transaction = this.#open.get(id)
    if (transaction === undefined)
      throw new ProtocolError('transaction-unknown', `transaction ${printable(id)} is not open; BEGIN it first`)
    return transaction
  }

  /** Holds a message back, and its octets. @throws StompError where there is no room */
  send(id: string, message: StoredMessage): void {
    const transaction = this.get(id)
    this.#count(message.bytes)
    if (!this.#context.hold(message)) throw memoryFull(this.#context.account.bound)
    // Making room in the broker may have ended this very session, and its transactions with it.
    if (this.#open.get(id) === transaction) transaction.messages.push(message)
    else this.#context.release(message)
  }

  /** Holds an acknowledgement back. @throws StompError where there is no room, or one of the same delivery already */
  acknowledge(id: string, ack: PlannedAck): void {
    const transaction = this.get(id)
    if (transaction.acks.has(ack.delivery))
      throw new ProtocolError('transaction-conflict', `transaction ${printable(id)} settles a delivery twice`)
    this.#take(ACK_BYTES)
    if (this.#open.get(id) === transaction) transaction.acks.set(ack.delivery, ack)
    else this.#give(ACK_BYTES)
  }

  /** Takes one out, to be done or forgotten; {@link release} it then. @throws ProtocolError where it is not open */
  take(id: string): Transaction {
    const transaction = this.get(id)
    this.#open.delete(id)
    return transaction
  }

  /** Holds its messages no more. */
  release({ id, messages, acks }: Transaction): void {
    for (const message of messages) {
      this.#bytes -= message.bytes
      this.#context.release(message)
    }
    this.#give(TRANSACTION_BYTES + id.length + acks.size * ACK_BYTES)
  }

  /** Forgets all. */
  close(): void {
    this.#isClosed = true
    for (const transaction of this.#open.values()) this.release(transaction)
    this.#open.clear()
  }

  /** Counts octets of its own, beside those of messages. @throws StompError where there is no room */
  #take(bytes: number): void {
    this.#count(bytes)
    const { account } = this.#context
    if (account.take(bytes)) return
    this.#bytes -= bytes
    throw memoryFull(account.bound)
  }

  #give(bytes: number): void {
    this.#bytes -= bytes
    this.#context.account.give(bytes)
  }

  #count(bytes: number): void {
    const limit = this.#limits.transactionBytes
    const seen = this.#bytes + bytes
    if (seen > limit) {
      const excess = {
        what: 'the transactions of a session',
        limit,
        seen,
        unit: 'octets',
        option: 'limits.transactionBytes',
      }
      throw overLimit('transaction-too-large', excess)
    }
    this.#bytes = seen
  }
}
