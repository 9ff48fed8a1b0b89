/** The primary's end of a link: does what a worker asks for, and gives back what it held when it is gone. */

import type { Duplex } from 'node:stream'
import type { StompError } from '@xtomp/core'
import {
  type Completion,
  commit,
  type Delivery,
  type Inside,
  memoryFull,
  nobody,
  type Outcome,
  type PlannedSettlement,
  type Router,
  type StoredMessage,
} from '@xtomp/core/destination'
import { CODE, OUTCOMES } from '../link/codes.js'
import { FrameReader } from '../link/frame-reader.js'
import { Link } from '../link/link.js'
import { readMessage, writeMessage } from '../link/messages.js'
import { Numbers } from '../link/numbers.js'
import type { Hub, HubMember } from './hub.js'
import { byOrigin, type DeliveryLink, OwnerSubscription, putBackUntouched } from './owner-subscription.js'
import type { Pressure } from './pressure.js'
import { Untaken, type UntakenContext } from './untaken.js'

/** Deliveries wait while a worker has not taken so many octets. */
const MOST_DELIVERIES_UNSENT = 1024 * 1024

/** What links to workers share. */
export interface WorkerLinkContext {
  readonly inside: Inside
  readonly hub: Hub
  readonly pressure: Pressure
  readonly broker: UntakenContext
}

/** What a link tells of its worker beside what concerns the broker. */
export interface WorkerLinkEvents {
  /** The worker says something. */
  told(value: unknown): void
  /** The worker said what makes no sense: it is cut. */
  failed(error: unknown): void
  /** The worker is gone. */
  closed(): void
}

/** A question of the worker, while it is not answered. */
class Asked implements Completion {
  readonly number: number
  readonly #link: WorkerLink

  constructor(number: number, link: WorkerLink) {
    this.number = number
    this.#link = link
  }

  done(error?: StompError): void {
    this.#link.answer(this.number, error)
  }
}

/** One worker, as the primary sees it. */
export class WorkerLink implements HubMember, DeliveryLink {
  readonly link: Link
  readonly #context: WorkerLinkContext
  readonly #inside: Inside
  /** Passed on and not settled, by the numbers that the worker knows. */
  readonly #deliveries = new Numbers<Delivery>()
  readonly #subscriptions = new Map<number, OwnerSubscription>()
  /** What is not answered, by the numbers of the questions: what is to be withdrawn when nobody waits for it any more. */
  readonly #asked = new Map<number, Completion>()
  /** What it wants of topics, by host. */
  readonly #wanted = new Map<string, Set<string>>()
  readonly #starved = new Set<OwnerSubscription>()
  readonly #untaken: Untaken
  /** The questions answered last, which may become more. */
  #doneLast = 0
  #doneCount = 0

  constructor(stream: Duplex, context: WorkerLinkContext, events: WorkerLinkEvents) {
    this.#context = context
    this.#inside = context.inside
    this.link = new Link(stream, context.inside.context, {
      frame: (reader) => {
        try {
          if (reader.code === CODE.tell) events.told(JSON.parse(reader.rest().toString()))
          else this.#take(reader)
        } catch (error) {
          // One worker that makes no sense must not end the process that all need.
          events.failed(error)
          this.link.destroy()
        }
      },
      flushing: () => this.#tellDone(),
      drained: () => this.#drained(),
      closed: () => {
        this.#leave()
        events.closed()
      },
    })
    this.#untaken = new Untaken(this.link, context.broker)
    context.hub.join(this)
  }

  /** How many subscriptions of queues it has. */
  get subscriptions(): number {
    return this.#subscriptions.size
  }

  get hasRoom(): boolean {
    return !this.link.isClosed && this.link.unsentBytes < MOST_DELIVERIES_UNSENT
  }

  pass(message: Uint8Array): void {
    if (this.link.isClosed) return
    this.link.frame(CODE.message).rest(message).end()
    this.#untaken.more()
    this.#context.pressure.pressed(this)
  }

  whenTaken(task: () => void): void {
    this.#untaken.whenTaken(task)
  }

  deliver(to: OwnerSubscription, delivery: Delivery): number {
    const number = this.#deliveries.add(delivery)
    const frame = this.link
      .frame(CODE.deliver)
      .number(to.number)
      .number(number)
      .small(delivery.isRedelivered ? 1 : 0)
    writeMessage(frame, '', delivery.message).end()
    return number
  }

