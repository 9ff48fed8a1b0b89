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
  readonly messages: StoredMessage[]
  readonly acks: PlannedAck[]
}

/** What an ACK in a transaction counts as: it holds a delivery that is counted elsewhere. */
const ACK_BYTES = 64

/** The open transactions of one session (STOMP 1.2, BEGIN, COMMIT, ABORT). They belong to it alone. */
export class Transactions {
  readonly #limits: SessionLimits
  readonly #context: DestinationContext
  readonly #open = new Map<string, Transaction>()
  #bytes = 0

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
    this.#open.set(id, { messages: [], acks: [] })
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

  /** Holds an acknowledgement back. @throws StompError where there is no room */
  acknowledge(id: string, ack: PlannedAck): void {
    const transaction = this.get(id)
    this.#count(ACK_BYTES)
    transaction.acks.push(ack)
  }

  /** Takes one out, to be done or forgotten; {@link release} it then. @throws ProtocolError where it is not open */
  take(id: string): Transaction {
    const transaction = this.get(id)
    this.#open.delete(id)
    return transaction
  }

  /** Holds its messages no more. */
  release({ messages, acks }: Transaction): void {
    for (const message of messages) {
      this.#bytes -= message.bytes
      this.#context.release(message)
    }
    this.#bytes -= acks.length * ACK_BYTES
  }

  /** Forgets all. */
  close(): void {
    for (const transaction of this.#open.values()) this.release(transaction)
    this.#open.clear()
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
