/** A store that fails or is late: what was asked is refused whole, and the queues are as they were. */

import { expect } from 'vitest'
import { type Fate, FaultyStore } from '../support/faulty-store.js'
import { Heard } from '../support/heard.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'
import type { WireClient } from '../support/wire-client.js'

const QUEUE = '/queue/kept'
const MIB = 1024 * 1024

/** A broker over a store that can be commanded. */
async function stored({ open }: Env, options: Parameters<Env['open']>[0] = {}) {
  const store = new FaultyStore()
  const broker = await open({ ...options, store })
  return { store, broker }
}

/** A client with one unacknowledged delivery. */
async function holding({ connect }: Env, body = 'a') {
  const client = await connect()
  await client.confirm('SEND', { destination: QUEUE }, body)
  await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client' })
  const { headers } = await client.frame('MESSAGE')
  return { client, id: headers.ack ?? '' }
}

/** What a new consumer gets, with a plus where it was delivered before. */
async function left({ connect }: Env, destination = QUEUE): Promise<string[]> {
  const consumer = await connect()
  await consumer.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client' })
  await consumer.roundTrip()
  const got = consumer.received.map(({ text, headers }) => (headers.redelivered === 'true' ? `${text}+` : text))
  await consumer.disconnect()
  return got
}

/** Lets the store take whatever it is given, until something is true. */
async function answering({ until }: Env, store: FaultyStore, isTrue: () => boolean): Promise<void> {
  await until(() => {
    for (const answer of store.answers.splice(0)) answer.resolve()
    return isTrue()
  })
}

const kinds: readonly {
  readonly name: string
  /** What a client asks while the store fails; it has one delivery, of that id. */
  run(client: WireClient, id: string): void
}[] = [
  {
    name: 'a SEND',
    run: (client) => client.send('SEND', { destination: '/queue/other', receipt: 'r' }, 'b'),
  },
  { name: 'an ACK', run: (client, id) => client.send('ACK', { id, receipt: 'r' }) },
  {
    name: 'a NACK that moves to the dead letters',
    run: (client, id) => client.send('NACK', { id, requeue: 'false', receipt: 'r' }),
  },
  {
    name: 'a NACK that is one too many',
    run: (client, id) => client.send('NACK', { id, receipt: 'r' }),
  },
  {
    name: 'a COMMIT',
    run: (client, id) => {
      client.send('BEGIN', { transaction: 't' })
      client.send('SEND', { destination: QUEUE, transaction: 't' }, 'b')
      client.send('SEND', { destination: '/queue/other', transaction: 't' }, 'c')
      client.send('ACK', { id, transaction: 't' })
      client.send('COMMIT', { transaction: 't', receipt: 'r' })
    },
  },
]

