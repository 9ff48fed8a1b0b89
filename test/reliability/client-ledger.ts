/** What producers and consumers wrote down, and what is left at the end: whether that adds up, wherever the broker runs. */

import type { Child } from '../support/child-program.js'
import { AUTO, DEAD_LETTERS, isWhole, QUEUES, queueFor, senderOf } from './load.js'

export type Role = 'producer' | 'consumer'

/** A client that was started, and what it wrote down. */
export interface Client {
  readonly name: string
  readonly role: Role
  readonly child: Child
  /** Of a consumer: what it saw, by subscription. */
  readonly subscriptions: Map<string, Subscribed>
  /** Of a producer: how many RECEIPTs came, and how many SENDs were begun. */
  receipts: number
  begun: number
  /** Its turn among all starts and ends, and that of its end, once all that it wrote was read. */
  readonly startedAt: number
  endedAt: number
  /** It ended when it was told to, and its last RECEIPT came. */
  isDone: boolean
  /** A worker was killed while it was there: its own, for all that is known. */
  mayBeCut: boolean
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
  outcome: Outcome | undefined
  /** Its turn among what was settled in its subscription; what was settled after good-bye has none. */
  turn: number
  /** Its ACK had its RECEIPT. */
  isCounted: boolean
}

type Outcome = 'ack' | 'nack' | 'reject'

/** A message that was left in a queue. */
export interface Left {
  readonly id: string
  readonly text: string
  readonly redelivered: boolean
}

/** How many deliveries a worker may have that it has not told the primary of, for each subscription. */
const CREDIT = 128

/** A delivery, and who saw it where. */
interface Sighting {
  readonly client: Client
  readonly subscription: string
  readonly at: number
  readonly seen: Seen
  /** The queue knows for certain what the consumer did with it. */
  readonly isSettled: boolean
}

/** One message, and all that is known of it. */
interface Trace {
  readonly name: string
  readonly producer: Client
  readonly number: number
  readonly ids: Set<string>
  readonly sightings: Sighting[]
  readonly places: { readonly queue: string; readonly redelivered: boolean }[]
}

/**
 * Knows no more than a client can. What nobody can know, it allows:
 *
 * - An ACK counted for certain if its RECEIPT came, or its client ended well, or got so many deliveries afterwards that its
 *   prefetch leaves no doubt. Otherwise it may have got lost with the connection: then the message is delivered again.
 * - What was on its way to a consumer that was killed, or whose worker was, is seen by nobody and comes again as
 *   redelivered; with `auto` it is gone. Whoever had it saw nothing of its producer that is younger, as a queue delivers in
 *   order; and no more than its prefetch can have been on the way to it.
 * - A worker may be killed when it has written deliveries to an `auto` subscription, and before it has told the primary, which
 *   delivers them again: the last that the client saw, and no more than the worker has credit for.
 */
export class ClientLedger {
  /** What is wrong, each a sentence. */
  readonly faults: string[] = []
  readonly clients = new Map<string, Client>()
  /** RECEIPTs that producers wrote down, for queues whose messages are acknowledged. */
  receipted = 0
  readonly #traces = new Map<string, Map<number, Trace>>()
  /** Producers whose messages may have come out of a store, redelivered whether they were delivered or not. */
  readonly #recovered = new Set<string>()
  /** The youngest that each consumer saw in a subscription, by producer. */
  readonly #youngest = new Map<string, number>()
  /** By queue: messages whose first delivery was seen by nobody. */
  readonly #missed = new Map<string, number>()
  #turn = 0

