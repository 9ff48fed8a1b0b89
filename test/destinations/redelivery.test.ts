/** What comes back to a queue: in which order, how often, and where it goes when that is too often. */

import type { DestinationRule } from '@xtomp/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Delivery, type Origin } from '../../packages/core/src/destination/delivery.js'
import { WaitingDeliveries } from '../../packages/core/src/destination/waiting-deliveries.js'
import { Headers } from '../../packages/core/src/headers.js'
import { StoredMessage } from '../../packages/core/src/message.js'
import { Heard } from '../support/heard.js'
import { conformance, type Env, overMemory } from '../support/suite.js'
import type { WireClient, WireFrame } from '../support/wire-client.js'

const QUEUE = '/queue/work'
const DEAD = '/queue/dead-letter'

function shown({ text, headers }: WireFrame): string {
  return headers.redelivered === 'true' ? `${text}+` : text
}

function idOf(message: WireFrame | undefined): string {
  return message?.headers.ack ?? ''
}

/** A broker with a rule for the queue, and a client with so many of its messages unacknowledged. */
async function working(env: Env, rule: Omit<DestinationRule, 'match'>, count = 1) {
  const broker = await env.open({ destinations: [{ match: QUEUE, ...rule }] })
  for (let at = 0; at < count; at++) broker.publish(QUEUE, String(at))
  const client = await subscribed(env)
  return { broker, client, messages: await client.messages(count) }
}

async function subscribed({ connect }: Env, destination = QUEUE, ack = 'client-individual'): Promise<WireClient> {
  const client = await connect()
  await client.confirm('SUBSCRIBE', { id: '0', destination, ack })
  return client
}

/** What a new consumer of a queue gets. */
async function contents(env: Env, destination = QUEUE): Promise<WireFrame[]> {
  const client = await subscribed(env, destination)
  await client.roundTrip()
  const received = [...client.received]
  client.abort()
  return received
}