for (const fate of ['throws', 'rejects', 'later'] satisfies Fate[]) {
  overMemory(`a store that ${fate === 'later' ? 'rejects late' : fate}`, (test) => {
    for (const { name, run } of kinds) {
      test(`refuses ${name}, and nothing of it is done`, async (env) => {
        const { store, broker } = await stored(env, {
          // The session that fails loses what it has in hand besides; that is not to be too much.
          destinations: [{ match: QUEUE, maxDeliveries: name === 'a SEND' ? 2 : 1 }],
        })
        const { client, id } = await holding(env)
        const heard = new Heard(broker)
        store.fate = fate
        const before = store.batches.length
        run(client, id)
        if (fate === 'later') {
          await env.until(() => store.answers.length === 1)
          expect(client.received.filter(({ headers }) => headers['receipt-id'] === 'r')).toEqual([])
          store.fate = 'now'
          store.answers[0]?.reject(store.failure)
        }
        const error = await client.error('store-failed', { 'receipt-id': 'r' })
        expect(error.text).not.toContain('disk')
        expect(store.batches.length).toBeGreaterThan(before)
        store.fate = 'now'
        expect(env.faults.splice(0)).toContain(store.failure)
        // Neither the queue nor the store knows anything of it; nobody was told that it was done.
        expect(heard.of('acknowledge')).toEqual([])
        expect(heard.of('send')).toEqual([])
        expect(await store.kept()).toEqual([`${QUEUE} a`])
        expect(broker.stats()).toMatchObject({ messages: 1, destinations: 1 })
      })
    }

    test('keeps what is acknowledged for others, in its place and marked', async (env) => {
      const { store } = await stored(env)
      const { client, id } = await holding(env)
      for (const body of ['b', 'c']) await client.confirm('SEND', { destination: QUEUE }, body)
      store.fate = fate
      client.send('ACK', { id })
      if (fate === 'later') {
        await env.until(() => store.answers.length === 1)
        store.answers[0]?.reject(store.failure)
      }
      store.fate = 'now'
      await env.until(() => client.isClosed)
      expect(await left(env)).toEqual(['a+', 'b+', 'c+'])
      expect(env.faults.splice(0)).toEqual([store.failure])
    })

    test('costs an auto consumer nothing: what it has is delivered, and comes again only after a restart', async (env) => {
      const { store, broker } = await stored(env)
      const consumer = await env.connect()
      await consumer.confirm('SUBSCRIBE', { id: '0', destination: QUEUE })
      broker.publish(QUEUE, 'a')
      await consumer.frame('MESSAGE')
      store.fate = 'now'
      const published = store.batches.length
      await env.until(() => store.batches.length >= published)
      await consumer.confirm('UNSUBSCRIBE', { id: '0' })
      await broker.publishConfirmed(QUEUE, 'b')
      store.fate = fate
      consumer.send('SUBSCRIBE', { id: '1', destination: QUEUE })
      await env.until(() => store.lines.at(-1) === `-${QUEUE}`)
      for (const answer of store.answers) answer.reject(store.failure)
      expect((await consumer.frame('MESSAGE')).text).toBe('b')
      await consumer.expectNothing()
      expect(broker.stats()).toMatchObject({ messages: 0 })
      expect(await store.kept()).toEqual([`${QUEUE} b`])
      expect(env.faults.splice(0)).toEqual([store.failure])
    })

    for (const deadLetterExpired of [true, false]) {
      test(`is asked again after a pause to let expired messages go, ${deadLetterExpired ? 'to the dead letters' : 'for good'}`, async (env) => {
        const { store, broker } = await stored(env, {
          destinations: [{ match: QUEUE, expiryMs: 1_000, deadLetterExpired }],
        })
        for (const body of ['a', 'b']) await broker.publishConfirmed(QUEUE, body)
        const consumer = await env.connect()
        const fail = async () => {
          await turn()
          for (const answer of store.answers.splice(0)) answer.reject(store.failure)
          await turn()
        }
        store.fate = fate
        const before = store.batches.length
        await env.clock.advance(1_500)
        await fail()
        await consumer.confirm('SUBSCRIBE', { id: '0', destination: QUEUE })
        await fail()
        await consumer.expectNothing()
        expect(broker.stats()).toMatchObject({ messages: 2 })
        expect(store.batches.length - before).toBe(1)
        for (let waits = 0; waits < 3; waits++) {
          await env.clock.advance(1_500)
          await fail()
        }
        // Once a second at most, whoever may want something of the queue.
        expect(store.batches.length - before).toBeLessThanOrEqual(6)
        store.fate = 'now'
        await env.clock.advance(1_500)
        await env.until(() => broker.stats().messages === (deadLetterExpired ? 2 : 0))
        await consumer.expectNothing()
        expect(await store.kept()).toEqual(deadLetterExpired ? ['/queue/dead-letter a', '/queue/dead-letter b'] : [])
        expect(new Set(env.faults.splice(0))).toEqual(new Set([store.failure]))
      })
    }

    test('keeps a queue as it is that would make room by dropping', async (env) => {
      const { store, broker } = await stored(env, {
        destinations: [{ match: QUEUE, maxMessages: 2, whenFull: 'drop-oldest' }],
      })
      for (const body of ['a', 'b']) await broker.publishConfirmed(QUEUE, body)
      store.fate = fate
      const refused = expect(broker.publishConfirmed(QUEUE, 'c')).rejects.toMatchObject({ code: 'store-failed' })
      for (const answer of store.answers) answer.reject(store.failure)
      await refused
      store.fate = 'now'
      expect(broker.stats()).toMatchObject({ messages: 2, destinations: 1 })
      // There is room for no more than before.
      await broker.publishConfirmed(QUEUE, 'd')
      expect(await left(env)).toEqual(['b', 'd'])
      expect(new Set(env.faults.splice(0))).toEqual(new Set([store.failure]))
    })

    test('gives the host its message again, which it had acknowledged', async (env) => {
      const { store, broker } = await stored(env)
      const heard = new Heard(broker)
      const got: string[] = []
      broker.subscribe(QUEUE, { ack: 'client-individual' }, (delivery) => {
        got.push(`${delivery.message.text()}${delivery.redelivered ? '+' : ''}`)
        store.fate = got.length === 1 ? fate : 'now'
        delivery.ack()
        for (const answer of store.answers.splice(0)) answer.reject(store.failure)
      })
      await broker.publishConfirmed(QUEUE, 'a')
      await env.until(() => got.length === 2 && broker.stats().messages === 0)
      expect(got).toEqual(['a', 'a+'])
      expect(heard.of('acknowledge')).toHaveLength(1)
      expect(env.faults.splice(0)).toEqual([store.failure])
    })
  })
}