  /** Adds a client. */
  add(role: Role, name: string, child: Child): Client {
    const client: Client = {
      ...{ role, name, child, subscriptions: new Map(), receipts: 0, begun: 0 },
      ...{ startedAt: ++this.#turn, endedAt: Number.POSITIVE_INFINITY },
      ...{ isDone: false, mayBeCut: false, isLeaving: false },
    }
    this.clients.set(name, client)
    return client
  }

  /** A client is gone, and all that it wrote was read. */
  ended(client: Client, isDone: boolean): void {
    client.endedAt = ++this.#turn
    client.isDone = isDone
  }

  /** A worker is killed in this turn. */
  workerKilled(): void {
    for (const client of this.clients.values()) if (client.endedAt === Number.POSITIVE_INFINITY) client.mayBeCut = true
  }

  /** A producer wrote a line. */
  sent(client: Client, line: string): void {
    if (line.startsWith('begun ')) {
      client.begun = Number(line.slice('begun '.length))
      return
    }
    client.receipts++
    if (Number(line) !== client.receipts) this.faults.push(`${client.name} got receipt ${line} out of order`)
    if (queueFor(client.receipts) !== AUTO) this.receipted++
  }

  /** A consumer wrote a line. */
  took(client: Client, line: string): void {
    const [word = '', subscription = '', id = '', redelivered, whole, producer = '', number] = line.split(' ')
    if (word === 'leaves') client.isLeaving = true
    if (word === 'leaves') return
    const subscribed = client.subscriptions.get(subscription) ?? { all: [], settled: 0 }
    client.subscriptions.set(subscription, subscribed)
    if (word === 'counted') this.#counted(client, subscribed, id)
    else if (word !== 'saw') this.#settled(client, subscribed, { subscription, id, outcome: word as Outcome })
    else {
      const isWhole = whole === 'whole'
      const seen = { id, producer, number: Number(number), redelivered: redelivered === 'true', isWhole }
      subscribed.all.push({ ...seen, outcome: undefined, turn: 0, isCounted: false })
    }
  }

  /** The broker was closed: whatever was sent by now may come out of its store. */
  restarted(): void {
    for (const name of this.clients.keys()) this.#recovered.add(name)
  }

  /** Adds up, with what is left in each queue; once all clients have ended. */
  balance(left: ReadonlyMap<string, readonly Left[]>): void {
    for (const [queue, all] of left) for (const one of all) this.#found(queue, one)
    for (const client of this.clients.values()) this.#collect(client)
    for (const client of this.clients.values()) this.#checkOrder(client)
    for (const client of this.clients.values()) this.#checkProducer(client)
    this.#checkMissed()
  }

  /** How many messages there were, left traces of an end, and of being delivered more than once. */
  get counts() {
    const traces = [...this.#traces.values()].flatMap((ofOne) => [...ofOne.values()])
    return {
      traced: traces.length,
      settled: traces.filter(({ sightings }) => sightings.some(({ isSettled }) => isSettled)).length,
      deadLettered: traces.filter(({ places }) => places.some(({ queue }) => queue === DEAD_LETTERS)).length,
      redelivered: traces.filter(({ sightings }) => sightings.some(({ seen }) => seen.redelivered)).length,
      missed: [...this.#missed.values()].reduce((sum, count) => sum + count, 0),
    }
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
      if (!isLeaving) seen.turn = ++subscribed.settled
    }
  }

  #counted({ name }: Client, { all }: Subscribed, id: string): void {
    const seen = all.findLast((each) => each.id === id && each.outcome === 'ack')
    if (seen === undefined || seen.isCounted) this.faults.push(`${name} got a RECEIPT for an ACK of ${id}`)
    else seen.isCounted = true
  }

  #found(queue: string, { id, text, redelivered }: Left): void {
    const { producer, number } = senderOf(text)
    const trace = this.#trace(producer, number)
    if (!isWhole(text)) this.faults.push(`${id} in ${queue} is not as it was sent`)
    if (trace === undefined) return
    trace.ids.add(id)
    trace.places.push({ queue, redelivered })
    if (queue !== DEAD_LETTERS && queue !== queueFor(number)) this.faults.push(`${trace.name} is in ${queue}`)
  }

