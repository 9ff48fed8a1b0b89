/** What may have been on its way to a consumer that ended, and was seen by nobody for that. */

import type { Client, Seen } from './client-notes.js'
import { QUEUES, type QueueUse, queueFor } from './load.js'

/** How many deliveries a worker may have that it has not told the primary of, for each subscription. */
export const CREDIT = 128

/**
 * How many of one subscription may have been written to a client and not read by it. Measured over all that were lost in a
 * run, it was up to 10 each with `auto`, and up to 60 each where there are three times as many messages.
 */
const ON_THE_WIRE = 128

/** How many more a producer may have begun than was read of it when a consumer's end was heard of: a busy machine reads late. */
const IN_PIPES = 1_000

/** A message of a producer. */
interface Sent {
  readonly producer: Client
  readonly number: number
}

/**
 * Whoever had a message first, and ended with it unseen,
 *
 * - was started before anybody saw it, or one of its producer that is younger, as a queue delivers in order;
 * - saw none of its producer that is younger itself;
 * - was there when the message was begun.
 *
 * And no more can have been on the way to all of them than their prefetch allows, or than there is room for.
 */
export class OnTheWay {
  readonly #consumers: readonly Client[]
  /** The youngest that each consumer saw in a queue, by producer. */
  readonly #youngest = new Map<string, number>()
  /** By queue and producer: in which turn each number was known to have been seen, or one that is younger. */
  readonly #seen = new Map<string, number[]>()
  /** By queue: the messages whose first delivery was seen by nobody. */
  readonly #missed = new Map<string, Set<string>>()

  constructor(clients: Iterable<Client>) {
    this.#consumers = [...clients].filter(({ role }) => role === 'consumer')
    for (const { name, subscriptions } of this.#consumers)
      for (const [subscription, { all }] of subscriptions)
        for (const seen of all) this.#saw(name, QUEUES[Number(subscription)]?.queue ?? '', seen)
    for (const turns of this.#seen.values()) spreadToOlder(turns)
  }

  /** How many messages nobody saw when they were delivered first. */
  get missed(): number {
    return [...this.#missed.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** Whether a message may have been on its way to somebody who was lost. Counts it among those that were missed. */
  mayBeMissed(sent: Sent): boolean {
    const queue = queueFor(sent.number)
    const missed = this.#missed.get(queue) ?? new Set()
    this.#missed.set(queue, missed.add(`${sent.producer.name} ${sent.number}`))
    return this.#mayHaveBeenOut(sent, ({ isDone }) => !isDone)
  }

  /** Whether it may have been on its way to somebody else whose end had begun in this turn, and come back untouched. */
  mayHaveComeBack(sent: Sent, turn: number): boolean {
    return this.#mayHaveBeenOut(sent, ({ lostAt }) => lostAt < turn)
  }

  /** What is wrong with the sums, each a sentence. */
  *faults(): Iterable<string> {
    const lost = this.#consumers.filter(({ isDone }) => !isDone)
    for (const [at, use] of QUEUES.entries()) {
      const most = lost.reduce((sum, client) => sum + roomOf(use, client.subscriptions.get(String(at))?.all ?? []), 0)
      const missed = this.#missed.get(use.queue)?.size ?? 0
      if (missed > most) yield `${missed} of ${use.queue} were seen by nobody at first, ${most} were on the way`
    }
  }

  #saw(name: string, queue: string, { producer, number, readAt }: Seen): void {
    const key = `${queue} ${producer}`
    const own = `${name} ${key}`
    this.#youngest.set(own, Math.max(number, this.#youngest.get(own) ?? 0))
    const turns = this.#seen.get(key) ?? []
    this.#seen.set(key, turns)
    turns[number] = Math.min(readAt, turns[number] ?? readAt)
  }

  #mayHaveBeenOut({ producer, number }: Sent, isSuch: (client: Client) => boolean): boolean {
    const key = `${queueFor(number)} ${producer.name}`
    const seenBy = this.#seen.get(key)?.[number] ?? Number.POSITIVE_INFINITY
    return this.#consumers.some(
      (client) =>
        isSuch(client) &&
        client.startedAt < seenBy &&
        number <= (client.begunByEnd.get(producer) ?? 0) + IN_PIPES &&
        (this.#youngest.get(`${client.name} ${key}`) ?? 0) < number,
    )
  }
}

/** What a younger one says holds for all older ones. */
function spreadToOlder(turns: number[]): void {
  let first = Number.POSITIVE_INFINITY
  for (let number = turns.length - 1; number > 0; number--) {
    first = Math.min(first, turns[number] ?? first)
    turns[number] = first
  }
}

/**
 * How many may have been on the way to a consumer that was lost; what it saw and did not settle takes of its prefetch. With
 * `auto`, the primary gives up only what a worker has written: what the worker still had comes back.
 */
function roomOf({ ack, prefetch }: QueueUse, all: readonly Seen[]): number {
  if (ack === 'auto') return ON_THE_WIRE
  if (prefetch === undefined) return CREDIT + ON_THE_WIRE
  return prefetch - all.filter(({ outcome }) => outcome === undefined).length
}
