/** A queue that is full: it refuses, drops what waits longest, or holds its producers, as its rule says. */

import { connectMemory, type Store } from '@xtomp/core'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { type Env, overMemory } from '../support/suite.js'
import { lateStore, turn } from '../support/variants.js'
import type { WireClient } from '../support/wire-client.js'

const QUEUE = '/queue/full'

/** Sends, asking for a receipt that is named like the body. */
function send(client: WireClient, body: string, destination = QUEUE): void {
  client.send('SEND', { destination, receipt: body }, body)
}

/** Lets everything that was sent be acted on. */
async function pass({ connect }: Env): Promise<void> {
  const other = await connect()
  for (let trips = 0; trips < 3; trips++) await other.roundTrip()
}

/** Takes the whole queue, in order. */
async function drained({ connect, until, broker }: Env, destination = QUEUE): Promise<string[]> {
  const consumer = await connect()
  consumer.send('SUBSCRIBE', { id: '0', destination })
  await until(() => broker.stats().messages === 0, 'an empty queue')
  await consumer.roundTrip()
  return consumer.received.map(({ text }) => text)
}

/** Acknowledges one message, whichever comes next. */
async function takeOne(consumer: WireClient): Promise<string> {
  const message = await consumer.frame('MESSAGE')
  await consumer.confirm('ACK', { id: message.headers.ack ?? '' })
  return message.text
}

overMemory('a queue that is full', (test) => {
  for (const whenFull of ['reject', 'hold', 'drop-oldest'] as const) {
    for (const [name, store] of [
      ['without a store', undefined],
      ['with a store that answers late', lateStore],
    ] as const) {
      test(`takes a COMMIT that acknowledges as many as it sends, with ${whenFull}, ${name}`, async (env) => {
        const options = store === undefined ? {} : { store: store() }
        const rule = { match: QUEUE, maxMessages: 2, whenFull, deadLetter: false } as const
        const broker = await env.open({ ...options, destinations: [rule] })
        for (const body of ['a', 'b']) await broker.publishConfirmed(QUEUE, body)
        const client = await env.connect()
        await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client-individual' })
        for (const next of ['c', 'd', 'e']) {
          const { headers } = await client.frame('MESSAGE')
          await client.confirm('BEGIN', { transaction: 't' })
          client.send('SEND', { destination: QUEUE, transaction: 't' }, next)
          client.send('ACK', { id: headers.ack ?? '', transaction: 't' })
          await client.confirm('COMMIT', { transaction: 't' })
        }
        await env.until(() => client.received.length === 2)
        expect(client.received.map(({ text }) => text)).toEqual(['d', 'e'])
        expect(broker.stats()).toMatchObject({ messages: 2, unacknowledged: 2 })
        // It is as full as before: nothing of what has left is still counted, and nothing that is there is not.
        if (whenFull !== 'hold')
          await expect(broker.publishConfirmed(QUEUE, 'f')).rejects.toMatchObject({ code: 'queue-full' })
      })
    }
  }

  test('has the place of what a COMMIT acknowledges no longer free once that has failed', async (env) => {
    const rules = [
      { match: QUEUE, maxMessages: 1 },
      { match: '/queue/none', maxMessages: 0 },
    ]
    const broker = await env.open({ destinations: rules })
    broker.publish(QUEUE, 'a')
    const client = await env.connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client' })
    const { headers } = await client.frame('MESSAGE')
    await client.confirm('BEGIN', { transaction: 't' })
    client.send('ACK', { id: headers.ack ?? '', transaction: 't' })
    for (const destination of [QUEUE, '/queue/none']) client.send('SEND', { destination, transaction: 't' }, 'x')
    client.send('COMMIT', { transaction: 't' })
    await client.error('queue-full')
    await expect(broker.publishConfirmed(QUEUE, 'b')).rejects.toMatchObject({ code: 'queue-full' })
    expect(await drained(env)).toEqual(['a'])
    await broker.publishConfirmed(QUEUE, 'c')
  })
})

