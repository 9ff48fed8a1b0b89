/** One client's conversation, from the open connection to the closed one. */

import type { Relievable } from '../account.js'
import type { Clock } from '../clock.js'
import type { FrameParts } from '../codec/encoder.js'
import type { Frame } from '../codec/frame.js'
import { negotiateVersion, type Version } from '../codec/version.js'
import type { Command } from '../command/command.js'
import { parseCommand } from '../command/parse.js'
import { errorFrame, receiptFrame } from '../command/reply.js'
import { LEGAL_COMMANDS, type SessionState } from '../command/rules.js'
import type { Delivery, Holder } from '../destination/delivery.js'
import type { Router } from '../destination/router.js'
import { type Consumer, type Subscription, subscriptionBytes } from '../destination/subscription.js'
import { memoryFull, StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { CloseReason, Connection, ConnectionInfo, Inbound } from '../ports/connection.js'
import { type Completion, nobody } from '../ports/destination.js'
import { WakeUp } from '../wheel.js'
import type { Asker, Step } from './ask.js'
import type { Party, SessionContext } from './context.js'
import { deliver, type Receiver } from './deliver.js'
import {
  burdensome,
  DISCONNECTED,
  gone,
  outOfPlace,
  ownFault,
  silent,
  stuck,
  tooSlow,
  unanswered,
  unasked,
} from './ends.js'
import { factsOf, type SessionFacts, snapshotOf } from './facts.js'
import { type Connected, GuardedConnection } from './guarded-connection.js'
import type { Beating, HeartBeat } from './heart-beat.js'
import type { SessionInfo, SessionSnapshot } from './hooks.js'
import { type Hearer, Incoming, UNSENT_REPLIES } from './incoming.js'
import { Outgoing, type Speaker } from './outgoing.js'
import { Replies, type Replying } from './replies.js'
import { Transactions } from './transaction.js'
import { Unacknowledged } from './unacknowledged.js'

/** What makes a session. */
export interface SessionParts {
  readonly id: string
  readonly connection: Connection
  readonly context: SessionContext
  /** Acts on a command; a promise where it waits. */
  readonly handle: (session: Session, command: Command) => Step
}

/** What a frame that waits to be answered counts, beside its receipt and its message. */
const REPLY_BYTES = 128

/**
 * A session takes its frames in order, one at a time, and answers in that order. What most sessions never need is made
 * when it is first needed, and dropped when it is not: an idle one is its two halves, a subscription, and this.
 */
export class Session
  implements
    Inbound,
    Consumer,
    Party,
    Asker,
    Replying,
    Receiver,
    Beating,
    Hearer,
    Speaker,
    Relievable,
    Connected,
    SessionFacts
{
  readonly id: string
  readonly context: SessionContext
  state: SessionState = 'connecting'
  user: unknown
  host = ''
  /** The destinations of its virtual host; set by CONNECT. */
  router: Router | undefined
  /** Active subscriptions, oldest first. */
  subscriptions: readonly Subscription[] = []
  unacknowledged: Unacknowledged | undefined
  #transactions: Transactions | undefined
  heartBeat: HeartBeat | undefined
  readonly #connection: Connection
  readonly #handle: SessionParts['handle']
  readonly #incoming: Incoming
  readonly #outgoing: Outgoing
  #info: SessionInfo | undefined
  /** What it has begun and not answered; undefined where that is nothing. */
  #replies: Replies | undefined
  /** The end of any frame that nobody is told of while nothing else waits. */
  #unreceipted: Completion | undefined
  /** The message that a hook judges. */
  #judged: StoredMessage | undefined
  #deadline: WakeUp | undefined
  #deliveries = 0
  /** How often its subscriptions were told that it has room again. */
  #turns = 0
  #isStarved = false
  #lost: CloseReason | undefined
  /** Why it is over. */
  #reason: CloseReason | undefined

  constructor({ id, connection, context, handle }: SessionParts) {
    this.id = id
    this.context = context
    this.#connection = new GuardedConnection(connection, this)
    this.#handle = handle
    this.#incoming = new Incoming(this.#connection, context, this)
    this.#outgoing = new Outgoing(this.#connection, context, this)
    this.#expectConnected(context.limits.connectTimeoutMs)
  }

  get clock(): Clock {
    return this.context.destinations.clock
  }

  /** The agreed version; undefined before CONNECTED. */
  get version(): Version | undefined {
    return this.#incoming.version
  }

  /** Whether it has settled what it was given, and was sent what was written. */
  get isIdle(): boolean {
    const isSettled = this.unacknowledged === undefined || this.unacknowledged.size === 0
    if (this.subscriptions.some(({ hasBacklog }) => hasBacklog)) return false
    return isSettled && this.#outgoing.unsentBytes === 0 && !this.#incoming.isPaused && this.#replies?.isEmpty !== false
  }

  /** Whether it acts on nothing any more. */
  get isOver(): boolean {
    return !this.#isOpen
  }

  /** Who the transport has proved it to be. */
  get provenLogin(): string | undefined {
    return this.#connection.provenLogin
  }

  get info(): SessionInfo {
    // Until CONNECTED the facts are not complete: they are told as they stand, and not kept.
    if (this.#info === undefined && this.version !== undefined) this.#info = factsOf(this)
    return this.#info ?? factsOf(this)
  }

  /** What it is at this moment. Nothing of it is kept: there may be very many sessions that nobody asks about again. */
  get snapshot(): SessionSnapshot {
    return snapshotOf(this, this.#info ?? factsOf(this))
  }

  /** What carries it. An adapter that has been asked once may know it to the end. */
  get connection(): ConnectionInfo {
    return this.#connection.info
  }

  // What comes in

  receive(octets: Uint8Array): void {
    if (!this.#isOpen) return
    if (this.heartBeat !== undefined) this.heartBeat.heardAt = this.context.destinations.wheel.now
    this.#incoming.receive(octets)
  }

  ended(): void {
    this.#incoming.ended()
  }

  closed(cause?: Error): void {
    // An adapter that has thrown may tell of the end that was made of it.
    if (this.#lost !== undefined) return
    this.#outgoing.end()
    this.#lost = gone(cause)
    if (!this.#isOpen) this.context.reports.gone(this, this.#reason ?? this.#lost)
    // Before CONNECTED nothing has taken effect: there is nothing to be finished for a client that is gone.
    else if (this.#replies?.isHeld || (this.state === 'connecting' && cause !== undefined)) this.#finish(this.#lost)
    else {
      this.#incoming.forget(UNSENT_REPLIES)
      this.#incoming.ended()
    }
  }

  broke(error: unknown): void {
    this.context.reports.failed(error, 'connection')
    this.closed(error instanceof Error ? error : new Error(String(error)))
  }

  drained(): void {
    this.#outgoing.drained()
  }

  refuse(error: StompError): void {
    this.fail(error)
  }

  get #isOpen(): boolean {
    return this.state === 'connecting' || this.state === 'connected'
  }

  take(frame: Frame): Step {
    const { command, headers } = frame
    try {
      if (!LEGAL_COMMANDS[this.state].includes(command)) throw outOfPlace(command, this.state === 'connecting')
      // What CONNECT may hold is what the version that it asks for says.
      const version = this.version ?? negotiateVersion(headers.get('accept-version')) ?? '1.2'
      return this.#handle(this, parseCommand(frame, version))
    } catch (error) {
      this.failed(error, frame)
      return undefined
    }
  }

  endOfInput(): void {
    if (this.#lost !== undefined) this.#finish(this.#lost)
    else this.#afterReplies(() => this.#finish(gone()))
  }

  deaf(isDeaf: boolean): void {
    const { heartBeat } = this
    if (heartBeat === undefined) return
    heartBeat.isDeaf = isDeaf
    if (!isDeaf) heartBeat.heardAt = this.context.destinations.wheel.now
  }

  // What goes out

  /** Writes a reply; it leaves at the end of this turn. While too many wait for a slow peer, it is not read. */
  write(frame: FrameParts): void {
    this.#outgoing.write(frame, this.version)
    if (this.#outgoing.isBlocked && this.#outgoing.unsentBytes > this.context.limits.unsentBytes)
      this.#incoming.pause(UNSENT_REPLIES)
  }

  /** Octets that wait to be sent to it. */
  get unsentBytes(): number {
    return this.#outgoing.unsentBytes
  }

  hasRoom(): boolean {
    const { unsentBytes, unacknowledged } = this.context.limits
    const hasRoom =
      this.#outgoing.unsentBytes < unsentBytes &&
      (this.unacknowledged === undefined || this.unacknowledged.size < unacknowledged)
    if (!hasRoom) this.#isStarved = true
    return hasRoom && !this.isGone && !this.#incoming.isLastTaken && this.state === 'connected'
  }

  /** Its last frames may still be acted on when the connection is gone. */
  get isGone(): boolean {
    return this.#lost !== undefined
  }

  catchUp(): void {
    this.#outgoing.catchUp()
  }

  deliver(subscription: Subscription, message: StoredMessage, delivery: Delivery | undefined): void {
    deliver(this, { subscription, message, delivery }, this.#outgoing)
  }

  released(subscription: Subscription): void {
    this.context.destinations.account.give(subscriptionBytes(subscription))
  }

  cut(_subscription: Subscription): void {
    this.fail(tooSlow())
  }

  /** What it makes the broker hold and can be made to give back: octets not taken, frames not finished. */
  get heldBytes(): number {
    return this.#outgoing.heldBytes + this.#incoming.heldBytes
  }

  held(): void {
    const { relievables } = this.context.destinations.account
    if (this.heldBytes > 0) relievables.add(this)
    else relievables.delete(this)
  }

  relieve(): void {
    const { bound } = this.context.destinations.account
    // What the connection keeps is free only once that is gone: there is no time for an ERROR that nobody reads.
    if (this.#outgoing.isBlocked) this.#cut(burdensome(bound))
    else this.fail(memoryFull(bound))
  }

  beat(): void {
    this.#outgoing.beat()
  }

  missed(silentMs: number): void {
    this.fail(silent(silentMs, this.context.heartBeat.graceFactor))
  }

  spoke(): void {
    if (this.heartBeat !== undefined) this.heartBeat.spokeAt = this.context.destinations.wheel.now
  }

  drainedAll(): void {
    if (this.#replies?.isDone) this.#replies = undefined
    this.#incoming.goOn(UNSENT_REPLIES)
    this.resumeStarved()
  }

  stalled(): void {
    this.#cut(stuck(this.context.limits.stallMs))
  }

  /** Subscriptions that found the session full are told that it has room again. */
  resumeStarved(): void {
    if (!this.#isStarved || this.state !== 'connected') return
    this.#isStarved = false
    // Whoever is first may take all the room that there is: each is first in turn.
    const { subscriptions } = this
    const first = this.#turns++ % subscriptions.length
    for (let at = first; at < subscriptions.length; at++) subscriptions[at]?.resume()
    for (let at = 0; at < first; at++) subscriptions[at]?.resume()
  }

  /** Numbers a delivery for its ACK, and remembers it; 0 where its number is not told. */
  note(delivery: Delivery): number {
    this.unacknowledged ??= new Unacknowledged(this.version === '1.2', this.context.destinations.counts)
    delivery.number = ++this.#deliveries
    this.unacknowledged.add(delivery)
    return this.version === '1.2' ? delivery.number : 0
  }

  // How frames end

  /**
   * The completion of the frame at hand; `message` is what it holds, which counts while it waits for the store, and
   * `told` runs once the receipt is written.
   */
  completion(
    receipt: string | undefined,
    { message, told }: { message?: StoredMessage; told?: () => void } = {},
  ): Completion {
    const { answersLate } = this.context.destinations
    if (receipt === undefined && !answersLate && told === undefined && this.#replies?.isEmpty !== false) {
      this.#unreceipted ??= { done: (error) => (error === undefined ? this.#replies?.letGo() : this.fail(error)) }
      return this.#unreceipted
    }
    // A frame that stores nothing waits for those before it, and counts too: there may be many of them.
    const bytes = REPLY_BYTES + (receipt?.length ?? 0) + (answersLate ? (message?.bytes ?? 0) : 0)
    return this.#openReplies().add({ receipt, bytes, told })
  }

  /** The frame at hand is done, now. */
  done(receipt: string | undefined): void {
    if (receipt !== undefined || this.#replies?.isEmpty === false) this.completion(receipt).done()
  }

  replied(receipt: string): void {
    if (this.#isOpen) this.write(receiptFrame(receipt))
  }

  /** A queue has no room and asks its producers to wait: no other frame is begun until all that are begun are done. */
  hold(withdraw: () => void): void {
    if (!this.#isOpen) {
      withdraw()
      return
    }
    this.#openReplies().hold(withdraw)
    // The connection may have gone while a hook thought about an earlier frame: of its end nobody will tell again.
    if (this.#lost !== undefined) this.#finish(this.#lost)
  }

  #openReplies(): Replies {
    this.#replies ??= new Replies(this, this.#incoming, this.context.limits.unstoredBytes)
    return this.#replies
  }

  /** Holds a message while a hook judges it. @throws StompError `memory-full` */
  judge(message: StoredMessage): void {
    const { destinations } = this.context
    if (!destinations.hold(message)) throw memoryFull(destinations.account.bound)
    this.#judged = message
  }

  /** The hook has answered, or nobody is interested any more. */
  judged(): void {
    if (this.#judged !== undefined) this.context.destinations.release(this.#judged)
    this.#judged = undefined
  }

  /** Its transactions; there are none until the first BEGIN. */
  openTransactions(): Transactions {
    this.#transactions ??= new Transactions(this.context.limits, this.context.destinations)
    return this.#transactions
  }

  /** Deliveries were settled: the subscription that held them has room again, and so may others. */
  settled(holder: Holder | undefined): void {
    if (this.#isStarved) this.resumeStarved()
    else holder?.resume()
  }

  // How a session begins and ends

  /** CONNECTED may be written, and other frames may come. */
  connected(version: Version): void {
    this.#clearDeadline()
    this.#incoming.version = version
    this.state = 'connected'
  }

  /** DISCONNECT: the receipt comes when everything before it is done, and then the end. */
  disconnect(receipt: string | undefined): void {
    this.#incoming.isLastTaken = true
    this.done(receipt)
    this.#afterReplies(() => this.#finish(DISCONNECTED))
  }

  /** An ERROR, then the end (STOMP 1.2, ERROR). */
  fail(error: StompError, receipt?: string): void {
    if (!this.#isOpen) return
    this.#outgoing.write(errorFrame(error, receipt), this.version)
    this.#finish({ code: error.code, message: error.message })
    if (error.excess !== undefined) this.context.reports.limited(this, error)
  }

  #afterReplies(task: () => void): void {
    if (this.#replies === undefined) task()
    else this.#replies.whenEmpty(task)
  }

  failed(error: unknown, frame?: Frame): void {
    const known = error instanceof StompError ? error : this.#internal(error)
    this.#incoming.isLastTaken = true
    const receipt = frame?.headers.get('receipt')
    // The frames before it are answered first.
    if (this.#replies === undefined || this.#replies.isEmpty) this.fail(known, receipt)
    else this.#replies.add({ receipt, bytes: 0 }).done(known)
  }

  #internal(error: unknown): StompError {
    this.context.reports.failed(error, 'a frame')
    return ownFault()
  }

  #finish(reason: CloseReason): void {
    if (!this.#isOpen) return
    this.#leave(reason)
    if (this.#lost === undefined) this.#outgoing.close(reason)
    else this.context.reports.gone(this, reason)
  }

  #cut(reason: CloseReason): void {
    if (this.#isOpen) this.#leave(reason)
    this.#outgoing.end()
    this.#connection.abort()
  }

  /** Gives everything back: from here on the session only closes. */
  #leave(reason: CloseReason): void {
    const wasConnected = this.state === 'connected'
    this.#reason = reason
    this.state = 'closing'
    this.#clearDeadline()
    this.heartBeat?.stop()
    this.#incoming.release()
    this.held()
    this.judged()
    this.#transactions?.close()
    this.#replies?.close()
    for (const subscription of this.subscriptions) subscription.end()
    this.subscriptions = []
    for (const { origin, deliveries } of this.unacknowledged?.removeAll() ?? [])
      origin.settle(deliveries, 'returned', nobody)
    if (wasConnected) this.context.reports.ended(this, reason)
  }

  #expectConnected(timeoutMs: number): void {
    this.#deadline = new WakeUp(() => this.fail(this.#isAsking ? unanswered(timeoutMs) : unasked(timeoutMs)))
    this.context.destinations.wheel.set(this.#deadline, timeoutMs)
  }

  /** Whether CONNECT has come, and is not answered. */
  get #isAsking(): boolean {
    return this.state === 'connecting' && this.#incoming.isPaused
  }

  #clearDeadline(): void {
    if (this.#deadline !== undefined) this.context.destinations.wheel.clear(this.#deadline)
    this.#deadline = undefined
  }
}