overMemory('batches', (test) => {
  test('are one for a COMMIT, whatever it does, and none for an ABORT', async (env) => {
    const { store } = await stored(env)
    const { client, id } = await holding(env)
    const before = store.batches.length
    for (const transaction of ['aborted', 'done']) {
      await client.confirm('BEGIN', { transaction })
      for (const [destination, body] of [
        ['/queue/x', 'b'],
        ['/queue/y', 'c'],
        ['/topic/z', 'd'],
        ['/queue/x', 'e'],
      ] as const)
        client.send('SEND', { destination, transaction }, body)
      client.send('ACK', { id, transaction })
      await client.confirm(transaction === 'done' ? 'COMMIT' : 'ABORT', { transaction })
    }
    expect(store.lines.slice(before)).toEqual([`+/queue/x b, +/queue/y c, +/queue/x e, -${QUEUE}`])
  })

  test('are one for a move to the dead letters: rejected, tried too often, expired, dropped', async (env) => {
    const { store, broker } = await stored(env, {
      destinations: [
        { match: QUEUE, maxDeliveries: 1 },
        { match: '/queue/short', expiryMs: 1_000, deadLetterExpired: true },
        { match: '/queue/small', maxMessages: 1, whenFull: 'drop-oldest' },
      ],
    })
    const { client, id } = await holding(env, 'rejected')
    await client.confirm('NACK', { id, requeue: 'false' })
    await client.confirm('SEND', { destination: QUEUE }, 'tried')
    const { headers } = await client.frame('MESSAGE')
    await client.confirm('NACK', { id: headers.ack ?? '' })
    for (const body of ['1', '2']) await client.confirm('SEND', { destination: '/queue/short' }, body)
    await env.clock.advance(1_500)
    for (const body of ['3', '4']) await client.confirm('SEND', { destination: '/queue/small' }, body)
    const moves = store.lines.filter((line) => line.includes('dead-letter'))
    expect(moves).toEqual([
      `+/queue/dead-letter rejected, -${QUEUE}`,
      `+/queue/dead-letter tried, -${QUEUE}`,
      '+/queue/dead-letter 1, +/queue/dead-letter 2, -/queue/short, -/queue/short',
      '+/queue/dead-letter 3, -/queue/small',
    ])
    expect(broker.stats().messages).toBe(6)
  })

  test('are none for topics, and none where nothing is to be settled', async (env) => {
    const { store, broker } = await stored(env)
    const client = await env.connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a', ack: 'client' })
    broker.publish('/topic/a', 'x')
    await client.confirm('ACK', { id: (await client.frame('MESSAGE')).headers.ack ?? '' })
    await client.disconnect()
    expect(store.batches).toEqual([])
  })
})

