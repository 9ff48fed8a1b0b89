/** What every Destination does: the cases that sessions rely on, those of a topic or those of a queue. */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import type { Delivery, Destination, Outcome, Recipient } from '@xtomp/core/ports'
import { type Contract, pause, until } from './contract.js'

/** A message, as destinations take it. */
export type DestinationMessage = Parameters<Destination['send']>[0]

/** How the cases get at an implementation. */
export interface DestinationHarness<R extends Recipient = Recipient, D extends Delivery = Delivery> {
  /** What it is: a `topic` hands each message to every subscription, a `queue` to one, and keeps it until it is settled. */
  readonly kind: 'topic' | 'queue'
  /** A destination that holds nothing and that nobody is subscribed to. */
  open(): Destination<R, D> | Promise<Destination<R, D>>
  /** A message with this body, told apart from all others by its id. */
  message(destination: Destination<R, D>, body: string): DestinationMessage
  /** A recipient of the kind that the destination takes, which does what `probe` does. */
  recipient(destination: Destination<R, D>, probe: Recipient): R
  /** Ends it; called at the end of each case. */
  close?(destination: Destination<R, D>): void | Promise<void>
}

/** The cases of the kind that the harness names. */
export function destinationContract<R extends Recipient, D extends Delivery>(
  harness: DestinationHarness<R, D>,
): readonly Contract[] {
  const cases = [...CASES, ...(harness.kind === 'topic' ? TOPIC_CASES : QUEUE_CASES)]
  return cases.map(([name, run]) => ({
    name,
    run: async () => {
      const destination = await harness.open()
      try {
        await run(benchOf(harness, destination))
      } finally {
        await harness.close?.(destination)
      }
    },
  }))
}

type Case = readonly [name: string, run: (bench: Bench) => Promise<void>]

const CASES: readonly Case[] = [
  [
    'says once that it has accepted a message',
    async ({ send }) => {
      for (const body of ['a', 'b']) await send(body)
    },
  ],
  [
    'says once that a subscription is active, before it hands it anything',
    async ({ subscribe, send }) => {
      await send('before')
      const subscriber = await subscribe()
      strictEqual(subscriber.handedEarly, 0)
    },
  ],
  [
    'hands messages over in the order in which they were sent',
    async ({ subscribe, send }) => {
      const subscriber = await subscribe()
      const bodies = Array.from({ length: 100 }, (_, at) => `${at}`)
      for (const body of bodies) await send(body)
      await subscriber.has(...bodies)
    },
  ],
  [
    'hands nothing to who has no room, and all of it, in its order, when he is resumed',
    async ({ subscribe, send }) => {
      const subscriber = await subscribe()
      subscriber.room = 1
      for (const body of ['a', 'b', 'c']) await send(body)
      await subscriber.has('a')
      subscriber.resume(1)
      await subscriber.has('a', 'b')
      subscriber.resume(10)
      await send('d')
      await subscriber.has('a', 'b', 'c', 'd')
    },
  ],
  [
    'hands nothing over when it is unsubscribed',
    async ({ subscribe, send }) => {
      const subscriber = await subscribe()
      await send('a')
      await subscriber.has('a')
      subscriber.unsubscribe()
      await send('b')
      await subscriber.has('a')
    },
  ],
  [
    'hands over a delivery to be settled where the subscription acknowledges, and says once that it is',
    async ({ subscribe, send }) => {
      const subscriber = await subscribe('client-individual')
      for (const body of ['a', 'b', 'c']) await send(body)
      await subscriber.has('a', 'b', 'c')
      await subscriber.settle(['b'], 'acknowledged')
      await subscriber.settle(['a', 'c'], 'acknowledged')
    },
  ],
]

const TOPIC_CASES: readonly Case[] = [
  [
    'hands each message to every subscription',
    async ({ subscribe, send }) => {
      const all = [await subscribe(), await subscribe('client'), await subscribe()]
      for (const body of ['a', 'b']) await send(body)
      for (const subscriber of all) await subscriber.has('a', 'b')
    },
  ],
  [
    'lets nobody wait for one who has no room',
    async ({ subscribe, send }) => {
      const [slow, other] = [await subscribe(), await subscribe()]
      slow.room = 0
      for (const body of ['a', 'b']) await send(body)
      await other.has('a', 'b')
      await slow.has()
    },
  ],
  [
    'keeps nothing for who subscribes later, nor what nobody has settled',
    async ({ subscribe, send }) => {
      await send('to nobody')
      const first = await subscribe('client')
      await send('unsettled')
      await first.has('unsettled')
      await first.settle(['unsettled'], 'returned')
      first.unsubscribe()
      const later = await subscribe()
      await later.has()
    },
  ],
]

