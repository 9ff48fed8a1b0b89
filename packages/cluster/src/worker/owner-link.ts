/** A worker's end of the link: its backplane, and its way to the queues of the primary. */

import type { Duplex } from 'node:stream'
import { StompError } from '@xtomp/core'
import {
  type BackplaneWithQueues,
  type Completion,
  type Delivery,
  type Inside,
  nobody,
  type QueueIdentity,
  type RemoteQueueKeeper,
  type RemoteQueues,
  type StoredMessage,
  type Work,
} from '@xtomp/core/destination'
import { CODE, type LinkOutcome, OUTCOMES } from '../link/codes.js'
import type { FrameReader } from '../link/frame-reader.js'
import { Link } from '../link/link.js'
import { readMessage, writeMessage } from '../link/messages.js'
import { Numbers } from '../link/numbers.js'
import { type Opening, type QueueLink, RemoteQueue } from './remote-queue.js'
import type { RemoteDelivery, RemoteSubscription } from './remote-subscription.js'

/** What the link tells its worker beside what concerns the broker. */
export interface OwnerLinkEvents {
  /** The primary says something. */
  told(value: unknown): void
  /** The primary is gone. */
  closed(): void
}

/** Asks the owner, with a number for each question, and passes its answers and deliveries on. */
export class OwnerLink implements BackplaneWithQueues, RemoteQueues, QueueLink {
  readonly queues: RemoteQueues = this
  readonly link: Link
  readonly #inside: Inside
  /** What waits for an answer, by its number. */
  readonly #asked = new Numbers<Completion>()
  readonly #subscriptions = new Numbers<RemoteSubscription | undefined>()
  /** Those that were handed something in this turn. */
  #handed: RemoteSubscription[] = []
  /** Subscriptions to topics that the hub does not know yet. */
  #wanting = 0
  /** Told once the others have taken what was published: to be asked for, and whether there is a question already. */
  #published: Completion[] = []
  #isAskingWhenTaken = false

  constructor(stream: Duplex, inside: Inside, events: OwnerLinkEvents) {
    this.#inside = inside
    this.link = new Link(stream, inside.context, {
      frame: (reader) =>
        reader.code === CODE.tell ? events.told(JSON.parse(reader.rest().toString())) : this.#take(reader),
      flushing: () => {
        this.#tellHanded()
        this.#askWhenTaken()
      },
      drained: () => undefined,
      closed: () => {
        this.#fail()
        events.closed()
      },
    })
  }

  // Topics

  publish(host: string, message: StoredMessage, completion: Completion): void {
    if (this.link.isClosed) {
      completion.done()
      return
    }
    writeMessage(this.link.frame(CODE.message), host, message).end()
    if (completion !== nobody) this.#published.push(completion)
  }

  subscribe(host: string, name: string, isFirst: boolean, completion: Completion): void {
    if (!isFirst && this.#wanting === 0) {
      completion.done()
      return
    }
    this.#wanting++
    const done = (error?: StompError): void => {
      this.#wanting--
      completion.done(error)
    }
    const frame = this.#ask(isFirst ? CODE.want : CODE.fence, { done })
    if (isFirst) frame?.text(host).text(name)
    frame?.end()
  }

  unsubscribe(host: string, name: string): void {
    if (!this.link.isClosed) this.link.frame(CODE.unwant).text(host).text(name).end()
  }

  // Queues