describe('what waits in a queue', () => {
  const nowhere = {} as Origin

  function arrived(arrival: number): Delivery {
    const message = new StoredMessage({ origin: 'test', sequence: arrival }, QUEUE, Headers.none, new Uint8Array())
    message.arrival = arrival
    return new Delivery(message, nowhere)
  }

  it('leaves in the order in which it came, in whatever order it comes back', () => {
    const step = fc.oneof(
      fc.record({ does: fc.constant('come' as const) }),
      fc.record({ does: fc.constant('leave' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ does: fc.constant('return' as const), which: fc.nat() }),
      fc.record({ does: fc.constant('expire' as const), divisor: fc.integer({ min: 2, max: 5 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const waiting = new WaitingDeliveries()
        let model: number[] = []
        const out: Delivery[] = []
        let arrivals = 0
        const arrivalOf = (delivery: Delivery | undefined) => delivery?.message.arrival
        for (const each of steps) {
          if (each.does === 'come') {
            waiting.add(arrived(++arrivals))
            model.push(arrivals)
          } else if (each.does === 'return') {
            const [back] = out.splice(each.which % (out.length + 1), 1)
            if (back === undefined) continue
            waiting.add(back)
            model = [...model, back.message.arrival].sort((one, other) => one - other)
          } else if (each.does === 'expire') {
            const isGone = (arrival: number) => arrival % each.divisor === 0
            const taken = waiting.takeAll(({ message }) => isGone(message.arrival))
            expect(taken.map(arrivalOf)).toEqual(model.filter(isGone))
            model = model.filter((arrival) => !isGone(arrival))
          } else {
            for (let count = each.count; count > 0; count--) {
              expect(arrivalOf(waiting.first)).toBe(model[0])
              const left = waiting.shift()
              expect(arrivalOf(left)).toBe(model.shift())
              if (left !== undefined) out.push(left)
            }
          }
          expect(waiting.size).toBe(model.length)
          expect([...waiting].map(arrivalOf).sort((one = 0, other = 0) => one - other)).toEqual(model)
        }
      }),
      { numRuns: 500 },
    )
  })

  // One that looks for each place among those that are there would be at it for minutes.
  it('comes back in any order at the price of any other: half a million, from the middle outwards', () => {
    const COUNT = 500_000
    const waiting = new WaitingDeliveries()
    for (let step = 0; step < COUNT / 2; step++) {
      waiting.add(arrived(COUNT / 2 + step))
      waiting.add(arrived(COUNT / 2 - step - 1))
    }
    let inPlace = 0
    for (let at = 0; at < COUNT; at++) if (waiting.shift()?.message.arrival === at) inPlace++
    expect(inPlace).toBe(COUNT)
    expect(waiting.size).toBe(0)
  })
})

conformance('redelivery', (test) => {
  test('puts what a lost client had back in order, ahead of newer messages', async (env) => {
    const destination = env.queue('lost')
    const producer = await env.connect()
    const one = await subscribed(env, destination)
    const other = await subscribed(env, destination)
    for (let at = 0; at < 6; at++) await producer.confirm('SEND', { destination }, String(at))
    // They took turns.
    expect((await one.messages(3)).map(({ text }) => text)).toEqual(['0', '2', '4'])
    expect((await other.messages(3)).map(({ text }) => text)).toEqual(['1', '3', '5'])
    for (const client of [other, one]) {
      await client.confirm('UNSUBSCRIBE', { id: '0' })
      await client.confirm('SUBSCRIBE', { id: '1', destination: env.queue('nothing') })
    }
    for (let at = 6; at < 8; at++) await producer.confirm('SEND', { destination }, String(at))
    other.abort()
    one.abort()
    await env.until(() => one.isClosed && other.isClosed)
    const next = await env.connect()
    await next.roundTrip()
    await next.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await next.messages(8)).map(shown)).toEqual(['0+', '1+', '2+', '3+', '4+', '5+', '6', '7'])
  })

  for (const version of ['1.1', '1.2']) {
    test(`gives another, in order, what a lost ${version} client had in several subscriptions to one queue`, async (env) => {
      const destination = env.queue('twice')
      const lost = await env.connect({}, version)
      for (const id of [0, 1]) await lost.confirm('SUBSCRIBE', { id, destination, ack: 'client-individual' })
      const producer = await env.connect()
      for (let at = 0; at < 6; at++) await producer.confirm('SEND', { destination }, String(at))
      const had = (await lost.messages(6)).map(({ text, headers }) => `${text} of ${headers.subscription}`)
      expect(had).toEqual(['0 of 0', '1 of 1', '2 of 0', '3 of 1', '4 of 0', '5 of 1'])
      const next = await subscribed(env, destination)
      await lost.disconnect()
      expect((await next.messages(6)).map(shown)).toEqual(['0+', '1+', '2+', '3+', '4+', '5+'])
    })
  }

  test('keeps the order in which messages came to the queue, not that in which they were begun', async (env) => {
    const destination = env.queue('order')
    const producer = await env.connect()
    await producer.confirm('BEGIN', { transaction: 't' })
    await producer.confirm('SEND', { destination, transaction: 't' }, 'begun first')
    await producer.confirm('SEND', { destination }, 'a')
    await producer.confirm('SEND', { destination }, 'b')
    await producer.confirm('COMMIT', { transaction: 't' })
    await producer.confirm('SEND', { destination }, 'c')
    const order = ['a', 'b', 'begun first', 'c']
    for (let times = 0; times < 2; times++) {
      const consumer = await subscribed(env, destination, 'client')
      expect((await consumer.messages(4)).map(({ text }) => text)).toEqual(order)
      // What is put back among others finds its place.
      await consumer.disconnect()
    }
  })

  test('gives a message that is NACKed a new ack id and its old message-id', async (env) => {
    const destination = env.queue('ids')
    const producer = await env.connect()
    await producer.confirm('SEND', { destination }, 'x')
    const consumer = await subscribed(env, destination)
    const first = await consumer.frame('MESSAGE')
    await consumer.confirm('NACK', { id: idOf(first) })
    const second = await consumer.frame('MESSAGE', { redelivered: 'true' })
    expect(second.headers['message-id']).toBe(first.headers['message-id'])
    expect(idOf(second)).not.toBe(idOf(first))
    consumer.send('ACK', { id: idOf(first) })
    await consumer.error('ack-unknown')
  })

  test('discards what is NACKed on a topic, and makes room with it', async (env) => {
    const destination = env.topic('a')
    const consumer = await env.connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client', 'prefetch-count': '1' })
    const producer = await env.connect()
    for (const body of ['a', 'b']) await producer.confirm('SEND', { destination }, body)
    await consumer.confirm('NACK', { id: idOf(await consumer.frame('MESSAGE')) })
    const second = await consumer.frame('MESSAGE')
    expect(shown(second)).toBe('b')
    await consumer.confirm('NACK', { id: idOf(second), requeue: 'false' })
    await consumer.expectNothing()
  })
})

overMemory('maxDeliveries', (test) => {
  test('is 5 when nothing is said: the fifth NACK moves a message to /queue/dead-letter', async (env) => {
    const { client, messages } = await working(env, {})
    let [message] = messages
    for (let times = 1; times <= 5; times++) {
      expect(message?.headers.redelivered).toBe(times === 1 ? undefined : 'true')
      await client.confirm('NACK', { id: idOf(message) })
      if (times < 5) message = await client.frame('MESSAGE')
    }
    await client.expectNothing()
    const [letter] = await contents(env, DEAD)
    expect(letter?.text).toBe('0')
    expect(letter?.headers).toMatchObject({
      'message-id': messages[0]?.headers['message-id'],
      destination: DEAD,
      'dead-letter-origin': QUEUE,
      'dead-letter-reason': 'max-deliveries',
      'dead-letter-count': '5',
    })
  })

  test('counts of a lost client the oldest of its deliveries only: that one it was working on', async (env) => {
    const { broker, client } = await working(env, { maxDeliveries: 2 }, 3)
    const heard = new Heard(broker)
    client.abort()
    await env.until(() => client.isClosed)
    const second = await subscribed(env)
    const messages = await second.messages(3)
    expect(messages.map(shown)).toEqual(['0+', '1+', '2+'])
    // Whoever has acknowledged the first works on the second.
    await second.confirm('ACK', { id: idOf(messages[0]) })
    second.abort()
    await env.until(() => second.isClosed)
    expect(heard.of('dead-letter')).toEqual([])
    const third = await subscribed(env)
    expect((await third.messages(2)).map(shown)).toEqual(['1+', '2+'])
    third.abort()
    await env.until(() => heard.of('dead-letter').length === 1)
    expect(heard.of('dead-letter').map(({ message, reason }) => `${message.text()} ${reason}`)).toEqual([
      '1 max-deliveries',
    ])
    expect((await contents(env)).map(shown)).toEqual(['2+'])
    expect((await contents(env, DEAD))[0]?.headers).toMatchObject({ 'dead-letter-count': '2' })
  })

  test('counts each subscription of a lost client by itself', async (env) => {
    const broker = await env.open({
      destinations: [
        { match: QUEUE, maxDeliveries: 1 },
        { match: '/queue/other', maxDeliveries: 1 },
      ],
    })
    const client = await env.connect()
    for (const destination of [QUEUE, '/queue/other']) {
      await client.confirm('SUBSCRIBE', { id: destination, destination, ack: 'client' })
      for (const body of ['a', 'b']) broker.publish(destination, body)
    }
    await client.messages(4)
    await client.disconnect()
    expect((await contents(env, DEAD)).map(({ text, headers }) => text + headers['dead-letter-origin'])).toEqual([
      `a${QUEUE}`,
      'a/queue/other',
    ])
  })

  test('counts nothing of what is acknowledged, unsubscribed or aborted', async (env) => {
    const { client, messages } = await working(env, { maxDeliveries: 2 }, 1)
    await client.confirm('BEGIN', { transaction: 't' })
    await client.confirm('NACK', { id: idOf(messages[0]), transaction: 't' })
    await client.confirm('ABORT', { transaction: 't' })
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    await client.confirm('NACK', { id: idOf(messages[0]) })
    expect((await contents(env)).map(shown)).toEqual(['0+'])
  })
})

overMemory('onNack', (test) => {
  test('moves at once to the dead letters, or discards, as the rule says', async (env) => {
    const broker = await env.open({
      destinations: [
        { match: '/queue/dead', onNack: 'dead-letter', deadLetter: '/queue/other' },
        { match: '/queue/gone', onNack: 'discard' },
        { match: '/queue/nowhere', onNack: 'dead-letter', deadLetter: false },
      ],
    })
    const heard = new Heard(broker)
    for (const destination of ['/queue/dead', '/queue/gone', '/queue/nowhere']) {
      broker.publish(destination, destination)
      const client = await subscribed(env, destination)
      await client.confirm('NACK', { id: idOf(await client.frame('MESSAGE')) })
      await client.expectNothing()
      await client.disconnect()
    }
    expect(heard.of('dead-letter').map(({ message, reason, movedTo }) => [message.text(), reason, movedTo])).toEqual([
      ['/queue/dead', 'rejected', '/queue/other'],
      ['/queue/nowhere', 'rejected', undefined],
    ])
    expect(broker.stats()).toMatchObject({ messages: 1, destinations: 1 })
    const [letter] = await contents(env, '/queue/other')
    expect(letter?.headers).toMatchObject({ 'dead-letter-reason': 'rejected', 'dead-letter-count': '1' })
  })

  test('delays what is NACKed, and lets others pass meanwhile; what is lost is not delayed', async (env) => {
    const { broker, client, messages } = await working(env, { redeliveryDelayMs: 5_000 }, 2)
    await client.confirm('NACK', { id: idOf(messages[0]) })
    broker.publish(QUEUE, '2')
    expect(shown(await client.frame('MESSAGE'))).toBe('2')
    await env.clock.advance(4_800)
    await client.expectNothing()
    expect(broker.stats()).toMatchObject({ messages: 3, unacknowledged: 2 })
    await env.clock.advance(400)
    expect(shown(await client.frame('MESSAGE'))).toBe('0+')
    client.abort()
    await env.until(() => client.isClosed)
    expect((await contents(env)).map(shown)).toEqual(['0+', '1+', '2+'])
  })

  test('delays in a place of its own: what comes back finds the head of the queue', async (env) => {
    const { broker, client, messages } = await working(env, { redeliveryDelayMs: 1_000 }, 3)
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    for (const at of [2, 0, 1]) await client.confirm('NACK', { id: idOf(messages[at]) })
    broker.publish(QUEUE, '3')
    expect((await contents(env)).map(shown)).toEqual(['3'])
    await env.clock.advance(1_200)
    expect((await contents(env)).map(shown)).toEqual(['0+', '1+', '2+', '3+'])
  })
})

overMemory('a dead letter', (test) => {
  test('is never a dead letter again: it is gone where it is given up, whatever the rules', async (env) => {
    const broker = await env.open({
      destinations: [
        { match: QUEUE, deadLetter: '/queue/first' },
        { match: '/queue/first', deadLetter: '/queue/second', maxDeliveries: 1 },
      ],
    })
    const heard = new Heard(broker)
    broker.publish(QUEUE, 'x')
    for (const destination of [QUEUE, '/queue/first']) {
      const client = await subscribed(env, destination)
      await client.confirm('NACK', { id: idOf(await client.frame('MESSAGE')), requeue: String(destination !== QUEUE) })
      await client.disconnect()
    }
    expect(heard.of('dead-letter').map(({ reason, movedTo }) => [reason, movedTo])).toEqual([
      ['rejected', '/queue/first'],
      ['max-deliveries', undefined],
    ])
    // Not even an empty queue is left of it.
    expect(broker.stats()).toMatchObject({ messages: 0, destinations: 0, bytes: 0 })
  })

  test('is gone though what is given up with it is moved', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, deadLetter: '/queue/mixed' }] })
    broker.publish(QUEUE, 'letter')
    const client = await subscribed(env)
    await client.confirm('NACK', { id: idOf(await client.frame('MESSAGE')), requeue: 'false' })
    broker.publish('/queue/mixed', 'message')
    await client.confirm('SUBSCRIBE', { id: '1', destination: '/queue/mixed', ack: 'client' })
    const [, last] = await client.messages(2)
    await client.confirm('NACK', { id: idOf(last), requeue: 'false' })
    expect((await contents(env, DEAD)).map(({ text }) => text)).toEqual(['message'])
    expect(broker.stats().messages).toBe(1)
  })

  test('keeps its headers and body; what a client says of itself under these names does not count', async (env) => {
    await env.open()
    const producer = await env.connect()
    const forged = { 'dead-letter-origin': '/queue/forged', 'dead-letter-count': '99', colour: 'blue' }
    await producer.confirm('SEND', { destination: QUEUE, ...forged }, 'a\u00fcb')
    const client = await subscribed(env)
    await client.confirm('NACK', { id: idOf(await client.frame('MESSAGE')), requeue: 'false' })
    const [letter] = await contents(env, DEAD)
    expect(letter?.text).toBe('a\u00fcb')
    expect(letter?.headers).toMatchObject({ 'dead-letter-origin': QUEUE, 'dead-letter-count': '1', colour: 'blue' })
    expect(letter?.lines.filter((line) => line.startsWith('dead-letter-origin'))).toHaveLength(1)
  })

  test('drops the oldest of its kind where the queue of last resort is full', async (env) => {
    const broker = await env.open({ destinations: [{ match: DEAD, maxMessages: 2 }] })
    const heard = new Heard(broker)
    for (let at = 0; at < 4; at++) broker.publish(QUEUE, String(at))
    const client = await subscribed(env)
    for (const message of await client.messages(4))
      await client.confirm('NACK', { id: idOf(message), requeue: 'false' })
    expect((await contents(env, DEAD)).map(({ text }) => text)).toEqual(['2', '3'])
    expect(
      heard.of('dead-letter').map(({ message, reason, movedTo }) => `${message.text()} ${reason} ${movedTo}`),
    ).toEqual([
      `0 rejected ${DEAD}`,
      `1 rejected ${DEAD}`,
      '0 overflow undefined',
      `2 rejected ${DEAD}`,
      '1 overflow undefined',
      `3 rejected ${DEAD}`,
    ])
  })

  test('drops the oldest where a rule names the queue, though its own rule only says how much it holds', async (env) => {
    const dead = '/queue/dead.work'
    const broker = await env.open({
      destinations: [
        { match: QUEUE, deadLetter: dead },
        { match: '/queue/dead.*', maxMessages: 2 },
      ],
    })
    const heard = new Heard(broker)
    for (const body of ['a', 'b', 'c']) broker.publish(QUEUE, body)
    const client = await subscribed(env)
    for (const message of await client.messages(3))
      await client.confirm('NACK', { id: idOf(message), requeue: 'false' })
    expect(heard.of('dead-letter').map(({ message, movedTo }) => `${message.text()} ${movedTo}`)).toEqual([
      `a ${dead}`,
      `b ${dead}`,
      'a undefined',
      `c ${dead}`,
    ])
    // Any other queue under that rule refuses.
    for (const body of ['d', 'e']) broker.publish('/queue/dead.other', body)
    await expect(broker.publishConfirmed('/queue/dead.other', 'f')).rejects.toMatchObject({ code: 'queue-full' })
    expect((await contents(env, dead)).map(({ text }) => text)).toEqual(['b', 'c'])
  })

  for (const whenFull of ['reject', 'hold'] as const) {
    test(`is lost, and told to be, where its full queue has ${whenFull} for its own rule`, async (env) => {
      const dead = '/queue/dead.work'
      const broker = await env.open({
        destinations: [
          { match: QUEUE, deadLetter: dead },
          { match: dead, maxMessages: 1, whenFull },
        ],
      })
      const heard = new Heard(broker)
      for (const body of ['a', 'b']) broker.publish(QUEUE, body)
      const client = await subscribed(env)
      for (const message of await client.messages(2))
        await client.confirm('NACK', { id: idOf(message), requeue: 'false' })
      expect(heard.of('dead-letter').map(({ message, movedTo }) => `${message.text()} ${movedTo}`)).toEqual([
        `a ${dead}`,
        'b undefined',
      ])
      expect(broker.stats().messages).toBe(1)
      expect((await contents(env, dead)).map(({ text }) => text)).toEqual(['a'])
    })
  }

  test('is kept though there are as many destinations and octets as there may be', async (env) => {
    const broker = await env.open({ limits: { destinations: 1, totalBytes: 3_000 } })
    broker.publish(QUEUE, 'x'.repeat(1_600))
    const client = await subscribed(env)
    await client.confirm('NACK', { id: idOf(await client.frame('MESSAGE')), requeue: 'false' })
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    expect(broker.stats()).toMatchObject({ messages: 1, destinations: 1 })
    expect((await contents(env, DEAD)).map(({ text }) => text.length)).toEqual([1_600])
  })

  test('goes to a topic, where a rule says so: to whoever listens', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, deadLetter: '/topic/dead' }] })
    const heard = new Heard(broker)
    const client = await subscribed(env)
    broker.publish(QUEUE, 'a')
    await client.confirm('NACK', { id: idOf(await client.frame('MESSAGE')), requeue: 'false' })
    await client.confirm('SUBSCRIBE', { id: '1', destination: '/topic/dead' })
    broker.publish(QUEUE, 'b')
    await client.confirm('NACK', { id: idOf(await client.frame('MESSAGE')), requeue: 'false' })
    expect((await client.frame('MESSAGE', { 'dead-letter-reason': 'rejected' })).text).toBe('b')
    expect(heard.of('dead-letter').map(({ movedTo }) => movedTo)).toEqual([undefined, '/topic/dead'])
    expect(broker.stats().messages).toBe(0)
  })
})

