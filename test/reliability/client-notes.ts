/** What producers and consumers wrote down, in the order in which it was read. */

import type { Child } from '../support/child-program.js'
import { AUTO, queueFor, useOf } from './load.js'

export type Role = 'producer' | 'consumer'

/** A client that was started, and what it wrote down. */
export interface Client {
  readonly name: string
  readonly role: Role
  readonly child: Child
  /** Its session, once it is connected. */
  session: string
  /** Of a consumer: what it saw, by subscription. */
  readonly subscriptions: Map<string, Subscribed>
  /** Of a producer: how many RECEIPTs came, and how many SENDs were begun. */
  receipts: number
  begun: number
  /** The turn in which it was started. */
  readonly startedAt: number
  /** The turn in which it, or its worker, was about to be killed, or it was told to leave: it was there until then. */
  lostAt: number
  /** Of a consumer that is gone: how many SENDs each producer had begun by then. */
  begunByEnd: ReadonlyMap<Client, number>
  /** It ended when it was told to, and its last RECEIPT came. */
  isDone: boolean
  /** Its worker was killed, or it may have been on its way to that one. */
  mayBeCut: boolean
  /** It was there when the broker was closed: what it sent may come out of a store, redelivered whether delivered or not. */
  mayBeRecovered: boolean
  /** It has said that it ends: what it settles afterwards counts for nothing. */
  isLeaving: boolean
}

/** What a consumer saw in a subscription, in order, and how much of it was settled before it said good-bye. */
export interface Subscribed {
  readonly all: Seen[]
  settled: number
}

/** A delivery as a consumer saw it, and what it did with it. */
export interface Seen {
  readonly id: string
  readonly producer: string
  readonly number: number
  readonly redelivered: boolean
  readonly isWhole: boolean
  /** The turn in which that was read. */
  readonly readAt: number
  outcome: Outcome | undefined
  /** Its place among what was settled in its subscription; what was settled after good-bye has none. */
  settledAs: number
  /** Its ACK had its RECEIPT. */
  isCounted: boolean
}

type Outcome = 'ack' | 'nack' | 'reject'

/** Takes the notes of all clients, line by line. */
export class ClientNotes {
  /** What is wrong, each a sentence. */
  readonly faults: string[] = []
  readonly clients = new Map<string, Client>()
  /** RECEIPTs that producers wrote down, for queues whose messages are acknowledged. */
  receipted = 0
  /** Counts what is read and what is done to clients. */
  #turn = 0

  /** Adds a client. */
  add(role: Role, name: string, child: Child): Client {
    const client: Client = {
      ...{ role, name, child, session: '', subscriptions: new Map(), receipts: 0, begun: 0 },
      ...{ startedAt: ++this.#turn, lostAt: Number.POSITIVE_INFINITY, begunByEnd: new Map() },
      ...{ isDone: false, mayBeCut: false, mayBeRecovered: false, isLeaving: false },
    }
    this.clients.set(name, client)
    return client
  }

  /** It is about to be killed, or told to leave. */
  loses(client: Client): void {
    client.lostAt = Math.min(client.lostAt, ++this.#turn)
  }

  /** Its worker is about to be killed, for all that is known. */
  losesWorker(client: Client): void {
    client.mayBeCut = true
    this.loses(client)
  }

  /** Its worker was not killed after all. */
  keepsWorker(client: Client): void {
    client.mayBeCut = false
    if (!client.child.isKilled) client.lostAt = Number.POSITIVE_INFINITY
  }

  /** A client is gone, and all that was written before its end, by anybody, was read. */
  ended(client: Client, isDone: boolean): void {
    client.isDone = isDone
    if (client.role === 'producer') return
    const producers = [...this.clients.values()].filter(({ role }) => role === 'producer')
    client.begunByEnd = new Map(producers.map((producer) => [producer, producer.begun]))
  }

  /** The broker was closed: whatever was sent by now may come out of its store. */
  restarted(): void {
    for (const client of this.clients.values()) client.mayBeRecovered = true
  }

  /** A client wrote a line. */
  wrote(client: Client, line: string): void {
    if (line.startsWith('session ')) client.session = line.slice('session '.length)
    else if (client.role === 'producer') this.#sent(client, line)
    else this.#took(client, line)
  }

  /** A producer wrote a line. */
  #sent(client: Client, line: string): void {
    if (line.startsWith('begun ')) {
      client.begun = Number(line.slice('begun '.length))
      return
    }
    client.receipts++
    if (Number(line) !== client.receipts) this.faults.push(`${client.name} got receipt ${line} out of order`)
    if (queueFor(client.receipts) !== AUTO) this.receipted++
  }

  /** A consumer wrote a line. */
  #took(client: Client, line: string): void {
    const [word = '', subscription = '', id = '', redelivered, whole, producer = '', number] = line.split(' ')
    if (word === 'leaves') client.isLeaving = true
    if (word === 'leaves') return
    const subscribed = client.subscriptions.get(subscription) ?? { all: [], settled: 0 }
    client.subscriptions.set(subscription, subscribed)
    if (word === 'counted') this.#counted(client, subscribed, id)
    else if (word !== 'saw') this.#settled(client, subscribed, { subscription, id, outcome: word as Outcome })
    else
      subscribed.all.push({
        ...{ id, producer, number: Number(number), redelivered: redelivered === 'true', isWhole: whole === 'whole' },
        ...{ readAt: ++this.#turn, outcome: undefined, settledAs: 0, isCounted: false },
      })
  }

  #settled(
    { name, isLeaving }: Client,
    subscribed: Subscribed,
    { subscription, id, outcome }: { subscription: string; id: string; outcome: Outcome },
  ): void {
    const { all } = subscribed
    const at = all.findLastIndex((seen) => seen.id === id && seen.outcome === undefined)
    if (at < 0) this.faults.push(`${name} settled ${id}, which it had not`)
    // With ack:client it means all before it, too.
    let first = at
    if (useOf(subscription).ack === 'client') while (all[first - 1]?.outcome === undefined && first > 0) first--
    for (const seen of all.slice(first, at + 1)) {
      seen.outcome = outcome
      if (!isLeaving) seen.settledAs = ++subscribed.settled
    }
  }

  #counted({ name }: Client, { all }: Subscribed, id: string): void {
    const seen = all.findLast((each) => each.id === id && each.outcome === 'ack')
    if (seen === undefined || seen.isCounted) this.faults.push(`${name} got a RECEIPT for an ACK of ${id}`)
    else seen.isCounted = true
  }
}
