/** A broker that opens with what the one before it had stored. */

import { createMemoryStore, Headers, type Store, type StoredEntry } from '@xtomp/core'
import { expect } from 'vitest'
import { FaultyStore } from '../support/faulty-store.js'
import { later } from '../support/later.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'
import { before } from './before.js'

const QUEUE = '/queue/kept'

function entry(body: string, queue = QUEUE, more: Partial<StoredEntry> = {}): StoredEntry {
  return {
    queue: `\0${queue}`,
    id: `before-${body}`,
    headers: Headers.none,
    body: new TextEncoder().encode(body),
    expiresAt: 0,
    isDeadLetter: false,
    ...more,
  }
}

/** A store that lists these pages. */
function listing(...pages: (readonly StoredEntry[])[]): Store {
  return {
    apply: () => undefined,
    async *recover() {
      yield* pages
    },
  }
}

/** All that a new consumer of a queue gets. */
async function consumed({ connect }: Env, destination = QUEUE) {
  const consumer = await connect()
  await consumer.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client-individual' })
  await consumer.roundTrip()
  return consumer.received
}

overMemory('recovery', (test) => {
  test('gives every queue its messages back, in order, marked as redelivered, with headers and ids', async (env) => {
    const store = createMemoryStore()
    const ids: string[] = []
    await before({ store }, async (broker) => {
      for (let at = 0; at < 10; at++) {
        broker.publish(QUEUE, String(at), { headers: { colour: 'blue', number: at } })
        broker.publish('/queue/other', `other ${at}`)
      }
      broker.subscribe(QUEUE, { ack: 'client-individual' }, (delivery) => {
        ids.push(delivery.message.id)
        // What is acknowledged does not come back.
        if (Number(delivery.message.text()) % 3 === 0) delivery.ack()
      })
      while (ids.length < 10) await turn()
    })
    const broker = await env.open({ store })
    const got = await consumed(env)
    expect(got.map(({ text }) => text)).toEqual(['1', '2', '4', '5', '7', '8'])
    for (const { text, headers } of got) {
      expect(headers).toMatchObject({
        redelivered: 'true',
        colour: 'blue',
        number: text,
        'message-id': ids[Number(text)],
      })
    }
    expect(broker.stats().messages).toBe(16)
    const other = await consumed(env, '/queue/other')
    expect(other.map(({ text }) => text)).toEqual(Array.from({ length: 10 }, (_, at) => `other ${at}`))
  })

  test('keeps old messages ahead of new ones, also when they come back', async (env) => {
    const broker = await env.open({ store: listing([entry('1'), entry('2')], [entry('3')]) })
    const client = await env.connect()
    for (const body of ['4', '5']) await client.confirm('SEND', { destination: QUEUE }, body)
    for (let times = 0; times < 2; times++) {
      const consumer = await env.connect()
      await consumer.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client' })
      expect((await consumer.messages(5)).map(({ text }) => text)).toEqual(['1', '2', '3', '4', '5'])
      await consumer.disconnect()
    }
    expect(broker.stats().messages).toBe(5)
  })

  test('keeps what was moved to the dead letters there, as dead letters', async (env) => {
    const store = new FaultyStore()
    await before({ store }, async (broker) => {
      broker.publish(QUEUE, 'dead')
      const [delivery] = await new Promise<[{ nack(options: { requeue: boolean }): void }]>((resolve) => {
        broker.subscribe(QUEUE, { ack: 'client' }, (given) => resolve([given]))
      })
      delivery.nack({ requeue: false })
    })
    expect(await store.kept()).toEqual(['/queue/dead-letter dead'])
    const broker = await env.open({ store, destinations: [{ match: '/queue/dead-letter', deadLetter: QUEUE }] })
    const client = await env.connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/dead-letter', ack: 'client' })
    const letter = await client.frame('MESSAGE', {
      'dead-letter-origin': QUEUE,
      'dead-letter-reason': 'rejected',
      'dead-letter-count': '1',
    })
    // It is not moved again, whatever the rule.
    await client.confirm('NACK', { id: letter.headers.ack ?? '', requeue: 'false' })
    expect(broker.stats()).toMatchObject({ messages: 0, destinations: 1 })
    expect(await store.kept()).toEqual([])
  })

  test('lets expire what was to expire, at its own time', async (env) => {
    const { clock } = env
    const at = (afterMs: number) => ({ expiresAt: clock.epoch() + afterMs })
    const store = listing([
      entry('gone', QUEUE, at(-1_000)),
      entry('soon', QUEUE, at(5_000)),
      entry('later', QUEUE, at(60_000)),
      entry('never'),
    ])
    const broker = await env.open({ store })
    await env.connect()
    await clock.advance(300)
    expect(broker.stats().messages).toBe(3)
    await clock.advance(6_000)
    expect((await consumed(env)).map(({ text }) => text)).toEqual(['later', 'never'])
  })

  test('takes all pages, 100,000 messages in one queue, in a time that grows as they do', async (env) => {
    const COUNT = 100_000
    const page = (from: number) => Array.from({ length: 1_000 }, (_, at) => entry(String(from + at)))
    const store: Store = {
      apply: () => undefined,
      async *recover() {
        for (let from = 0; from < COUNT; from += 1_000) yield page(from)
      },
    }
    const broker = await env.open({ store, destinations: [{ match: QUEUE, maxMessages: 10 }] })
    await env.until(() => broker.stats().messages === COUNT)
    // It is over its bound, and takes nothing more until it is not.
    await expect(broker.publishConfirmed(QUEUE, 'x')).rejects.toMatchObject({ code: 'queue-full' })
    let next = 0
    broker.subscribe(QUEUE, {}, ({ message }) => {
      if (message.text() === String(next)) next++
    })
    await env.until(() => broker.stats().messages === 0)
    await env.until(() => next === COUNT)
  })

  test('gives back more queues than there may be destinations, and names that are no longer allowed', async (env) => {
    const names = Array.from({ length: 20 }, (_, at) => `/queue/${at}`)
    const long = `/queue/${'n'.repeat(100)}`
    const broker = await env.open({
      store: listing(
        names.map((name) => entry('x', name)),
        [entry('y', long)],
      ),
      limits: { destinations: 3, destinationLength: 50 },
    })
    const client = await env.connect()
    expect(broker.stats()).toMatchObject({ destinations: 21, messages: 21 })
    for (const name of names) {
      await client.confirm('SUBSCRIBE', { id: name, destination: name })
      await client.frame('MESSAGE', { destination: name })
      await client.confirm('UNSUBSCRIBE', { id: name })
    }
    expect(broker.stats()).toMatchObject({ destinations: 1, messages: 1 })
    client.send('SUBSCRIBE', { id: '0', destination: long })
    await client.error('destination-too-long')
  })

  test('leaves in the store what belongs to a host that is gone, or to what is a topic now', async (env) => {
    const broker = await env.open({
      hosts: ['here'],
      destinations: [{ match: '/queue/topic', type: 'topic' }],
      store: listing([
        entry('a', QUEUE, { queue: `gone\0${QUEUE}` }),
        entry('b', '/queue/topic'),
        entry('c', QUEUE, { queue: `here\0${QUEUE}` }),
        entry('d'),
      ]),
    })
    const client = await env.client()
    client.send('CONNECT', { 'accept-version': '1.2', host: 'here' })
    await client.frame('CONNECTED')
    expect(broker.stats()).toMatchObject({ messages: 2, destinations: 2 })
    await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE })
    expect((await client.frame('MESSAGE')).text).toBe('c')
  })

  test('keeps clients waiting until it is done, and no longer', async (env) => {
    const gate = later()
    const broker = await env.open({
      store: {
        apply: () => undefined,
        async *recover() {
          yield [entry('a')]
          await gate.promise
          yield [entry('b')]
        },
      },
    })
    const client = await env.client()
    client.send('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
    client.send('SUBSCRIBE', { id: '0', destination: QUEUE })
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(client.received).toEqual([])
    expect(broker.stats().messages).toBe(1)
    gate.resolve()
    await client.frame('CONNECTED')
    expect((await client.messages(2)).map(({ text }) => text)).toEqual(['a', 'b'])
  })

  test('lists nothing that the host publishes while it is under way', async (env) => {
    const store = createMemoryStore()
    await before({ store }, async (broker) => {
      for (let at = 0; at < 2_500; at++) broker.publish(QUEUE, String(at))
      broker.publish('/queue/second', 'old')
    })
    const broker = await env.open({ store })
    broker.publish('/queue/second', 'new')
    broker.publish(QUEUE, 'new')
    await env.connect()
    expect(broker.stats().messages).toBe(2_503)
    const got = await consumed(env, '/queue/second')
    expect(got.map(({ text, headers }) => `${text} ${headers.redelivered ?? 'new'}`)).toEqual(['old true', 'new new'])
  })

  test('refuses every client, those who wait and those who come later, where the store cannot be read', async (env) => {
    const gate = later()
    const failure = new Error('no such table')
    await env.open({
      store: {
        apply: () => undefined,
        async *recover() {
          yield [entry('a')]
          await gate.promise
          throw failure
        },
      },
    })
    const clients = [await env.client(), await env.client()]
    clients[0]?.send('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
    await turn()
    gate.resolve()
    await clients[0]?.error('store-failed')
    clients[1]?.send('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
    await clients[1]?.error('store-failed')
    expect(env.faults.splice(0)).toEqual([failure])
  })

  test('ends when the broker is closed, without reading the rest', async (env) => {
    const gate = later()
    let pages = 0
    const broker = await env.open({
      store: {
        apply: () => undefined,
        async *recover() {
          for (; ; pages++) {
            yield [entry(String(pages))]
            await gate.promise
          }
        },
      },
    })
    const client = await env.client()
    client.send('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
    await turn()
    const closed = broker.close()
    await client.error('broker-closing')
    gate.resolve()
    await closed
    expect(pages).toBeLessThan(3)
  })

  test('closes the store last, once all that it was given is answered', async (env) => {
    const store = new FaultyStore()
    const broker = await env.open({ store })
    store.fate = 'later'
    const published = broker.publishConfirmed(QUEUE, 'a')
    const closed = broker.close()
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(store.isClosed).toBe(false)
    store.answers[0]?.resolve()
    await published
    await closed
    expect(store.isClosed).toBe(true)
    expect(await store.kept()).toEqual([`${QUEUE} a`])
  })
})