  queue(identity: QueueIdentity, keeper: RemoteQueueKeeper): RemoteQueue {
    return new RemoteQueue({ identity, keeper, context: this.#inside.context, link: this })
  }

  commit(host: string, { placed, settlements }: Work, completion: Completion): void {
    const messages = placed.filter(({ destination }) => destination instanceof RemoteQueue)
    // What is not acknowledged is settled behind the batch.
    const acknowledged = settlements.filter(
      ({ origin, outcome }) => outcome === 'acknowledged' && origin instanceof RemoteQueue,
    )
    if (messages.length === 0 && acknowledged.length === 0) {
      completion.done()
      return
    }
    const frame = this.#ask(CODE.commit, completion)?.text(host).number(messages.length)
    if (frame === undefined) return
    for (const { message } of messages) {
      writeMessage(frame.beginPart().small(CODE.message), host, message)
      frame.endPart()
    }
    for (const { deliveries } of acknowledged) for (const delivery of deliveries) frame.number(numberOf(delivery))
    frame.end()
  }

  /** Sends a message to a queue. */
  send(host: string, message: StoredMessage, completion: Completion): void {
    const frame = this.#ask(CODE.send, completion)
    if (frame !== undefined) writeMessage(frame, host, message).end()
  }

  /** The number for a subscription that is to be opened. */
  nextSubscription(): number {
    return this.#subscriptions.add(undefined)
  }

  /** Opens a subscription of a queue. */
  open({ remote, subscription, host, name }: Opening, completion: Completion): void {
    this.#subscriptions.set(remote.number, remote)
    const { prefetch, ackMode } = subscription
    this.#ask(CODE.open, completion)
      ?.number(remote.number)
      .wide(prefetch)
      .small(ackMode === 'auto' ? 1 : 0)
      .text(host)
      .text(name)
      .end()
  }

  /** Ends one. */
  close(remote: RemoteSubscription): void {
    this.#subscriptions.take(remote.number)
    if (this.link.isClosed) return
    // What it was handed stays with it: the owner must know before it takes the rest back.
    this.#tellHanded()
    this.link.frame(CODE.end).number(remote.number).end()
  }

  /** A subscription was handed a delivery: told at the end of the turn, how many there were. */
  handed(remote: RemoteSubscription): void {
    if (remote.handed++ > 0) return
    this.#handed.push(remote)
    this.link.plan()
  }

  /** Says how deliveries ended. */
  settle(deliveries: readonly Delivery[], outcome: LinkOutcome, completion: Completion = nobody): void {
    const frame =
      completion === nobody
        ? this.link.isClosed
          ? undefined
          : this.link.frame(CODE.settle).number(0)
        : this.#ask(CODE.settle, completion)
    if (frame === undefined) return
    frame.small(OUTCOMES.indexOf(outcome))
    for (const delivery of deliveries) frame.number(numberOf(delivery))
    frame.end()
  }

  #ask(code: number, completion: Completion): ReturnType<Link['frame']> | undefined {
    if (!this.link.isClosed) return this.link.frame(code).number(this.#asked.add(completion))
    completion.done(gone())
    return undefined
  }

  #take(reader: FrameReader): void {
    switch (reader.code) {
      case CODE.message: {
        const { host, message } = readMessage(reader)
        this.#inside.router(host)?.receive(message)
        break
      }
      case CODE.deliver:
        this.#deliver(reader)
        break
      case CODE.done: {
        const last = reader.number()
        const count = reader.number()
        for (let number = last - count + 1; number <= last; number++) this.#asked.take(number)?.done()
        break
      }
      case CODE.waits: {
        const number = reader.number()
        this.#asked.get(number)?.waits?.(() => this.#withdraw(number))
        break
      }
      case CODE.ask:
        this.link.frame(CODE.taken).end()
        break
      case CODE.failed:
        this.#asked.take(reader.number())?.done(errorOf(reader.rest().toString()))
        break
      default:
        throw new Error(`the primary said ${reader.code}, which is no word for a worker`)
    }
  }

  #deliver(reader: FrameReader): void {
    const remote = this.#subscriptions.get(reader.number())
    // It may have ended meanwhile: then the owner has the delivery back.
    if (remote === undefined) return
    const number = reader.number()
    const isRedelivered = reader.small() === 1
    remote.take(readMessage(reader).message, number, isRedelivered)
  }

  /** Whoever asked is gone. What is answered by now is not to be taken back. */
  #withdraw(number: number): void {
    if (this.#asked.get(number) !== undefined && !this.link.isClosed)
      this.link.frame(CODE.withdraw).number(number).end()
  }

  #tellHanded(): void {
    for (const remote of this.#handed) {
      if (!this.link.isClosed) this.link.frame(CODE.handed).number(remote.number).number(remote.handed).end()
      remote.handed = 0
    }
    this.#handed = []
  }

  /** Asks once for all that was published since the last question. No producer fails for what others do not get. */
  #askWhenTaken(): void {
    if (this.#isAskingWhenTaken || this.#published.length === 0) return
    const published = this.#published
    this.#published = []
    this.#isAskingWhenTaken = true
    const done = (): void => {
      this.#isAskingWhenTaken = false
      for (const completion of published) completion.done()
      if (this.#published.length > 0) this.link.plan()
    }
    this.#ask(CODE.whenTaken, { done })?.end()
  }

  /** Nobody will answer any more. */
  #fail(): void {
    for (const completion of this.#published.splice(0)) completion.done()
    for (const completion of this.#asked.takeAll()) completion.done(gone())
  }
}

function numberOf(delivery: Delivery): number {
  return (delivery as RemoteDelivery).linkNumber
}

function gone(): StompError {
  return new StompError('broker-closing', 'the process that has the queues is gone; connect again later')
}

/** An error as the owner told it. */
function errorOf(text: string): StompError {
  const { code, message, excess } = JSON.parse(text) as Pick<StompError, 'code' | 'message' | 'excess'>
  return new StompError(code, message, excess === undefined ? {} : { excess })
}