const QUEUE_CASES: readonly Case[] = [
  [
    'keeps messages until somebody subscribes',
    async ({ subscribe, send }) => {
      for (const body of ['a', 'b']) await send(body)
      const subscriber = await subscribe()
      await subscriber.has('a', 'b')
    },
  ],
  [
    'hands each message to one subscription, and to each of them some',
    async ({ subscribe, send }) => {
      const [one, other] = [await subscribe(), await subscribe()]
      const bodies = Array.from({ length: 10 }, (_, at) => `${at}`)
      for (const body of bodies) await send(body)
      await until(() => one.bodies.length + other.bodies.length >= bodies.length, 'all messages')
      await pause()
      deepStrictEqual([...one.bodies, ...other.bodies].sort(), bodies)
      ok(one.bodies.length > 0 && other.bodies.length > 0, 'one of them got all')
    },
  ],
  [
    'has done with a message when it is acknowledged, or handed to who does not acknowledge',
    async ({ subscribe, send }) => {
      const first = await subscribe('client')
      await send('acknowledged')
      await first.has('acknowledged')
      await first.settle(['acknowledged'], 'acknowledged')
      await first.has('acknowledged')
      first.unsubscribe()
      const second = await subscribe()
      await send('not to be acknowledged')
      await second.has('not to be acknowledged')
      second.unsubscribe()
      await (await subscribe()).has()
    },
  ],
  [
    'leaves what is not settled with who had it, also when he has unsubscribed',
    async ({ subscribe, send }) => {
      const first = await subscribe('client')
      await send('a')
      await first.has('a')
      first.unsubscribe()
      const second = await subscribe()
      await second.has()
      await first.settle(['a'], 'acknowledged')
      await second.has()
    },
  ],
  [
    'hands over again what was negatively acknowledged, before what is newer, and says that it was delivered',
    async ({ subscribe, send }) => {
      const first = await subscribe('client-individual')
      first.room = 1
      for (const body of ['a', 'b']) await send(body)
      await first.has('a')
      strictEqual(first.isRedelivered('a'), false)
      first.unsubscribe()
      await first.settle(['a'], 'nacked')
      const second = await subscribe()
      await second.has('a', 'b')
      deepStrictEqual([second.isRedelivered('a'), second.isRedelivered('b')], [true, false])
    },
  ],
  [
    'takes back what a lost subscription had, in its order, before what is newer',
    async ({ subscribe, send }) => {
      const lost = await subscribe('client')
      lost.room = 3
      for (const body of ['a', 'b', 'c', 'd']) await send(body)
      await lost.has('a', 'b', 'c')
      lost.unsubscribe()
      await lost.settle(['a', 'b', 'c'], 'returned')
      await (await subscribe()).has('a', 'b', 'c', 'd')
    },
  ],
  [
    'does not hand over again what was rejected',
    async ({ subscribe, send }) => {
      const first = await subscribe('client')
      await send('a')
      await first.has('a')
      await first.settle(['a'], 'rejected')
      await first.has('a')
      first.unsubscribe()
      await (await subscribe()).has()
    },
  ],
]

/** What a case works with. */
interface Bench {
  /** Sends a message; resolves when it was accepted. */
  readonly send: (body: string) => Promise<void>
  /** Subscribes; resolves when it is active. */
  readonly subscribe: (ackMode?: Recipient['ackMode']) => Promise<Subscriber>
}

function benchOf<R extends Recipient, D extends Delivery>(
  harness: DestinationHarness<R, D>,
  destination: Destination<R, D>,
): Bench {
  return {
    send: (body) => completed((completion) => destination.send(harness.message(destination, body), completion)),
    subscribe: async (ackMode = 'auto') => {
      const subscriber: Subscriber = new Subscriber(ackMode, {
        resume: () => destination.resume(recipient),
        unsubscribe: () => destination.unsubscribe(recipient),
        // What it was handed is what the destination itself makes.
        settle: (deliveries, outcome) =>
          completed((completion) => destination.settle(deliveries as readonly D[], outcome, completion)),
      })
      const recipient = harness.recipient(destination, subscriber)
      await completed((completion) => {
        const done = (error?: Error): void => {
          subscriber.isActive = true
          completion.done(error)
        }
        destination.subscribe(recipient, { done })
      })
      return subscriber
    },
  }
}

/** Resolves when a completion was told, which must be once. */
async function completed(begin: (completion: { done(error?: Error): void }) => unknown): Promise<void> {
  const told: (Error | undefined)[] = []
  begin({ done: (error) => told.push(error) })
  await until(() => told.length > 0, 'the completion to be told')
  await pause()
  deepStrictEqual(told, [undefined])
}

interface SubscriberActions {
  resume(): void
  unsubscribe(): void
  settle(deliveries: readonly Delivery[], outcome: Outcome): Promise<void>
}

/** A recipient that notes what it is handed. */
class Subscriber implements Recipient {
  readonly ackMode: Recipient['ackMode']
  /** How many more it takes. */
  room = Number.POSITIVE_INFINITY
  isActive = false
  /** What it was handed before it was said to be active. */
  handedEarly = 0
  readonly #handed: { readonly body: string; readonly delivery: Delivery | undefined }[] = []
  readonly #actions: SubscriberActions

  constructor(ackMode: Recipient['ackMode'], actions: SubscriberActions) {
    this.ackMode = ackMode
    this.#actions = actions
  }

  get bodies(): readonly string[] {
    return this.#handed.map(({ body }) => body)
  }

  hasRoom(): boolean {
    return this.room > 0
  }

  deliver(message: DestinationMessage, delivery?: Delivery): void {
    if (!this.isActive) this.handedEarly++
    this.room--
    this.#handed.push({ body: message.text(), delivery })
  }

  /** Has been handed these, and no more. */
  async has(...bodies: readonly string[]): Promise<void> {
    await until(
      () => this.#handed.length >= bodies.length,
      `${bodies.length} messages, of which there are ${this.bodies}`,
    )
    await pause()
    deepStrictEqual(this.bodies, bodies)
  }

  isRedelivered(body: string): boolean | undefined {
    return this.#handed.find((each) => each.body === body)?.delivery?.isRedelivered
  }

  resume(room: number): void {
    this.room = room
    this.#actions.resume()
  }

  unsubscribe(): void {
    this.#actions.unsubscribe()
  }

  settle(bodies: readonly string[], outcome: Outcome): Promise<void> {
    const deliveries = this.#handed.flatMap(({ body, delivery }) =>
      bodies.includes(body) && delivery !== undefined ? [delivery] : [],
    )
    strictEqual(deliveries.length, bodies.length, 'it hands over a delivery with each message')
    return this.#actions.settle(deliveries, outcome)
  }
}
