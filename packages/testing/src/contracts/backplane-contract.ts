/** What every Backplane does: the cases that brokers rely on which behave as one. */

import { deepStrictEqual } from 'node:assert/strict'
import type { Headers } from '@xtomp/core'
import type { Backplane, BackplaneBroker, Completion } from '@xtomp/core/ports'
import { type Contract, pause, until } from './contract.js'

/** A message as the implementation's broker makes it: whatever `publish` takes. */
export type BackplaneMessage = Parameters<Backplane['publish']>[1]

/** How the cases get at an implementation. */
export interface BackplaneHarness {
  /** Connects brokers with each other: one backplane for each. */
  open(brokers: readonly BackplaneBroker[]): readonly Backplane[] | Promise<readonly Backplane[]>
  /** Makes a message. */
  message(destination: string, body: Uint8Array, headers?: Readonly<Record<string, string>>): BackplaneMessage
  /** Ends them; called at the end of each case. */
  close?(): void | Promise<void>
}

/** What a broker received. */
interface Received {
  readonly host: string
  readonly id: string
  readonly destination: string
  readonly text: string
  readonly octets: readonly number[]
  readonly headers: Headers
  readonly expiresAt: number
}

/** A broker that does nothing but remember. */
class Listener implements BackplaneBroker {
  readonly received: Received[] = []

  receive(host: string, { body, ...message }: Parameters<BackplaneBroker['receive']>[1]): void {
    this.received.push({ host, ...message, text: new TextDecoder().decode(body), octets: [...body] })
  }

  get texts(): readonly string[] {
    return this.received.map(({ text }) => text)
  }
}

/** What a case is given: three brokers, and what they are connected with. */
interface Three {
  readonly listeners: readonly [Listener, Listener, Listener]
  readonly backplanes: readonly [Backplane, Backplane, Backplane]
  subscribe(broker: number, name: string, isFirst?: boolean): Promise<void>
  publish(broker: number, destination: string, text: string): Promise<void>
}

const HOST = ''
const TOPIC = '/topic/prices.eu'