overMemory('a queue that is full and rejects', (test) => {
  test('refuses the SEND, ends its session and keeps what it has', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, maxMessages: 2 }] })
    for (const body of ['a', 'b']) broker.publish(QUEUE, body)
    const producer = await env.connect()
    send(producer, 'c')
    await producer.error('queue-full', { 'receipt-id': 'c' })
    expect(await drained(env)).toEqual(['a', 'b'])
  })

  test('refuses a COMMIT of which one message has no room, and does nothing of it', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, maxMessages: 2 }] })
    broker.publish(QUEUE, 'a')
    const client = await env.connect()
    await client.confirm('BEGIN', { transaction: 't' })
    for (const destination of ['/queue/first', QUEUE, QUEUE, '/queue/last'])
      client.send('SEND', { destination, transaction: 't' }, 'x')
    client.send('COMMIT', { transaction: 't', receipt: 'r' })
    await client.error('queue-full', { 'receipt-id': 'r' })
    expect(broker.stats()).toMatchObject({ messages: 1, destinations: 1 })
    expect(await drained(env)).toEqual(['a'])
  })

  test('counts what is unacknowledged, too', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, maxMessages: 1 }] })
    broker.publish(QUEUE, 'a')
    const consumer = await env.connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client' })
    await expect(broker.publishConfirmed(QUEUE, 'b')).rejects.toMatchObject({ code: 'queue-full' })
    await takeOne(consumer)
    await broker.publishConfirmed(QUEUE, 'c')
  })
})

