/** Who of several consumers gets a queue's next message, and in which order each gets what it gets. */

import { expect } from 'vitest'
import { conformance, type Env } from '../support/suite.js'
import type { WireClient } from '../support/wire-client.js'

/** So many consumers of a queue, in the order in which they came. */
async function consumers({ connect }: Env, destination: string, prefetches: readonly number[]): Promise<WireClient[]> {
  const all: WireClient[] = []
  for (const prefetch of prefetches) {
    const client = await connect()
    const ack = 'client-individual'
    await client.confirm('SUBSCRIBE', { id: '0', destination, ack, 'prefetch-count': prefetch })
    all.push(client)
  }
  return all
}

async function fill({ connect }: Env, destination: string, count: number): Promise<void> {
  const producer = await connect()
  for (let at = 0; at < count; at++) await producer.confirm('SEND', { destination }, String(at))
}

async function textsOf(client: WireClient): Promise<string[]> {
  await client.roundTrip()
  return client.received.map(({ text }) => text)
}

conformance('competing consumers', (test) => {
  test('get a queue’s messages in turn', async (env) => {
    const destination = env.queue('turns')
    const clients = await consumers(env, destination, [100, 100, 100])
    await fill(env, destination, 9)
    expect(await Promise.all(clients.map(textsOf))).toEqual([
      ['0', '3', '6'],
      ['1', '4', '7'],
      ['2', '5', '8'],
    ])
  })

  test('are passed over while they have no room, and get the next when they have', async (env) => {
    const destination = env.queue('room')
    const clients = await consumers(env, destination, [1, 3, 2])
    await fill(env, destination, 8)
    expect(await Promise.all(clients.map(textsOf))).toEqual([['0'], ['1', '3', '5'], ['2', '4']])
    const [one, , other] = clients
    const first = await one?.frame('MESSAGE')
    await one?.confirm('ACK', { id: first?.headers.ack ?? '' })
    expect((await one?.frame('MESSAGE'))?.text).toBe('6')
    const second = await other?.frame('MESSAGE')
    await other?.confirm('NACK', { id: second?.headers.ack ?? '' })
    // Back at the head, it is the next for whoever has room: that is the same.
    const again = await other?.messages(2)
    expect(again?.map(({ text }) => text)).toEqual(['4', '2'])
  })

  test('wait for messages in the order in which they ran out of them', async (env) => {
    const destination = env.queue('waiting')
    const [one, other] = await consumers(env, destination, [100, 100])
    await fill(env, destination, 1)
    expect(await textsOf(one as WireClient)).toEqual(['0'])
    await fill(env, destination, 1)
    expect(await textsOf(other as WireClient)).toEqual(['0'])
  })

  test('lose their turn, and nothing else, when one of them leaves', async (env) => {
    const destination = env.queue('leaving')
    const [a, b, c] = (await consumers(env, destination, [100, 100, 100])) as [WireClient, WireClient, WireClient]
    await fill(env, destination, 4)
    for (const client of [a, b, c]) await client.roundTrip()
    await b.confirm('UNSUBSCRIBE', { id: '0' })
    await fill(env, destination, 4)
    expect(await textsOf(a)).toEqual(['0', '3', '1', '3'])
    expect(await textsOf(b)).toEqual(['1'])
    expect(await textsOf(c)).toEqual(['2', '0', '2'])
  })

  test('are two where one session has two subscriptions', async (env) => {
    const destination = env.queue('two')
    const client = await env.connect()
    for (const id of ['x', 'y']) await client.confirm('SUBSCRIBE', { id, destination })
    await fill(env, destination, 4)
    await client.roundTrip()
    expect(client.received.map(({ headers }) => headers.subscription)).toEqual(['x', 'y', 'x', 'y'])
  })

  test('see each producer’s messages in its order, whoever else sends', async (env) => {
    const destinations = [env.queue('order'), env.topic('order')]
    const consumer = await env.connect()
    for (const destination of destinations) await consumer.confirm('SUBSCRIBE', { id: destination, destination })
    const producers = [await env.connect(), await env.connect(), await env.connect()]
    for (let at = 0; at < 50; at++) {
      for (const [number, producer] of producers.entries())
        for (const destination of destinations) producer.send('SEND', { destination }, `${number} ${at}`)
    }
    const messages = await consumer.messages(300)
    for (const destination of destinations) {
      for (const number of producers.keys()) {
        const texts = messages
          .filter(({ text, headers }) => headers.destination === destination && text.startsWith(`${number} `))
          .map(({ text }) => text)
        expect(texts).toEqual(Array.from({ length: 50 }, (_, at) => `${number} ${at}`))
      }
    }
  })
})