/** The cases. */
export function backplaneContract(harness: BackplaneHarness): readonly Contract[] {
  const named = (name: string, run: (three: Three) => Promise<void>): Contract => ({
    name,
    run: async () => {
      const listeners = [new Listener(), new Listener(), new Listener()] as const
      const backplanes = (await harness.open(listeners)) as unknown as Three['backplanes']
      const of = (broker: number): Backplane => backplanes[broker] as Backplane
      try {
        await run({
          listeners,
          backplanes,
          subscribe: (broker, name, isFirst = true) =>
            told((completion) => of(broker).subscribe(HOST, name, isFirst, completion)),
          publish: (broker, destination, text) =>
            told((completion) => {
              of(broker).publish(HOST, harness.message(destination, new TextEncoder().encode(text)), completion)
            }),
        })
      } finally {
        await harness.close?.()
      }
    },
  })
  return [
    named(
      'passes a message to every other broker that has a subscription to its topic, once, and not back',
      async (three) => {
        const [first, second, third] = three.listeners
        for (const broker of [0, 1, 2]) await three.subscribe(broker, TOPIC)
        await three.publish(0, TOPIC, 'one')
        await until(() => second.texts.length > 0 && third.texts.length > 0, 'the message')
        await pause()
        deepStrictEqual([first.texts, second.texts, third.texts], [[], ['one'], ['one']])
      },
    ),

    named('passes nothing to a broker without a subscription that the topic matches', async (three) => {
      const [, second, third] = three.listeners
      await three.subscribe(1, TOPIC)
      await three.subscribe(2, '/topic/other')
      await three.publish(0, TOPIC, 'one')
      await until(() => second.texts.length > 0, 'the message')
      await pause()
      deepStrictEqual(third.texts, [])
    }),

    named('passes a message once to a broker that has its name and patterns that match it', async (three) => {
      const [, second] = three.listeners
      for (const name of [TOPIC, '/topic/*.eu', '/topic/**']) await three.subscribe(1, name)
      await three.publish(0, TOPIC, 'one')
      await three.publish(0, '/topic/prices.us', 'two')
      await until(() => second.texts.includes('two'), 'the second message')
      deepStrictEqual(second.texts, ['one', 'two'])
    }),

    named('passes nothing more once a name or pattern has no subscription, and again once it has', async (three) => {
      const [, second, third] = three.listeners
      const [, backplane] = three.backplanes
      await three.subscribe(2, '/topic/**')
      for (const name of [TOPIC, '/topic/*.eu']) {
        await three.subscribe(1, name)
        backplane.unsubscribe(HOST, name)
      }
      // Behind these two, whatever they take.
      await three.subscribe(1, '/topic/end')
      await three.publish(0, TOPIC, 'unwanted')
      await three.subscribe(1, TOPIC)
      await three.publish(0, TOPIC, 'wanted')
      await until(() => second.texts.length > 0 && third.texts.length > 1, 'the last message')
      await pause()
      deepStrictEqual(second.texts, ['wanted'])
    }),

    named('is told of a subscription that is not the first, and says when it is active', async (three) => {
      const [, second] = three.listeners
      const both = [three.subscribe(1, TOPIC), three.subscribe(1, TOPIC, false)]
      await both[1]
      await three.publish(0, TOPIC, 'one')
      await until(() => second.texts.length > 0, 'the message')
      await Promise.all(both)
    }),

    named('keeps the order in which a broker published', async (three) => {
      const [, second, third] = three.listeners
      await three.subscribe(1, '/topic/**')
      await three.subscribe(2, TOPIC)
      const texts = Array.from({ length: 2_000 }, (_, at) => `${at}`)
      await Promise.all(texts.map((text, at) => three.publish(0, at % 3 === 0 ? '/topic/a' : TOPIC, text)))
      await until(() => second.texts.length >= texts.length, 'all messages')
      await pause()
      deepStrictEqual(second.texts, texts)
      deepStrictEqual(
        third.texts,
        texts.filter((_, at) => at % 3 !== 0),
      )
    }),

    named('passes id, headers with their repeats, octets and expiry as they are', async (three) => {
      const [, second] = three.listeners
      await three.subscribe(1, '/topic/ä.\u{1f600}')
      const body = Uint8Array.from({ length: 200_000 }, (_, at) => at * 7)
      const message = harness.message('/topic/ä.\u{1f600}', body, { 'ü\n': 'a:b\\', empty: '' })
      message.expiresAt = 1_893_456_000_123
      const { id, headers } = message
      await told((completion) => three.backplanes[0].publish(HOST, message, completion))
      // It was not to be kept beyond the call.
      body.fill(0)
      await until(() => second.received.length > 0, 'the message')
      const [received] = second.received
      deepStrictEqual(
        [received?.id, [...(received?.headers ?? [])], received?.expiresAt],
        [id, [...headers], 1_893_456_000_123],
      )
      deepStrictEqual(
        received?.octets,
        Array.from({ length: 200_000 }, (_, at) => (at * 7) & 255),
      )
    }),

    named('keeps virtual hosts apart', async (three) => {
      const [, second] = three.listeners
      await told((completion) => three.backplanes[1].subscribe('a', TOPIC, true, completion))
      await three.publish(0, TOPIC, 'elsewhere')
      const message = harness.message(TOPIC, new TextEncoder().encode('here'))
      await told((completion) => three.backplanes[0].publish('a', message, completion))
      await until(() => second.texts.length > 0, 'the message')
      await pause()
      deepStrictEqual(
        second.received.map(({ host, text }) => [host, text]),
        [['a', 'here']],
      )
    }),
  ]
}

/** Resolves when the completion is told that all is well. */
function told(begin: (completion: Completion) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    begin({ done: (error) => (error === undefined ? resolve() : reject(error)) })
  })
}