overMemory('a queue that is full and drops the oldest', (test) => {
  for (const [name, store] of [
    ['without a store', undefined],
    ['with a store that answers late', lateStore],
  ] as const) {
    test(`moves just as many as it must to the dead letters, ${name}`, async (env) => {
      const options = store === undefined ? {} : { store: store() }
      const broker = await env.open({
        ...options,
        destinations: [{ match: QUEUE, maxMessages: 3, whenFull: 'drop-oldest', deadLetter: '/queue/dead' }],
      })
      const heard = new Heard(broker)
      for (const body of ['a', 'b', 'c']) await broker.publishConfirmed(QUEUE, body)
      await Promise.all(['d', 'e'].map((body) => broker.publishConfirmed(QUEUE, body)))
      // With a store, what was to make room is moved once the message that needs it is stored.
      await env.until(() => heard.of('dead-letter').length === 2)
      expect(heard.of('dead-letter').map(({ message, reason }) => `${message.text()} ${reason}`)).toEqual([
        'a overflow',
        'b overflow',
      ])
      const consumer = await env.connect()
      await consumer.confirm('SUBSCRIBE', { id: '0', destination: QUEUE })
      expect((await consumer.messages(3)).map(({ text }) => text)).toEqual(['c', 'd', 'e'])
      await consumer.confirm('SUBSCRIBE', { id: '1', destination: '/queue/dead' })
      const [first] = await consumer.messages(2)
      expect(first?.text).toBe('a')
      expect(first?.headers).toMatchObject({
        'dead-letter-origin': QUEUE,
        'dead-letter-reason': 'overflow',
        'dead-letter-count': '0',
      })
      await env.until(() => broker.stats().messages === 0)
    })
  }

  for (const [name, store] of [
    ['without a store', undefined],
    ['with a store that answers late', lateStore],
  ] as const) {
    test(`ends after a COMMIT of more than it holds as after as many SENDs, ${name}`, async (env) => {
      const options = store === undefined ? {} : { store: store() }
      const rule = { match: QUEUE, maxMessages: 2, whenFull: 'drop-oldest', deadLetter: '/queue/dead' } as const
      const broker = await env.open({ ...options, destinations: [rule] })
      const heard = new Heard(broker)
      await broker.publishConfirmed(QUEUE, 'a')
      const client = await env.connect()
      await client.confirm('BEGIN', { transaction: 't' })
      for (const body of ['b', 'c', 'd']) client.send('SEND', { destination: QUEUE, transaction: 't' }, body)
      await client.confirm('COMMIT', { transaction: 't' })
      await env.until(() => heard.of('dead-letter').length === 2)
      expect(heard.of('dead-letter').map(({ message, reason }) => `${message.text()} ${reason}`)).toEqual([
        'a overflow',
        'b overflow',
      ])
      await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE })
      expect((await client.messages(2)).map(({ text }) => text)).toEqual(['c', 'd'])
      await client.confirm('SUBSCRIBE', { id: '1', destination: '/queue/dead' })
      expect((await client.messages(2)).map(({ text }) => text)).toEqual(['a', 'b'])
    })
  }

  for (const [name, fails] of [
    ['another queue refuses', { match: '/queue/other', maxMessages: 0 }],
    ['the store fails', undefined],
  ] as const) {
    test(`drops nothing for a COMMIT that ${name}`, async (env) => {
      const rule = { match: QUEUE, maxMessages: 2, whenFull: 'drop-oldest', deadLetter: '/queue/dead' } as const
      let isFailing = false
      const store: Store = {
        apply: async () => {
          if (isFailing) throw new Error('disk full')
        },
        async *recover() {},
      }
      const broker = await env.open(
        fails === undefined ? { destinations: [rule], store } : { destinations: [rule, fails] },
      )
      const heard = new Heard(broker)
      for (const body of ['a', 'b']) await broker.publishConfirmed(QUEUE, body)
      isFailing = true
      const client = await env.connect()
      await client.confirm('BEGIN', { transaction: 't' })
      client.send('SEND', { destination: QUEUE, transaction: 't' }, 'c')
      client.send('SEND', { destination: '/queue/other', transaction: 't' }, 'd')
      client.send('COMMIT', { transaction: 't', receipt: 'r' })
      await client.error(fails === undefined ? 'store-failed' : 'queue-full', { 'receipt-id': 'r' })
      isFailing = false
      env.faults.splice(0)
      expect(heard.of('dead-letter')).toEqual([])
      expect(await drained(env)).toEqual(['a', 'b'])
    })
  }

  test('drops nothing for a message that has no room even so', async (env) => {
    const rule = { match: QUEUE, maxMessages: 3, maxBytes: 2_000, whenFull: 'drop-oldest', deadLetter: false } as const
    const broker = await env.open({ destinations: [rule] })
    const heard = new Heard(broker)
    for (const body of ['a', 'b', 'c']) broker.publish(QUEUE, body.repeat(300))
    const consumer = await env.connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client', 'prefetch-count': 1 })
    // It would need the octets of the unacknowledged one, too.
    await expect(broker.publishConfirmed(QUEUE, 'd'.repeat(1_500))).rejects.toMatchObject({ code: 'queue-full' })
    await expect(broker.publishConfirmed(QUEUE, 'd'.repeat(5_000))).rejects.toMatchObject({ code: 'queue-full' })
    expect(heard.of('dead-letter')).toEqual([])
    expect(await takeOne(consumer)).toBe('a'.repeat(300))
    expect(await takeOne(consumer)).toBe('b'.repeat(300))
    expect(await takeOne(consumer)).toBe('c'.repeat(300))
  })
})

