/** A destination that keeps each message until one of its subscriptions has settled it. */

import { memoryFull, type StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Completion, Outcome } from '../ports/destination.js'
import { WakeUp } from '../wheel.js'
import type { DestinationContext, GiveUpReason } from './context.js'
import { giveUp } from './dead-letter.js'
import { Delivery } from './delivery.js'
import { Expiry } from './expiry.js'
import { entryOf, settlementOf } from './journal.js'
import type { DestinationSnapshot, LocalDestination, NoRoom } from './local.js'
import { limitLife, type Policy } from './policy.js'
import { ReadyRing } from './ready-ring.js'
import { Room } from './room.js'
import type { Subscription } from './subscription.js'
import { WaitingDeliveries } from './waiting-deliveries.js'
import { type Waiting, WaitingLine } from './waiting-line.js'

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

/** After a store has failed to let expired messages go, before it is asked again. */
const STORE_PAUSE_MS = 1_000

/** Messages wait in the order in which they came; each goes to one subscription, in turn among those that have room. */
export class Queue implements LocalDestination {
  readonly name: string
  readonly storeKey: string
  readonly #policy: Policy
  readonly #context: DestinationContext
  readonly #owner: QueueOwner
  readonly #waiting = new WaitingDeliveries()
  readonly #ready = new ReadyRing()
  readonly #subscriptions = new Set<Subscription>()
  readonly #expiry: Expiry
  readonly #room: Room
  /** Producers that a full queue asks to wait. */
  readonly #line: WaitingLine
  /** What rests after a NACK, by the alarm that ends its rest. */
  readonly #resting = new Map<WakeUp, readonly Delivery[]>()
  /** What is to make room for a message that is about to arrive. */
  readonly #doomed = new Map<StoredMessage, readonly Delivery[]>()
  /** How many have arrived. */
  #arrivals = 0

  constructor({ name, storeKey, policy }: QueueIdentity, context: DestinationContext, owner: QueueOwner) {
    this.name = name
    this.storeKey = storeKey
    this.#policy = policy
    this.#context = context
    this.#owner = owner
    this.#room = new Room(name, policy, context.counts)
    this.#line = new WaitingLine(context)
    this.#expiry = new Expiry(context, this.#waiting, (expired) => this.#expire(expired))
  }