overMemory('a late store', (test) => {
  test('is given each batch without waiting, and answered in the order of the frames', async (env) => {
    const { store } = await stored(env)
    store.fate = 'later'
    const producer = await env.connect()
    const consumer = await env.connect()
    consumer.send('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client-individual' })
    producer.send('SEND', { destination: QUEUE, receipt: '1' }, 'a')
    producer.send('SEND', { destination: '/topic/x', receipt: '2' }, 'b')
    producer.send('SEND', { destination: '/queue/other', receipt: '3' }, 'c')
    producer.send('SUBSCRIBE', { id: '0', destination: '/topic/x', receipt: '4' })
    producer.send('SEND', { destination: QUEUE, receipt: '5' }, 'd')
    await env.until(() => store.answers.length === 2)
    store.answers[1]?.resolve()
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(producer.received).toEqual([])
    await consumer.expectNothing()
    store.answers[0]?.resolve()
    for (const id of ['1', '2', '3', '4', '5']) await producer.frame('RECEIPT', { 'receipt-id': id })
    expect((await consumer.messages(2)).map(({ text }) => text)).toEqual(['a', 'd'])
  })

  test('ends a session with the first of its frames that fails, after the RECEIPTs of those before', async (env) => {
    const { store, broker } = await stored(env)
    store.fate = 'later'
    const producer = await env.connect()
    for (const [at, body] of ['1', '2', '3'].entries()) {
      producer.send('SEND', { destination: QUEUE, receipt: body }, body)
      await env.until(() => store.answers.length === at + 1)
    }
    store.answers[1]?.reject(store.failure)
    store.answers[2]?.resolve()
    store.answers[0]?.resolve()
    await producer.frame('RECEIPT', { 'receipt-id': '1' })
    await producer.error('store-failed', { 'receipt-id': '2' })
    // The third was stored before anybody knew: it is accepted, though its session is over.
    await env.until(() => broker.stats().messages === 2)
    store.fate = 'now'
    expect(await left(env)).toEqual(['1', '3'])
    expect(env.faults.splice(0)).toEqual([store.failure])
  })

  test('is given what comes while it is asked as one batch a turn, in order', async (env) => {
    const { store } = await stored(env)
    store.fate = 'later'
    const producers = [await env.connect(), await env.connect()]
    const bodies = Array.from({ length: 400 }, (_, at) => `${at}`)
    for (const [at, body] of bodies.entries())
      producers[at % 2]?.send('SEND', { destination: QUEUE, receipt: body }, body)
    await env.until(() => store.answers.length === 2)
    expect(store.batches.map(({ appends }) => appends.length)).toEqual([1, 399])
    await answering(env, store, () => producers.every(({ received }) => received.length === 200))
    for (const [at, body] of bodies.entries()) await producers[at % 2]?.frame('RECEIPT', { 'receipt-id': body })
    expect(await store.kept()).toEqual(bodies.map((body) => `${QUEUE} ${body}`))
    store.fate = 'now'
    expect(await left(env)).toEqual(bodies)
  })

  test('is given no more at once than 1,000 messages or 1 MiB, unless one COMMIT has more', async (env) => {
    const { store } = await stored(env, { limits: { unstoredBytes: 16 * MIB } })
    store.fate = 'later'
    const producer = await env.connect()
    await producer.confirm('BEGIN', { transaction: 't' })
    for (let count = 0; count < 1_500; count++)
      producer.send('SEND', { destination: '/queue/whole', transaction: 't' }, 'w')
    const small = Array.from({ length: 1_501 }, () => 's')
    const large = Array.from({ length: 4 }, () => 'l'.repeat(MIB / 2))
    for (const body of small) producer.send('SEND', { destination: QUEUE }, body)
    for (const body of large) producer.send('SEND', { destination: QUEUE }, body)
    producer.send('COMMIT', { transaction: 't', receipt: 'c' })
    await answering(env, store, () => producer.received.length > 0)
    await producer.frame('RECEIPT', { 'receipt-id': 'c' })
    expect(store.batches.map(({ appends }) => appends.length)).toEqual([1, 1_000, 501, 2, 1, 1_500])
  })

  test('fails a frame alone, and not those that it was asked for together with', async (env) => {
    const { store, broker } = await stored(env)
    store.fate = 'later'
    store.poison = 'bad'
    const [producer, neighbour] = [await env.connect(), await env.connect()]
    for (const body of ['first', 'before', 'bad', 'after'])
      (body === 'bad' ? producer : neighbour).send('SEND', { destination: QUEUE, receipt: body }, body)
    await env.until(() => store.answers.length === 2)
    // What comes now must not come before those that may be tried again.
    neighbour.send('SEND', { destination: QUEUE, receipt: 'later' }, 'later')
    for (let turns = 0; turns < 5; turns++) await turn()
    const line = (body: string) => `+${QUEUE} ${body}`
    const together = ['before', 'bad', 'after'].map(line).join(', ')
    expect(store.lines).toEqual([line('first'), together])
    await answering(env, store, () => broker.stats().messages === 4)
    await producer.error('store-failed', { 'receipt-id': 'bad' })
    const kept = ['first', 'before', 'after', 'later']
    for (const receipt of kept) await neighbour.frame('RECEIPT', { 'receipt-id': receipt })
    expect(store.lines).toEqual([line('first'), together, ...['before', 'bad', 'after', 'later'].map(line)])
    expect(await store.kept()).toEqual(kept.map((body) => `${QUEUE} ${body}`))
    store.fate = 'now'
    expect(await left(env)).toEqual(kept)
    expect(env.faults.splice(0)).toEqual([store.failure])
  })

  test('does nothing of a COMMIT of which it fails one message, and all that it was asked for together with', async (env) => {
    const { store, broker } = await stored(env)
    const { client, id } = await holding(env)
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    const producer = await env.connect()
    store.fate = 'later'
    store.poison = 'bad'
    await client.confirm('BEGIN', { transaction: 't' })
    for (const body of ['good', 'bad']) client.send('SEND', { destination: QUEUE, transaction: 't' }, body)
    client.send('ACK', { id, transaction: 't' })
    await client.roundTrip()
    const before = store.answers.length
    producer.send('SEND', { destination: QUEUE, receipt: 'r' }, 'b')
    client.send('COMMIT', { transaction: 't', receipt: 'c' })
    producer.send('SEND', { destination: QUEUE, receipt: 's' }, 'c')
    await env.until(() => store.answers.length === before + 2)
    await answering(env, store, () => broker.stats().messages === 3)
    await client.error('store-failed', { 'receipt-id': 'c' })
    for (const receipt of ['r', 's']) await producer.frame('RECEIPT', { 'receipt-id': receipt })
    expect(await store.kept()).toEqual(['a', 'b', 'c'].map((body) => `${QUEUE} ${body}`))
    store.fate = 'now'
    expect(await left(env)).toEqual(['a+', 'b', 'c'])
    expect(env.faults.splice(0)).toEqual([store.failure])
  })

  for (const fate of ['throws', 'rejects'] satisfies Fate[]) {
    test(`answers each frame with its ERROR when it ${fate} for all of them`, async (env) => {
      const { store, broker } = await stored(env)
      store.fate = 'later'
      const producers = [await env.connect(), await env.connect(), await env.connect()]
      for (const [at, producer] of producers.entries())
        producer.send('SEND', { destination: QUEUE, receipt: `${at}` }, `${at}`)
      store.fate = fate
      await env.until(() => store.batches.length === 4)
      store.answers[0]?.resolve()
      await producers[0]?.frame('RECEIPT', { 'receipt-id': '0' })
      for (const at of [1, 2]) await producers[at]?.error('store-failed', { 'receipt-id': `${at}` })
      store.fate = 'now'
      expect(broker.stats()).toMatchObject({ messages: 1 })
      expect(await store.kept()).toEqual([`${QUEUE} 0`])
      expect(env.faults.splice(0)).toEqual([store.failure, store.failure])
    })
  }

  test('finds a session gone whose frames it has, and they are done all the same', async (env) => {
    const { store, broker } = await stored(env)
    const { client, id } = await holding(env)
    store.fate = 'later'
    client.send('SEND', { destination: QUEUE }, 'b')
    client.send('ACK', { id })
    await env.until(() => store.answers.length === 2)
    client.abort()
    await env.until(() => client.isClosed)
    for (const answer of store.answers) answer.resolve()
    await env.until(() => broker.stats().messages === 1)
    store.fate = 'now'
    expect(await left(env)).toEqual(['b'])
  })

  test('fails the ACK of a session that is gone: the message is there for others', async (env) => {
    const { store } = await stored(env)
    const { client, id } = await holding(env)
    store.fate = 'later'
    client.send('ACK', { id })
    await env.until(() => store.answers.length === 1)
    client.abort()
    await env.until(() => client.isClosed)
    store.answers[0]?.reject(store.failure)
    store.fate = 'now'
    await env.until(() => env.faults.length === 1)
    expect(await left(env)).toEqual(['a+'])
    expect(env.faults.splice(0)).toEqual([store.failure])
  })

  test('is asked for no more than a session may have waiting, frames that store nothing included', async (env) => {
    const { store, broker } = await stored(env, { limits: { unstoredBytes: 10_000 } })
    const heard = new Heard(broker)
    store.fate = 'later'
    const client = await env.connect()
    client.send('SEND', { destination: QUEUE, receipt: 'first' }, 'x')
    const PAIRS = 500
    for (let at = 0; at < PAIRS; at++) {
      client.send('SUBSCRIBE', { id: '0', destination: '/topic/a', receipt: `s${at}` })
      client.send('UNSUBSCRIBE', { id: '0', receipt: `u${at}` })
      if (at % 10 === 0) await turn()
    }
    for (let turns = 0; turns < 20; turns++) await turn()
    expect(heard.of('subscribe').length).toBeGreaterThan(10)
    expect(heard.of('subscribe').length).toBeLessThan(100)
    store.answers[0]?.resolve()
    await client.frame('RECEIPT', { 'receipt-id': 'first' })
    await env.until(() => client.received.length === 2 * PAIRS)
    expect(client.received.every(({ command }) => command === 'RECEIPT')).toBe(true)
  })

  test('may give a promise of its own kind', async (env) => {
    // It has a then, and is no Promise of ours.
    const other = Object.fromEntries([['then', (resolve: () => void) => setImmediate(resolve)]])
    const broker = await env.open({
      store: { apply: () => other as unknown as Promise<void>, async *recover() {} },
    })
    await broker.publishConfirmed(QUEUE, 'a')
    expect(broker.stats().messages).toBe(1)
  })
})