  #collect(client: Client): void {
    for (const [subscription, { all }] of client.subscriptions) {
      const { queue, prefetch = Number.POSITIVE_INFINITY, confirms = false } = useOf(subscription)
      for (const [at, seen] of all.entries()) {
        const { id, producer, number, isWhole } = seen
        if (!isWhole) this.faults.push(`${client.name} saw ${id}, and not as it was sent`)
        const trace = this.#trace(producer, number)
        if (trace === undefined) continue
        if (queueFor(number) !== queue) this.faults.push(`${client.name} saw ${trace.name} in ${queue}`)
        const isSettled = seen.turn > 0 && (client.isDone || seen.isCounted || seen.turn <= all.length - prefetch)
        if (confirms && client.isDone && seen.turn > 0 && seen.isCounted !== (seen.outcome === 'ack'))
          this.faults.push(`${client.name} left, and had no RECEIPT for its ACK of ${id}`)
        trace.ids.add(id)
        trace.sightings.push({ client, subscription, at, seen, isSettled })
        const key = `${client.name} ${queue} ${producer}`
        this.#youngest.set(key, Math.max(number, this.#youngest.get(key) ?? 0))
      }
    }
  }

  /** What a producer sent is there from the first on without a gap, and whatever was receipted is among that. */
  #checkProducer(producer: Client): void {
    const traces = this.#traces.get(producer.name)
    const last = [...(traces?.keys() ?? [])].reduce((most, number) => Math.max(most, number), producer.receipts)
    if (last > producer.begun)
      this.faults.push(`of ${producer.name} there is ${last}, and ${producer.begun} were begun`)
    for (let number = 1; number <= last; number++) {
      const trace = traces?.get(number) ?? traceOf(producer, number)
      if (trace.ids.size > 1) this.faults.push(`${trace.name} was accepted as ${[...trace.ids].join(' and ')}`)
      this.#checkDeliveries(trace)
      if (queueFor(number) === AUTO) this.#checkAuto(trace)
      else this.#checkPlace(trace)
    }
  }

  /** First deliveries of one producer come in its order; what came back as if it had never been out comes late. */
  #checkOrder({ name, subscriptions }: Client): void {
    for (const [subscription, { all }] of subscriptions) {
      const last = new Map<string, number>()
      for (const { producer, number, redelivered } of all) {
        const before = last.get(producer) ?? 0
        const trace = this.#traces.get(producer)?.get(number)
        if (redelivered || trace === undefined) continue
        if (number < before && !this.#mayHaveBeenOut(trace, ({ endedAt }) => endedAt < Number.POSITIVE_INFINITY))
          this.faults.push(`${name} saw ${trace.name} out of order in subscription ${subscription}`)
        last.set(producer, Math.max(before, number))
      }
    }
  }

  /** One delivery is the first, or it was on its way to somebody who ended; all others say that they are not. */
  #checkDeliveries(trace: Trace): void {
    const { name, sightings, places, number } = trace
    const firsts = sightings.filter(({ seen }) => !seen.redelivered).length
    if (firsts > 1) this.faults.push(`${name} was delivered for the first time ${firsts} times`)
    const left = places.find(({ queue }) => queue !== DEAD_LETTERS)
    if (left?.redelivered === false && sightings.length > 0)
      this.faults.push(`${name} was delivered, and is left as if it never had been`)
    const isMissed = firsts === 0 && (sightings.length > 0 || places.some(({ redelivered }) => redelivered))
    if (!isMissed || this.#recovered.has(trace.producer.name)) return
    if (!this.#mayHaveBeenOut(trace, ({ isDone }) => !isDone))
      this.faults.push(`${name} is redelivered, and was on its way to nobody who was lost`)
    const queue = queueFor(number)
    this.#missed.set(queue, 1 + (this.#missed.get(queue) ?? 0))
  }

  /** It is in one place: acknowledged, in its queue, or given up. */
  #checkPlace({ name, sightings, places }: Trace): void {
    const acknowledged = sightings.filter(({ seen }) => seen.outcome === 'ack')
    const settled = sightings.filter(({ seen, isSettled }) => isSettled && seen.outcome !== 'nack')
    const told = `${name} is in ${places.map(({ queue }) => queue).join(', ') || 'no queue'}, and was ${
      sightings.map(({ client, seen }) => `${seen.outcome ?? 'taken'} by ${client.name}`).join(', ') || 'seen by nobody'
    }`
    if (places.length > 1 || (places.length === 0 && acknowledged.length === 0)) this.faults.push(told)
    for (const end of settled) {
      const isRight = end.seen.outcome === 'ack' ? places.length === 0 : places[0]?.queue === DEAD_LETTERS
      if (!isRight || settled.length > 1) this.faults.push(`${told}: ${end.client.name} had ended it`)
      if (sightings.some((other) => isAfter(other, end))) this.faults.push(`${told}: it was delivered after its end`)
    }
  }

  /** It was delivered once, or is in its queue, or was on its way to somebody who was lost. */
  #checkAuto(trace: Trace): void {
    const { name, sightings, places } = trace
    const untold = sightings.filter(
      ({ client, subscription, at }) =>
        client.mayBeCut && !client.isDone && at >= (client.subscriptions.get(subscription)?.all.length ?? 0) - CREDIT,
    ).length
    const known = sightings.length + places.length
    if (known - untold > 1 || places.length > 1)
      this.faults.push(`${name} was delivered ${sightings.length} times, and is in ${places.length} queues`)
    if (known === 0 && !this.#mayHaveBeenOut(trace, ({ isDone }) => !isDone))
      this.faults.push(`${name} is nowhere, and was on its way to nobody who was lost`)
  }

  /** Consumers who were lost had no more on the way than their prefetch, less what they had seen and not settled. */
  #checkMissed(): void {
    for (const [at, { queue, prefetch }] of QUEUES.entries()) {
      if (prefetch === undefined) continue
      let most = 0
      for (const { role, isDone, subscriptions } of this.clients.values()) {
        if (role === 'producer' || isDone) continue
        const all = subscriptions.get(String(at))?.all ?? []
        most += prefetch - all.filter(({ outcome }) => outcome === undefined).length
      }
      const missed = this.#missed.get(queue) ?? 0
      if (missed > most)
        this.faults.push(`${missed} of ${queue} were first seen as redelivered, ${most} were on the way`)
    }
  }

  /** Whether it may have been on its way to such a consumer, who saw nothing of it. */
  #mayHaveBeenOut({ producer, number }: Trace, isSuch: (client: Client) => boolean): boolean {
    const queue = queueFor(number)
    for (const client of this.clients.values()) {
      if (client.role === 'producer' || !isSuch(client) || client.endedAt < producer.startedAt) continue
      if ((this.#youngest.get(`${client.name} ${queue} ${producer.name}`) ?? 0) < number) return true
    }
    return false
  }

  #trace(name: string, number: number): Trace | undefined {
    const producer = this.clients.get(name)
    if (producer === undefined || !Number.isInteger(number)) {
      this.faults.push(`there is a message of ${name}, number ${number}: nobody sent that`)
      return undefined
    }
    const ofOne = this.#traces.get(name) ?? new Map<number, Trace>()
    this.#traces.set(name, ofOne)
    const trace = ofOne.get(number) ?? traceOf(producer, number)
    ofOne.set(number, trace)
    return trace
  }
}

function traceOf(producer: Client, number: number): Trace {
  const name = `${producer.name}'s ${number}`
  return { name, producer, number, ids: new Set(), sightings: [], places: [] }
}

/** Whether one delivery is known to have been made after another. */
function isAfter(one: Sighting, other: Sighting): boolean {
  if (one === other) return false
  if (!other.seen.redelivered) return true
  return one.client === other.client && one.subscription === other.subscription && one.at > other.at
}

function useOf(subscription: string): (typeof QUEUES)[number] {
  const use = QUEUES[Number(subscription)]
  if (use === undefined) throw new Error(`nobody has subscription ${subscription}`)
  return use
}