  get snapshot(): DestinationSnapshot {
    const { messages, bytes } = this.#room
    return { name: this.name, type: 'queue', messages, bytes, subscriptions: this.#subscriptions.size }
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
    this.#context.counts.subscriptions++
    completion.done()
    this.resume(subscription)
  }

  unsubscribe(subscription: Subscription): void {
    if (subscription.isActive) this.#context.counts.subscriptions--
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

  couldHold(messages: readonly StoredMessage[]): boolean {
    return this.#room.couldHold(messages)
  }

  reserve(message: StoredMessage, isExchange = false): NoRoom | undefined {
    limitLife(message, this.#policy, this.#context.clock)
    // Counted before others make room for it: a queue that gives up all that it holds is not to be forgotten for that.
    this.#room.expect(message)
    const noRoom = this.#seekRoom(message, isExchange)
    if (noRoom === undefined) return undefined
    this.#abandon(message)
    this.#forget()
    return noRoom
  }

  unreserve(message: StoredMessage): void {
    this.#abandon(message)
    this.#context.release(message)
    this.#dispatch()
    this.#tidy()
  }

  arrive(message: StoredMessage): void {
    const delivery = new Delivery(message, this)
    message.arrival = ++this.#arrivals
    this.#room.expectNoMore(message)
    this.#waiting.add(delivery)
    this.#expiry.watch(delivery)
    this.#dropFor(message)
    this.#dispatch()
  }

  whenRoom(task: () => boolean, completion: Completion): void {
    this.#join({ task, completion })
  }

  letGo(deliveries: readonly Delivery[]): void {
    for (const { message } of deliveries) this.#room.leaves(message)
  }

  keep(deliveries: readonly Delivery[]): void {
    for (const { message } of deliveries) this.#room.leavesNoMore(message)
  }

  finish(deliveries: readonly Delivery[]): void {
    for (const { message } of deliveries) {
      this.#room.give(message)
      this.#context.release(message)
    }
    this.#tidy()
  }

  putBack(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      // What was out with a subscription was, for all we know, delivered.
      if (delivery.holder !== undefined) delivery.isRedelivered = true
      delivery.holder = undefined
      this.#waiting.add(delivery)
      // The alarm may have rung while it was out.
      this.#expiry.watch(delivery)
    }
    this.#dispatch()
  }

  /** Takes a message that the store kept, whatever the limits: it was accepted before. */
  recover(message: StoredMessage): void {
    this.#context.account.charge(message.bytes)
    message.holders++
    message.own()
    this.#room.take(message)
    const delivery = new Delivery(message, this)
    delivery.isRedelivered = true
    this.putBack([delivery])
  }

  /** Forgets what waits: the broker is closed. What the store keeps, it keeps. */
  close(): void {
    this.#line.close()
    for (const [wakeUp, deliveries] of this.#resting) {
      this.#context.wheel.clear(wakeUp)
      this.finish(deliveries)
    }
    this.finish([...this.#waiting])
    this.#expiry.stop()
  }

  /** Hands a message straight to an `auto` subscription with room: it need not be kept, nor copied, nor counted. */
  #passesThrough(message: StoredMessage): boolean {
    if (this.#waiting.size > 0 || !this.#line.isEmpty || this.#context.journal.isDurable) return false
    if (this.#context.isDraining) return false
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
    this.#join({ task: () => this.#keep(message, completion, true), completion, message })
    return false
  }

  #join(waiting: Waiting): void {
    // When one goes, those behind may need less.
    this.#line.join(waiting, () => this.#tidy())
  }

  #store(message: StoredMessage, completion: Completion): void {
    this.#context.journal.write({ appends: [entryOf(this.storeKey, message)], settlements: [] }, (error) => {
      if (error === undefined) this.arrive(message)
      else this.unreserve(message)
      completion.done(error)
    })
  }

  #dispatch(): void {
    if (this.#context.isDraining) return
    while (this.#waiting.size > 0) {
      const subscription = this.#ready.peek()
      if (subscription === undefined) return
      if (this.#expiry.takeFirst()) continue
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
    // Of a lost subscription only the oldest was being worked on: the others came back through no fault of their own.
    const tried = outcome === 'returned' ? firstOfEach(deliveries) : deliveries
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

  /** Finds room for a message that is counted, and counts it as held. */
  #seekRoom(message: StoredMessage, isExchange: boolean): NoRoom | undefined {
    if (!this.#room.couldHold([message])) return this.#room.full()
    if (this.#line.isAhead && !isExchange) return 'wait'
    if (!this.#makeRoom(message)) return this.#policy.whenFull === 'hold' ? 'wait' : this.#room.full()
    return this.#context.hold(message) ? undefined : memoryFull(this.#context.account.bound)
  }

  /** Whether a message that is counted has room, where the policy allows it by dooming what waits longest. */
  #makeRoom(message: StoredMessage): boolean {
    const doomed: Delivery[] = []
    while (this.#room.isExceeded) {
      const oldest = this.#dropsOldest ? this.#waiting.shift() : undefined
      if (oldest === undefined) {
        // What arrives before it, of the same transaction say, can be dropped then.
        if (this.#dropsOldest && this.#room.isExpectingOthers) break
        this.#stay(doomed)
        return false
      }
      doomed.push(oldest)
      this.#room.leaves(oldest.message)
    }
    if (doomed.length > 0) this.#doomed.set(message, doomed)
    return true
  }

  get #dropsOldest(): boolean {
    return this.#policy.whenFull === 'drop-oldest'
  }

  /** The message has not come: it is not counted, and what was to make room for it is waiting again. */
  #abandon(message: StoredMessage): void {
    this.#stay(this.#doomed.get(message) ?? [])
    this.#doomed.delete(message)
    this.#room.expectNoMore(message)
    this.#room.give(message)
  }

  /** Gives up what is to make room for a message that has come. Until the store has said so it is still here. */
  #dropFor(message: StoredMessage): void {
    const dropped = [...(this.#doomed.get(message) ?? [])]
    this.#doomed.delete(message)
    while (this.#dropsOldest && this.#room.isOverfull) {
      const oldest = this.#waiting.shift()
      if (oldest === undefined) break
      this.#room.leaves(oldest.message)
      dropped.push(oldest)
    }
    if (dropped.length === 0) return
    const done = (error?: StompError): void => {
      if (error === undefined) {
        for (const delivery of dropped) this.#room.leavesNoMore(delivery.message)
        return
      }
      this.#stay(dropped)
      this.#dispatch()
    }
    this.#giveUp(dropped, 'overflow', { done })
  }

  #stay(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      this.#room.leavesNoMore(delivery.message)
      this.#waiting.add(delivery)
      this.#expiry.watch(delivery)
    }
  }

  #expire(deliveries: readonly Delivery[]): void {
    const done = (error?: StompError): void => {
      if (error !== undefined) this.#rest(deliveries, STORE_PAUSE_MS)
    }
    if (this.#policy.deadLetterExpired) this.#giveUp(deliveries, 'expired', { done })
    else giveUp(this.#context, { from: this, to: undefined, deliveries, reason: 'expired' }, { done })
  }

  /** After something has left: whoever waits for room is asked again, and a queue of nothing is forgotten. */
  #tidy(): void {
    this.#line.ask()
    this.#forget()
  }

  #forget(): void {
    if (this.#room.messages > 0 || this.#subscriptions.size > 0 || !this.#line.isEmpty) return
    this.#expiry.stop()
    this.#owner.unused(this)
  }
}

/** The first that each subscription had. */
function firstOfEach(deliveries: readonly Delivery[]): Delivery[] {
  const firsts = new Map<Delivery['holder'], Delivery>()
  for (const delivery of deliveries) if (!firsts.has(delivery.holder)) firsts.set(delivery.holder, delivery)
  return [...firsts.values()]
}
