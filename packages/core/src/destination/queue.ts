/** A destination that keeps each message until one of its subscriptions has settled it. */

import { memoryFull, StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Completion, Outcome } from '../ports/destination.js'
import { WakeUp } from '../wheel.js'
import type { DestinationContext, GiveUpReason } from './context.js'
import { giveUp } from './dead-letter.js'
import { Delivery, DeliveryList } from './delivery.js'
import { entryOf, settlementOf } from './journal.js'
import type { LocalDestination, NoRoom } from './local.js'
import { limitLife, type Policy } from './policy.js'
import { ReadyRing } from './ready-ring.js'
import type { Subscription } from './subscription.js'

/** What a queue needs of whoever keeps the names. */
export interface QueueOwner {
  /** The dead-letter destination of that name; undefined where there can be none. */
  deadLetters(name: string): LocalDestination | undefined
  /** The queue holds nothing and nobody is subscribed: it may be forgotten. */
  unused(queue: Queue): void
}

/** What makes a queue. */
export interface QueueIdentity {
  readonly name: string
  readonly storeKey: string
  readonly policy: Policy
}

/** Work that waits for room. */
interface Retry {
  /** Tries it; false where there is still no room. */
  readonly task: () => boolean
  readonly completion: Completion
  /** What is held meanwhile. */
  readonly message?: StoredMessage
}

/** Least time between two searches for expired messages. */
const EXPIRY_PAUSE_MS = 1_000
/** After a store has failed to let expired messages go, before it is asked again. */
const STORE_PAUSE_MS = 1_000

/** Messages wait in the order in which they came; each goes to one subscription, in turn among those that have room. */
export class Queue implements LocalDestination {
  readonly name: string
  readonly storeKey: string
  readonly #policy: Policy
  readonly #context: DestinationContext
  readonly #owner: QueueOwner
  readonly #waiting = new DeliveryList()
  readonly #ready = new ReadyRing()
  /** Whoever waits for room, in the order in which they came. */
  #retries: Retry[] = []
  /** Whether the first of them is being asked. */
  #isAsking = false
  readonly #subscriptions = new Set<Subscription>()
  #expiry: WakeUp | undefined
  /** What rests after a NACK, by the alarm that ends its rest. */
  readonly #resting = new Map<WakeUp, readonly Delivery[]>()
  /** Messages held or about to arrive, waiting or not, and their octets. */
  #messages = 0
  #bytes = 0
  /** Of these, what is on its way out, to make room. */
  readonly #leaving = { messages: 0, bytes: 0 }
  /** How many have arrived. */
  #arrivals = 0

  constructor({ name, storeKey, policy }: QueueIdentity, context: DestinationContext, owner: QueueOwner) {
    this.name = name
    this.storeKey = storeKey
    this.#policy = policy
    this.#context = context
    this.#owner = owner
  }

  /** Messages held: waiting, resting after a NACK, and unacknowledged. */
  get messages(): number {
    return this.#messages
  }

  get isEmpty(): boolean {
    return this.#messages === 0
  }

  send(message: StoredMessage, completion: Completion): boolean {
    if (this.#passesThrough(message)) {
      completion.done()
      return true
    }
    return this.#keep(message, completion, false)
  }

  subscribe(subscription: Subscription, completion: Completion): void {
    this.#subscriptions.add(subscription)
    subscription.isActive = true
    completion.done()
    this.resume(subscription)
  }

  unsubscribe(subscription: Subscription): void {
    subscription.isActive = false
    this.#subscriptions.delete(subscription)
    this.#ready.remove(subscription)
    this.#tidy()
  }

  resume(subscription: Subscription): void {
    if (!subscription.isActive) return
    this.#ready.add(subscription)
    this.#dispatch()
  }

  settle(deliveries: readonly Delivery[], outcome: Outcome, completion: Completion): void {
    const { onNack } = this.#policy
    if (outcome === 'acknowledged' || (outcome === 'nacked' && onNack === 'discard')) {
      this.#end(deliveries, this.#orBack(deliveries, completion))
    } else if (outcome === 'rejected' || (outcome === 'nacked' && onNack === 'dead-letter')) {
      for (const delivery of deliveries) delivery.attempts++
      this.#giveUp(deliveries, 'rejected', this.#orBack(deliveries, completion))
    } else this.#return(deliveries, outcome, completion)
  }