  take(number: number): Delivery | undefined {
    return this.#deliveries.take(number)
  }

  starved(subscription: OwnerSubscription): void {
    this.#starved.add(subscription)
  }

  /** Answers a question. */
  answer(number: number, error: StompError | undefined): void {
    this.#asked.delete(number)
    if (this.link.isClosed) return
    if (error === undefined) {
      if (number !== this.#doneLast + 1) this.#tellDone()
      this.#doneLast = number
      this.#doneCount++
      this.link.plan()
      return
    }
    const { code, message, excess } = error
    // In the order in which it was done.
    this.#tellDone()
    this.link
      .frame(CODE.failed)
      .number(number)
      .rest(Buffer.from(JSON.stringify({ code, message, excess })))
      .end()
  }

  #take(reader: FrameReader): void {
    switch (reader.code) {
      case CODE.message: {
        const message = reader.ahead
        this.#context.hub.publish(this, reader.text(), reader.text(), message)
        break
      }
      case CODE.want:
        this.#want(reader)
        break
      case CODE.unwant:
        this.#unwant(reader.text(), reader.text())
        break
      case CODE.withdraw: {
        const completion = this.#asked.get(reader.number())
        if (completion !== undefined) this.#inside.context.withdraw(completion)
        break
      }
      case CODE.whenTaken: {
        const asked = this.#ask(reader)
        this.#context.hub.whenTaken(this, () => asked.done())
        break
      }
      case CODE.taken:
        this.#untaken.answered()
        break
      case CODE.fence:
        this.#ask(reader).done()
        break
      case CODE.send:
        this.#send(reader)
        break
      case CODE.open:
        this.#open(reader)
        break
      case CODE.end: {
        const number = reader.number()
        this.#subscriptions.get(number)?.end()
        this.#subscriptions.delete(number)
        break
      }
      case CODE.handed:
        this.#subscriptions.get(reader.number())?.handed(reader.number())
        break
      case CODE.settle:
        this.#settle(reader)
        break
      case CODE.commit:
        this.#commit(reader)
        break
      default:
        throw new Error(`a worker said ${reader.code}, which is no word for the primary`)
    }
  }