overMemory('a queue that is full and holds its producers', (test) => {
  /** A queue of one message that holds, a consumer that takes one at a time when it is told to. */
  async function holding(env: Env) {
    const broker = await env.open({ destinations: [{ match: QUEUE, maxMessages: 1, whenFull: 'hold' }] })
    broker.publish(QUEUE, 'first')
    const consumer = await env.connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client', 'prefetch-count': 1 })
    return { broker, consumer }
  }

  test('takes them in the order in which they came, one for each place', async (env) => {
    const { consumer } = await holding(env)
    const producers = [await env.connect(), await env.connect(), await env.connect()]
    for (const [at, producer] of producers.entries()) {
      send(producer, `held ${at}`)
      // Nothing behind a held frame is begun.
      send(producer, `behind ${at}`)
    }
    await pass(env)
    for (const producer of producers) expect(producer.received).toEqual([])
    const order = [await takeOne(consumer)]
    await producers[0]?.frame('RECEIPT', { 'receipt-id': 'held 0' })
    await pass(env)
    expect(producers[1]?.received).toEqual([])
    while (order.length < 7) order.push(await takeOne(consumer))
    expect(order).toEqual(['first', 'held 0', 'held 1', 'held 2', 'behind 0', 'behind 1', 'behind 2'])
    for (const [at, producer] of producers.entries()) {
      if (at > 0) await producer.frame('RECEIPT', { 'receipt-id': `held ${at}` })
      await producer.frame('RECEIPT', { 'receipt-id': `behind ${at}` })
    }
  })

  test('forgets one that leaves while it is held, whichever way, and what it had to send', async (env) => {
    const { broker, consumer } = await holding(env)
    const heard = new Heard(broker)
    const [gone, cut, stays] = [await env.connect(), await env.connect(), await env.connect()]
    for (const [producer, body] of [
      [gone, 'gone'],
      [cut, 'cut'],
      [stays, 'stays'],
    ] as const)
      send(producer, body)
    await pass(env)
    const held = broker.stats().bytes
    gone.abort()
    await env.until(() => heard.of('disconnect').some(({ reason }) => reason.code === 'peer-lost'))
    expect(broker.stats().bytes).toBeLessThan(held)
    cut.end()
    // A client that sends no more still wants to know: it stays in line.
    expect([await takeOne(consumer), await takeOne(consumer), await takeOne(consumer)]).toEqual([
      'first',
      'cut',
      'stays',
    ])
    await cut.frame('RECEIPT', { 'receipt-id': 'cut' })
    await stays.frame('RECEIPT', { 'receipt-id': 'stays' })
    expect(broker.stats().messages).toBe(0)
  })

  for (const receipt of [undefined, 'held'] as const) {
    const asking = receipt === undefined ? 'asks for no receipt' : 'asks for a receipt'
    test(`holds one that ${asking} though it is sent something meanwhile`, async (env) => {
      const { broker, consumer } = await holding(env)
      const heard = new Heard(broker)
      const [stays, gone] = [await env.connect(), await env.connect()]
      for (const producer of [stays, gone]) {
        await producer.confirm('SUBSCRIBE', { id: '0', destination: '/topic/news' })
        producer.send('SEND', { destination: QUEUE, ...(receipt && { receipt }) }, 'held')
        send(producer, 'behind')
      }
      await pass(env)
      broker.publish('/topic/news', 'meanwhile')
      for (const producer of [stays, gone]) expect((await producer.frame('MESSAGE')).text).toBe('meanwhile')
      // One that leaves leaves the line.
      gone.abort()
      await env.until(() => heard.of('disconnect').length === 1, 'the end of the one')
      expect(await takeOne(consumer)).toBe('first')
      if (receipt !== undefined) await stays.frame('RECEIPT', { 'receipt-id': receipt })
      for (const body of ['held', 'behind']) expect(await takeOne(consumer)).toBe(body)
      await stays.frame('RECEIPT', { 'receipt-id': 'behind' })
      expect(broker.stats().messages).toBe(0)
    })
  }

  test('takes nothing later of one that was ended while it was held', async (env) => {
    const broker = await env.open({
      destinations: [
        { match: QUEUE, maxMessages: 1, whenFull: 'hold' },
        { match: '/topic/fast', backlogBytes: 1_000 },
      ],
      limits: { unsentBytes: 1_000 },
    })
    broker.publish(QUEUE, 'first')
    const slow = await env.connect()
    await slow.confirm('SUBSCRIBE', { id: '0', destination: '/topic/fast' })
    send(slow, 'never')
    await pass(env)
    slow.pause()
    const heard = new Heard(broker)
    for (let sent = 0; heard.of('disconnect').length === 0 && sent < 1_000; sent++) {
      broker.publish('/topic/fast', 'x'.repeat(900))
      await turn()
    }
    expect(heard.of('disconnect').map(({ reason }) => reason.code)).toEqual(['slow-consumer'])
    slow.abort()
    expect(await drained(env)).toEqual(['first'])
  })

  test('holds a COMMIT, once, and does all of it when there is room for all', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, maxMessages: 2, whenFull: 'hold' }] })
    for (const body of ['a', 'b']) broker.publish(QUEUE, body)
    const consumer = await env.connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client', 'prefetch-count': 1 })
    const client = await env.connect()
    await client.confirm('BEGIN', { transaction: 't' })
    // The other queue is there for the transaction only: it must not be forgotten while that is held.
    for (const [destination, body] of [
      ['/queue/other', 'x'],
      [QUEUE, 'c'],
      [QUEUE, 'd'],
    ] as const)
      client.send('SEND', { destination, transaction: 't' }, body)
    client.send('COMMIT', { transaction: 't', receipt: 'done' })
    client.send('SEND', { destination: QUEUE }, 'behind')
    await pass(env)
    expect(await takeOne(consumer)).toBe('a')
    await pass(env)
    expect(client.received).toEqual([])
    expect(broker.stats()).toMatchObject({ messages: 1, destinations: 1 })
    expect(await takeOne(consumer)).toBe('b')
    await client.frame('RECEIPT', { 'receipt-id': 'done' })
    expect([await takeOne(consumer), await takeOne(consumer), await takeOne(consumer)]).toEqual(['c', 'd', 'behind'])
    expect(await drained(env, '/queue/other')).toEqual(['x'])
  })

  test('gives back what a COMMIT would have settled when its client leaves while it is held', async (env) => {
    const { broker, consumer: other } = await holding(env)
    await other.frame('MESSAGE')
    const client = await env.connect()
    await client.confirm('SEND', { destination: '/queue/jobs' }, 'job')
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/jobs', ack: 'client' })
    const { headers } = await client.frame('MESSAGE')
    const heard = new Heard(broker)
    await client.confirm('BEGIN', { transaction: 't' })
    client.send('ACK', { id: headers.ack ?? '', transaction: 't' })
    client.send('SEND', { destination: QUEUE, transaction: 't' }, 'x'.repeat(10_000))
    client.send('COMMIT', { transaction: 't', receipt: 'r' })
    await pass(env)
    const { bytes } = broker.stats()
    client.abort()
    await env.until(() => heard.of('disconnect').some(({ reason }) => reason.code === 'peer-lost'))
    expect(broker.stats().bytes).toBeLessThan(bytes - 10_000)
    // Nothing was settled, and nobody was told that it was.
    expect(heard.of('acknowledge')).toEqual([])
    const next = await env.connect()
    await next.confirm('SUBSCRIBE', { id: '0', destination: '/queue/jobs' })
    expect((await next.frame('MESSAGE', { redelivered: 'true' })).text).toBe('job')
    expect(broker.stats().messages).toBe(1)
  })

  test('asks whoever is behind one that leaves: it may need less', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, maxMessages: 2, whenFull: 'hold' }] })
    broker.publish(QUEUE, 'a')
    const [large, small] = [await env.connect(), await env.connect()]
    await large.confirm('BEGIN', { transaction: 't' })
    for (const body of ['b', 'c']) large.send('SEND', { destination: QUEUE, transaction: 't' }, body)
    large.send('COMMIT', { transaction: 't' })
    await pass(env)
    // Whoever comes later does not overtake.
    send(small, 'd')
    await pass(env)
    expect(small.received).toEqual([])
    large.abort()
    await small.frame('RECEIPT', { 'receipt-id': 'd' })
    expect(await drained(env)).toEqual(['a', 'd'])
  })

  test('lets nobody pass those who wait, though a consumer would take it at once', async (env) => {
    const { broker, consumer } = await holding(env)
    const { headers } = await consumer.frame('MESSAGE')
    await consumer.confirm('UNSUBSCRIBE', { id: '0' })
    const held = ['1', '2'].map((body) => broker.publishConfirmed(QUEUE, body))
    const auto = await env.connect()
    await auto.confirm('SUBSCRIBE', { id: '0', destination: QUEUE })
    held.push(broker.publishConfirmed(QUEUE, '3'))
    const client = await env.connect()
    await client.confirm('BEGIN', { transaction: 't' })
    client.send('SEND', { destination: QUEUE, transaction: 't' }, '4')
    client.send('COMMIT', { transaction: 't' })
    await pass(env)
    await auto.expectNothing()
    consumer.send('ACK', { id: headers.ack ?? '' })
    expect((await auto.messages(4)).map(({ text }) => text)).toEqual(['1', '2', '3', '4'])
    await Promise.all(held)
  })

  test('refuses a COMMIT that would wait for its own messages', async (env) => {
    await env.open({ destinations: [{ match: QUEUE, maxMessages: 1, whenFull: 'hold' }] })
    const client = await env.connect()
    await client.confirm('BEGIN', { transaction: 't' })
    for (const body of ['a', 'b']) client.send('SEND', { destination: QUEUE, transaction: 't' }, body)
    client.send('COMMIT', { transaction: 't' })
    await client.error('queue-full')
    expect(env.broker.stats().messages).toBe(0)
  })

  test('refuses a message that never has room at once, whatever is in the queue and whoever waits', async (env) => {
    const broker = await env.open({
      destinations: [
        { match: QUEUE, maxMessages: 1, maxBytes: 1_000, whenFull: 'hold' },
        { match: '/queue/none', maxMessages: 0, whenFull: 'hold' },
      ],
    })
    const refusal = async (destination: string) => {
      const producer = await env.connect()
      producer.send('SEND', { destination }, 'x'.repeat(1_001))
      await producer.error('queue-full')
    }
    await refusal('/queue/none')
    await refusal(QUEUE)
    broker.publish(QUEUE, 'first')
    await refusal(QUEUE)
    const held = broker.publishConfirmed(QUEUE, 'held')
    await refusal(QUEUE)
    expect(await drained(env)).toEqual(['first', 'held'])
    await held
  })

  test('lets a COMMIT that takes no more places than it leaves pass those who wait for room', async (env) => {
    const { broker, consumer } = await holding(env)
    const { headers } = await consumer.frame('MESSAGE')
    const held = broker.publishConfirmed(QUEUE, 'held')
    await consumer.confirm('BEGIN', { transaction: 't' })
    consumer.send('ACK', { id: headers.ack ?? '', transaction: 't' })
    consumer.send('SEND', { destination: QUEUE, transaction: 't' }, 'next')
    // The one that waits does so for this very acknowledgement.
    await consumer.confirm('COMMIT', { transaction: 't' })
    expect([await takeOne(consumer), await takeOne(consumer)]).toEqual(['next', 'held'])
    await held
  })

  test('counts what it holds back, and refuses it where the broker is full', async (env) => {
    const broker = await env.open({
      destinations: [{ match: QUEUE, maxMessages: 1, whenFull: 'hold' }],
      limits: { totalBytes: 100_000 },
    })
    broker.publish(QUEUE, 'first')
    const held = [1, 2, 3].map(() => broker.publishConfirmed(QUEUE, 'x'.repeat(40_000)))
    await expect(held[2]).rejects.toMatchObject({ code: 'memory-full' })
    expect(broker.stats().bytes).toBeGreaterThan(80_000)
    expect(await drained(env)).toHaveLength(3)
    await Promise.all(held.slice(0, 2))
    expect(broker.stats().messages).toBe(0)
  })

  test('takes a long line of producers without deepening the stack', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, maxMessages: 1, whenFull: 'hold' }] })
    const LINE = 20_000
    const held = Array.from({ length: LINE }, (_, at) => broker.publishConfirmed(QUEUE, String(at)))
    let taken = 0
    connectMemory(broker, {
      receive: (octets) => {
        for (const octet of octets) if (octet === 0) taken++
      },
    }).write(`CONNECT\naccept-version:1.2\nhost:/\n\n\0SUBSCRIBE\nid:0\ndestination:${QUEUE}\n\n\0`)
    await Promise.all(held)
    await env.until(() => taken === LINE + 1)
    await broker.close()
  })

  test('answers a producer that is still held when the broker is closed', async (env) => {
    const { broker, consumer } = await holding(env)
    await consumer.frame('MESSAGE')
    const producer = await env.connect()
    send(producer, 'held')
    const published = broker.publishConfirmed(QUEUE, 'of the host')
    const rejected = expect(published).rejects.toMatchObject({ code: 'broker-closing' })
    await pass(env)
    await broker.close()
    await producer.error('broker-closing')
    await rejected
  })
})
