/** What producers and consumers wrote down, and what is left at the end: whether that adds up, wherever the broker runs. */

import type { Client, ClientNotes, Seen } from './client-notes.js'
import { AUTO, DEAD_LETTERS, isWhole, queueFor, senderOf, useOf } from './load.js'
import { CREDIT, OnTheWay } from './on-the-way.js'

/** A message that was left in a queue. */
export interface Left {
  readonly id: string
  readonly text: string
  readonly redelivered: boolean
}

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
 *   redelivered; with `auto` it is gone.
 * - A worker may be killed when it has written deliveries to an `auto` subscription, and before it has told the primary, which
 *   delivers them again: the last that the client saw, and no more than the worker has credit for.
 */
export class ClientLedger {
  /** What is wrong, each a sentence. */
  readonly faults: string[]
  readonly #clients: ReadonlyMap<string, Client>
  readonly #onTheWay: OnTheWay
  readonly #traces = new Map<string, Map<number, Trace>>()

  /** Judges by these notes, once all clients have ended. */
  constructor({ faults, clients }: ClientNotes) {
    this.faults = [...faults]
    this.#clients = clients
    this.#onTheWay = new OnTheWay(clients.values())
  }

  /** Adds up, with what is left in each queue. */
  balance(left: ReadonlyMap<string, readonly Left[]>): void {
    for (const [queue, all] of left) for (const one of all) this.#found(queue, one)
    for (const client of this.#clients.values()) this.#collect(client)
    for (const client of this.#clients.values()) this.#checkOrder(client)
    for (const client of this.#clients.values()) this.#checkProducer(client)
    this.faults.push(...this.#onTheWay.faults())
  }

  /** How many messages there were, left traces of an end, and of being delivered more than once. */
  get counts() {
    const traces = [...this.#traces.values()].flatMap((ofOne) => [...ofOne.values()])
    return {
      traced: traces.length,
      settled: traces.filter(({ sightings }) => sightings.some(({ isSettled }) => isSettled)).length,
      deadLettered: traces.filter(({ places }) => places.some(({ queue }) => queue === DEAD_LETTERS)).length,
      redelivered: traces.filter(({ sightings }) => sightings.some(({ seen }) => seen.redelivered)).length,
      missed: this.#onTheWay.missed,
    }
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
        const isSettled =
          seen.settledAs > 0 && (client.isDone || seen.isCounted || seen.settledAs <= all.length - prefetch)
        if (confirms && client.isDone && seen.settledAs > 0 && seen.isCounted !== (seen.outcome === 'ack'))
          this.faults.push(`${client.name} left, and had no RECEIPT for its ACK of ${id}`)
        trace.ids.add(id)
        trace.sightings.push({ client, subscription, at, seen, isSettled })
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
      for (const { producer, number, redelivered, readAt } of all) {
        const before = last.get(producer) ?? 0
        const trace = this.#traces.get(producer)?.get(number)
        if (redelivered || trace === undefined) continue
        if (number < before && !this.#onTheWay.mayHaveComeBack(trace, readAt))
          this.faults.push(`${name} saw ${trace.name} out of order in subscription ${subscription}`)
        last.set(producer, Math.max(before, number))
      }
    }
  }

  /** One delivery is the first, or it was on its way to somebody who ended; all others say that they are not. */
  #checkDeliveries(trace: Trace): void {
    const { name, sightings, places } = trace
    const firsts = sightings.filter(({ seen }) => !seen.redelivered).length
    if (firsts > 1) this.faults.push(`${name} was delivered for the first time ${firsts} times`)
    const left = places.find(({ queue }) => queue !== DEAD_LETTERS)
    if (left?.redelivered === false && sightings.length > 0)
      this.faults.push(`${name} was delivered, and is left as if it never had been`)
    const isMissed = firsts === 0 && (sightings.length > 0 || places.some(({ redelivered }) => redelivered))
    if (!isMissed || trace.producer.mayBeRecovered) return
    if (!this.#onTheWay.mayBeMissed(trace))
      this.faults.push(`${name} is redelivered, and was on its way to nobody who was lost`)
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
    if (known === 0 && !this.#onTheWay.mayBeMissed(trace))
      this.faults.push(`${name} is nowhere, and was on its way to nobody who was lost`)
  }

  #trace(name: string, number: number): Trace | undefined {
    const producer = this.#clients.get(name)
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