  reserve(message: StoredMessage): NoRoom | undefined {
    limitLife(message, this.#policy, this.#context.clock)
    // Whoever waits for room comes first.
    if (this.#retries.length > 0 && !this.#isAsking) return 'wait'
    const mayWait = this.#policy.whenFull === 'hold' && !this.isEmpty
    // Counted before others make room for it: a queue that gives up all that it holds is not to be forgotten for that.
    this.#messages++
    this.#bytes += message.bytes
    let noRoom: NoRoom | undefined
    if (!this.#makeRoom(message)) noRoom = mayWait ? 'wait' : this.#full()
    else if (!this.#context.hold(message)) noRoom = memoryFull(this.#context.account.bound)
    if (noRoom === undefined) return undefined
    this.#messages--
    this.#bytes -= message.bytes
    this.#forget()
    return noRoom
  }

  unreserve(message: StoredMessage): void {
    this.#messages--
    this.#bytes -= message.bytes
    this.#context.release(message)
    this.#tidy()
  }

  arrive(message: StoredMessage): void {
    message.arrival = ++this.#arrivals
    this.#waiting.push(new Delivery(message, this))
    if (message.expiresAt !== 0) this.#watch(message.expiresAt)
    this.#dispatch()
  }

  whenRoom(task: () => boolean, completion: Completion): void {
    this.#retries.push({ task, completion })
  }

  withdraw(completion: Completion): void {
    // Whoever is being asked at this moment has his answer soon enough.
    const asked = this.#isAsking ? this.#retries[0] : undefined
    const gone = this.#retries.find((retry) => retry.completion === completion && retry !== asked)
    if (gone === undefined) return
    this.#retries = this.#retries.filter((retry) => retry !== gone)
    this.#turnAway(gone, new StompError('queue-full', 'whoever waited for room has gone'))
    // Those behind may need less.
    this.#tidy()
  }

  finish(deliveries: readonly Delivery[]): void {
    for (const { message } of deliveries) {
      this.#messages--
      this.#bytes -= message.bytes
      this.#context.release(message)
    }
    this.#tidy()
  }

  putBack(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      // What was out with a subscription was, for all we know, delivered.
      if (delivery.holder !== undefined) delivery.isRedelivered = true
      delivery.holder = undefined
      this.#waiting.insert(delivery)
      // The alarm may have rung while it was out.
      if (delivery.message.expiresAt !== 0) this.#watch(delivery.message.expiresAt)
    }
    this.#dispatch()
  }

  /** Takes a message that the store kept, whatever the limits: it was accepted before. */
  recover(message: StoredMessage): void {
    this.#context.account.charge(message.bytes)
    message.holders++
    message.own()
    this.#messages++
    this.#bytes += message.bytes
    const delivery = new Delivery(message, this)
    delivery.isRedelivered = true
    this.putBack([delivery])
  }

  /** Forgets what waits: the broker is closed. What the store keeps, it keeps. */
  close(): void {
    const retries = this.#retries
    this.#retries = []
    for (const retry of retries)
      this.#turnAway(retry, new StompError('broker-closing', 'the broker was closed before there was room'))
    for (const [wakeUp, deliveries] of this.#resting) {
      this.#context.wheel.clear(wakeUp)
      this.finish(deliveries)
    }
    this.finish([...this.#waiting])
    if (this.#expiry !== undefined) this.#context.wheel.clear(this.#expiry)
  }

  /** Hands a message straight to an `auto` subscription with room: it need not be kept, nor copied, nor counted. */
  #passesThrough(message: StoredMessage): boolean {
    if (this.#waiting.size > 0 || this.#retries.length > 0 || this.#context.journal.isDurable) return false
    if (message.expiresAt !== 0 || this.#policy.expiryMs !== Number.POSITIVE_INFINITY) return false
    const subscription = this.#ready.peek()
    if (subscription?.ackMode !== 'auto') return false
    this.#ready.turn()
    subscription.deliver(message)
    return true
  }

  #keep(message: StoredMessage, completion: Completion, isRetry: boolean): boolean {
    const noRoom = this.reserve(message)
    if (noRoom === 'wait') return isRetry ? false : this.#wait(message, completion)
    if (noRoom !== undefined) completion.done(noRoom)
    else if (this.#context.journal.isDurable) this.#store(message, completion)
    else {
      this.arrive(message)
      completion.done()
    }
    return true
  }

  /** Lets a message wait for room: held, and counted. */
  #wait(message: StoredMessage, completion: Completion): boolean {
    if (!this.#context.hold(message)) {
      completion.done(memoryFull(this.#context.account.bound))
      return true
    }
    this.#retries.push({ task: () => this.#keep(message, completion, true), completion, message })
    return false
  }

  #turnAway({ completion, message }: Retry, error: StompError): void {
    if (message !== undefined) this.#context.release(message)
    completion.done(error)
  }

  #store(message: StoredMessage, completion: Completion): void {
    this.#context.journal.write({ appends: [entryOf(this.storeKey, message)], settlements: [] }, (error) => {
      if (error === undefined) this.arrive(message)
      else this.unreserve(message)
      completion.done(error)
    })
  }

  #dispatch(): void {
    while (this.#waiting.size > 0) {
      const subscription = this.#ready.peek()
      if (subscription === undefined) return
      if (this.#isExpired(this.#waiting.first as Delivery)) {
        this.#expireFirst()
        continue
      }
      this.#ready.turn()
      this.#handOver(this.#waiting.shift() as Delivery, subscription)
    }
  }

  #handOver(delivery: Delivery, subscription: Subscription): void {
    subscription.deliver(delivery.message, delivery)
    if (subscription.ackMode !== 'auto') return
    // It is delivered, whatever the store says: where that fails, the message may come again after a restart.
    const delivered = [delivery]
    const done = (error?: StompError): void => {
      if (error !== undefined) this.finish(delivered)
    }
    this.#end(delivered, { done })
  }

  /** Lets go what is done with. Where the store fails it stays, and `completion` says so. */
  #end(deliveries: readonly Delivery[], completion: Completion): void {
    if (!this.#context.journal.isDurable) {
      this.finish(deliveries)
      completion.done()
      return
    }
    const settlements = deliveries.map(({ message }) => settlementOf(this.storeKey, message))
    this.#context.journal.write({ appends: [], settlements }, (error) => {
      if (error === undefined) this.finish(deliveries)
      completion.done(error)
    })
  }

  /** Tells `completion`, then takes back what the store did not let go: a session that fails for it does not get it again. */
  #orBack(deliveries: readonly Delivery[], completion: Completion): Completion {
    return {
      done: (error) => {
        completion.done(error)
        if (error !== undefined) this.putBack(deliveries)
      },
    }
  }

  /** Back to the head; but what came back too often through its consumer's fault is given up. */
  #return(deliveries: readonly Delivery[], outcome: Outcome, completion: Completion): void {
    // Of a lost consumer only the oldest was being worked on: the others came back through no fault of their own.
    const tried = outcome === 'returned' ? deliveries.slice(0, 1) : deliveries
    for (const delivery of tried) delivery.attempts++
    const spent = new Set(tried.filter(({ attempts }) => attempts >= this.#policy.maxDeliveries))
    const kept = deliveries.filter((delivery) => !spent.has(delivery))
    const delayMs = outcome === 'nacked' ? this.#policy.redeliveryDelayMs : 0
    if (delayMs > 0) this.#rest(kept, delayMs)
    else this.putBack(kept)
    if (spent.size === 0) completion.done()
    else this.#giveUp([...spent], 'max-deliveries', this.#orBack([...spent], completion))
  }

  #rest(deliveries: readonly Delivery[], delayMs: number): void {
    if (deliveries.length === 0) return
    const wakeUp = new WakeUp(() => {
      this.#resting.delete(wakeUp)
      this.putBack(deliveries)
    })
    this.#resting.set(wakeUp, deliveries)
    this.#context.wheel.set(wakeUp, delayMs)
  }

  #giveUp(deliveries: readonly Delivery[], reason: GiveUpReason, completion: Completion): void {
    const { deadLetter } = this.#policy
    const mayMove = deadLetter !== false && deadLetter !== this.name
    // Nothing is made for what is not moved: a dead letter is gone.
    const isMoved = mayMove && deliveries.some(({ message }) => !message.isDeadLetter)
    const to = isMoved ? this.#owner.deadLetters(deadLetter) : undefined
    giveUp(this.#context, { from: this, to, deliveries, reason }, completion)
  }

  /** Whether a message that is counted has room, where the policy allows it by giving up what waits longest. */
  #makeRoom({ bytes }: StoredMessage): boolean {
    const { maxMessages, maxBytes, whenFull } = this.#policy
    if (bytes > maxBytes) return false
    const dropped: Delivery[] = []
    while (this.#messages - this.#leaving.messages > maxMessages || this.#bytes - this.#leaving.bytes > maxBytes) {
      const oldest = whenFull === 'drop-oldest' ? this.#waiting.shift() : undefined
      if (oldest === undefined) {
        this.#stay(dropped)
        return false
      }
      dropped.push(oldest)
      this.#leaving.messages++
      this.#leaving.bytes += oldest.message.bytes
    }
    if (dropped.length > 0) this.#drop(dropped)
    return true
  }

  /** Gives up what waited longest. Until the store has said so it is still here, but takes up no room. */
  #drop(dropped: readonly Delivery[]): void {
    const done = (error?: StompError): void => {
      if (error === undefined) {
        this.#left(dropped)
        return
      }
      this.#stay(dropped)
      this.#dispatch()
    }
    this.#giveUp(dropped, 'overflow', { done })
  }

  /** What was to make room is waiting again. */
  #stay(deliveries: readonly Delivery[]): void {
    this.#left(deliveries)
    for (const delivery of deliveries) this.#waiting.insert(delivery)
  }

  #left(deliveries: readonly Delivery[]): void {
    for (const { message } of deliveries) {
      this.#leaving.messages--
      this.#leaving.bytes -= message.bytes
    }
  }

  /** Why the message that was counted last has no room. */
  #full(): StompError {
    const { maxMessages, maxBytes } = this.#policy
    return this.#messages > maxMessages
      ? new StompError(
          'queue-full',
          `${this.name} may hold ${maxMessages} messages, and does (option destinations[].maxMessages)`,
        )
      : new StompError(
          'queue-full',
          `${this.name} may hold ${maxBytes} octets, this makes ${this.#bytes} (option destinations[].maxBytes)`,
        )
  }

  #isExpired({ message }: Delivery): boolean {
    return message.expiresAt !== 0 && message.expiresAt <= this.#context.clock.epoch()
  }

  /** Lets all go that is expired and at the head. */
  #expireFirst(): void {
    const expired: Delivery[] = []
    for (const delivery of this.#waiting) {
      if (!this.#isExpired(delivery)) break
      this.#waiting.remove(delivery)
      expired.push(delivery)
    }
    this.#expire(expired)
  }

  #expire(deliveries: readonly Delivery[]): void {
    const done = (error?: StompError): void => {
      if (error !== undefined) this.#rest(deliveries, STORE_PAUSE_MS)
    }
    if (this.#policy.deadLetterExpired) this.#giveUp(deliveries, 'expired', { done })
    else giveUp(this.#context, { from: this, to: undefined, deliveries, reason: 'expired' }, { done })
  }

  /** Wakes up when the first message expires: nobody may come to ask for it. */
  #watch(expiresAt: number): void {
    const inMs = Math.max(0, expiresAt - this.#context.clock.epoch())
    const { wheel } = this.#context
    this.#expiry ??= new WakeUp(() => this.#searchExpired())
    if (this.#expiry.due === 0 || this.#expiry.due > wheel.now + inMs) wheel.set(this.#expiry, inMs)
  }

  #searchExpired(): void {
    const expired: Delivery[] = []
    let next = Number.POSITIVE_INFINITY
    for (const delivery of this.#waiting) {
      if (this.#isExpired(delivery)) expired.push(delivery)
      else if (delivery.message.expiresAt !== 0) next = Math.min(next, delivery.message.expiresAt)
    }
    for (const delivery of expired) this.#waiting.remove(delivery)
    if (expired.length > 0) this.#expire(expired)
    if (next < Number.POSITIVE_INFINITY) this.#watch(Math.max(next, this.#context.clock.epoch() + EXPIRY_PAUSE_MS))
  }

  /** After something has left: whoever waits for room is asked again, and a queue of nothing is forgotten. */
  #tidy(): void {
    // What gets its room may leave again at once, and end up here: the stack must not grow with the line.
    if (this.#isAsking) return
    this.#isAsking = true
    while (this.#retries[0]?.task()) {
      const { message } = this.#retries.shift() as Retry
      if (message !== undefined) this.#context.release(message)
    }
    this.#isAsking = false
    this.#forget()
  }

  #forget(): void {
    if (this.#messages > 0 || this.#subscriptions.size > 0 || this.#retries.length > 0) return
    if (this.#expiry !== undefined) this.#context.wheel.clear(this.#expiry)
    this.#owner.unused(this)
  }
}