overMemory('very many deliveries', (test) => {
  const MANY = 65_536

  /** A client that has as many unacknowledged as it may have. */
  async function laden(env: Env, rule: Omit<DestinationRule, 'match'>) {
    const broker = await env.open({ destinations: [{ match: QUEUE, ...rule }] })
    for (let at = 0; at < MANY; at++) broker.publish(QUEUE, String(at))
    const client = await subscribed(env, QUEUE, 'client')
    // Taking them one by one would take longer than all that is tested.
    await env.until(() => client.received.length === MANY)
    const messages = [...client.received]
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    return { broker, client, messages }
  }

  /** All of a queue, in order. */
  async function all(env: Env, destination: string): Promise<void> {
    let next = 0
    env.broker.subscribe(destination, {}, ({ message }) => {
      if (message.text() === String(next)) next++
    })
    await env.until(() => next === MANY, 'all messages, in order')
  }

  test('go back when their client is lost', async (env) => {
    const { client } = await laden(env, {})
    client.abort()
    await all(env, QUEUE)
  })

  test('are given up by one NACK', async (env) => {
    const { client, messages } = await laden(env, { maxDeliveries: 1 })
    await client.confirm('NACK', { id: idOf(messages.at(-1)) })
    await all(env, DEAD)
  })

  test('go back one by one', async (env) => {
    const { client, messages, broker } = await laden(env, { maxDeliveries: 3 })
    broker.publish(QUEUE, String(MANY))
    // A cumulative NACK takes all before it, so the oldest goes first.
    for (const message of messages) client.send('NACK', { id: idOf(message) })
    await client.roundTrip()
    await all(env, QUEUE)
  })

  test('are settled by ACKs in one transaction, each of which covers all before it', async (env) => {
    const { broker, client, messages } = await laden(env, {})
    await client.confirm('BEGIN', { transaction: 't' })
    for (const message of messages) client.send('ACK', { id: idOf(message), transaction: 't' })
    await client.confirm('COMMIT', { transaction: 't' })
    expect(broker.stats()).toMatchObject({ messages: 0, unacknowledged: 0, bytes: 0 })
  })
})