  #ask(reader: FrameReader): Asked {
    const asked = new Asked(reader.number(), this)
    this.#asked.set(asked.number, asked)
    return asked
  }

  #want(reader: FrameReader): void {
    const asked = this.#ask(reader)
    const host = reader.text()
    const name = reader.text()
    const names = this.#wanted.get(host) ?? new Set()
    this.#wanted.set(host, names.add(name))
    this.#context.hub.want(this, host, name)
    asked.done()
  }

  #unwant(host: string, name: string): void {
    this.#wanted.get(host)?.delete(name)
    this.#context.hub.unwant(this, host, name)
  }

  #send(reader: FrameReader): void {
    const asked = this.#ask(reader)
    const { host, message } = readMessage(reader)
    if (!this.#router(host).send(message, asked)) this.#tellWaits(asked)
  }

  #open(reader: FrameReader): void {
    const asked = this.#ask(reader)
    const number = reader.number()
    const prefetch = reader.wide()
    const isAuto = reader.small() === 1
    const host = reader.text()
    const name = reader.text()
    try {
      const source = this.#router(host).forSubscribe(name)
      const subscription = new OwnerSubscription({ number, name, prefetch, isAuto, source, link: this })
      this.#subscriptions.set(number, subscription)
      subscription.subscription.start({
        done: (error) => {
          asked.done(error)
          // The worker must know before anything is delivered to it.
          this.#tellDone()
        },
      })
    } catch (error) {
      asked.done(error as StompError)
    }
  }

  #settle(reader: FrameReader): void {
    const number = reader.number()
    const asked = number === 0 ? nobody : new Asked(number, this)
    const outcome = OUTCOMES[reader.small()]
    const deliveries: Delivery[] = []
    while (!reader.isAtEnd) {
      const delivery = this.#deliveries.take(reader.number())
      if (delivery !== undefined) deliveries.push(delivery)
    }
    const holders = new Set(deliveries.map(({ holder }) => holder))
    if (outcome === 'untouched') {
      putBackUntouched(deliveries)
      asked.done()
    } else {
      for (const delivery of deliveries) delivery.holder?.forget(delivery)
      this.#end(deliveries, outcome as Outcome | 'put-back', asked)
    }
    for (const holder of holders) holder?.resume()
  }

  /** Ends deliveries, each where it comes from: a worker's session settles those of one queue at a time. */
  #end(deliveries: readonly Delivery[], outcome: Outcome | 'put-back', completion: Completion): void {
    let isTold = false
    byOrigin(deliveries, (origin, group) => {
      if (outcome === 'put-back') origin.putBack(group)
      else {
        origin.settle(group, outcome, isTold ? nobody : completion)
        isTold = true
      }
    })
    if (!isTold) completion.done()
  }

  #commit(reader: FrameReader): void {
    const asked = this.#ask(reader)
    const router = this.#router(reader.text())
    const { context } = this.#inside
    const messages = this.#messagesIn(reader)
    const held = messages.filter((message) => context.hold(message))
    const taken = new Map<number, Delivery>()
    while (!reader.isAtEnd) {
      const number = reader.number()
      const delivery = this.#deliveries.get(number)
      if (delivery !== undefined) taken.set(number, delivery)
    }
    const release = (): void => {
      for (const message of held) context.release(message)
    }
    const deliveries = [...taken.values()]
    if (held.length < messages.length) {
      release()
      asked.done(memoryFull(context.account.bound))
      return
    }
    for (const number of taken.keys()) this.#deliveries.take(number)
    const settlements: PlannedSettlement[] = []
    byOrigin(deliveries, (origin, group) => settlements.push({ origin, deliveries: group, outcome: 'acknowledged' }))
    const completion: Completion = {
      done: (error) => {
        release()
        // They are the worker's again, which gives them back; or go back at once where it is gone.
        if (error !== undefined && !this.link.isClosed)
          for (const [number, delivery] of taken) this.#deliveries.set(number, delivery)
        else for (const delivery of deliveries) delivery.holder?.forget(delivery)
        if (error !== undefined && this.link.isClosed)
          byOrigin(deliveries, (origin, group) => origin.settle(group, 'returned', nobody))
        asked.done(error)
        if (error === undefined) for (const { holder } of deliveries) holder?.resume()
      },
    }
    // Where it waits for room it is this completion that is withdrawn.
    this.#asked.set(asked.number, completion)
    if (!commit(context, { router, messages, settlements }, completion)) this.#tellWaits(asked)
  }

  #messagesIn(reader: FrameReader): StoredMessage[] {
    const messages: StoredMessage[] = []
    for (let left = reader.number(); left > 0; left--) {
      const part = reader.part()
      messages.push(readMessage(new FrameReader().read(part, 0, part.length)).message)
    }
    return messages
  }

  #router(host: string): Router {
    const router = this.#inside.router(host)
    if (router === undefined)
      throw new Error(`a worker knows the host ${host}, which the primary does not (option hosts)`)
    return router
  }

  #tellWaits({ number }: Asked): void {
    if (this.#asked.has(number)) this.link.frame(CODE.waits).number(number).end()
  }

  #tellDone(): void {
    if (this.#doneCount > 0 && !this.link.isClosed)
      this.link.frame(CODE.done).number(this.#doneLast).number(this.#doneCount).end()
    this.#doneCount = 0
  }

  #drained(): void {
    this.#context.pressure.eased()
    if (!this.hasRoom) return
    const starved = [...this.#starved]
    this.#starved.clear()
    for (const { subscription } of starved) subscription.resume()
  }

  /** Gives all back: what waits for room is withdrawn, what was delivered returns, nothing is wanted any more. */
  #leave(): void {
    for (const completion of [...this.#asked.values()]) this.#inside.context.withdraw(completion)
    for (const { subscription } of this.#subscriptions.values()) subscription.end()
    this.#subscriptions.clear()
    this.#starved.clear()
    const deliveries = this.#deliveries.takeAll()
    for (const delivery of deliveries) delivery.holder?.forget(delivery)
    byOrigin(deliveries, (origin, group) => origin.settle(group, 'returned', nobody))
    for (const [host, names] of this.#wanted) for (const name of names) this.#context.hub.unwant(this, host, name)
    this.#wanted.clear()
    this.#context.hub.leave(this)
    this.#untaken.close()
  }
}
