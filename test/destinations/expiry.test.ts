/** Messages that expire: by their header, by a rule, while they wait and when they are to be delivered. */

import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { type Env, overMemory } from '../support/suite.js'
import type { WireClient } from '../support/wire-client.js'

const QUEUE = '/queue/short'
const TOPIC = '/topic/short'

async function subscribed({ connect }: Env, destination = QUEUE, more = {}): Promise<WireClient> {
  const client = await connect()
  await client.confirm('SUBSCRIBE', { id: '0', destination, ...more })
  return client
}

async function textsOf(client: WireClient): Promise<string[]> {
  await client.roundTrip()
  return client.received.map(({ text }) => text)
}

overMemory('expiry', (test) => {
  test('takes a message out of its queue at its time, though nobody comes', async (env) => {
    const broker = await env.open()
    const heard = new Heard(broker)
    const client = await env.connect()
    for (const [body, afterMs] of [
      ['later', 20_000],
      ['soon', 1_000],
      ['never', undefined],
    ] as const) {
      const expires = afterMs === undefined ? {} : { expires: env.clock.epoch() + afterMs }
      await client.confirm('SEND', { destination: QUEUE, ...expires }, body)
    }
    await env.clock.advance(800)
    expect(broker.stats().messages).toBe(3)
    await env.clock.advance(400)
    expect(broker.stats().messages).toBe(2)
    await env.clock.advance(20_000)
    expect(broker.stats()).toMatchObject({ messages: 1, alarms: 0 })
    expect(heard.of('dead-letter').map(({ message, reason, movedTo }) => [message.text(), reason, movedTo])).toEqual([
      ['soon', 'expired', undefined],
      ['later', 'expired', undefined],
    ])
    expect(await textsOf(await subscribed(env))).toEqual(['never'])
  })

  test('is looked at when a message is delivered, before any alarm has rung', async (env) => {
    const broker = await env.open()
    for (const body of ['gone', 'gone too', 'stays']) {
      const headers = body === 'stays' ? {} : { expires: env.clock.epoch() - 1 }
      broker.publish(QUEUE, body, { headers })
      broker.publish(TOPIC, body, { headers })
    }
    expect(broker.stats().messages).toBe(3)
    expect(await textsOf(await subscribed(env))).toEqual(['stays'])
    expect(broker.stats()).toMatchObject({ messages: 0 })
    const listener = await subscribed(env, TOPIC)
    broker.publish(TOPIC, 'gone', { headers: { expires: 1 } })
    broker.publish(TOPIC, 'stays')
    expect(await textsOf(listener)).toEqual(['stays'])
  })

  test('ends by a rule what a header does not end before', async (env) => {
    const broker = await env.open({ destinations: [{ match: '/*/short', expiryMs: 5_000 }] })
    const { clock } = env
    broker.publish(QUEUE, 'by rule')
    broker.publish(QUEUE, 'by rule, too', { headers: { expires: clock.epoch() + 60_000 } })
    broker.publish(QUEUE, 'by header', { headers: { expires: clock.epoch() + 1_000 } })
    await clock.advance(1_200)
    expect(broker.stats().messages).toBe(2)
    await clock.advance(3_600)
    expect(broker.stats().messages).toBe(2)
    await clock.advance(1_400)
    expect(broker.stats().messages).toBe(0)
  })

  test('goes to the dead letters where the rule says so, and is not expired there', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, expiryMs: 1_000, deadLetterExpired: true }] })
    for (const body of ['a', 'b']) broker.publish(QUEUE, body)
    await env.clock.advance(1_200)
    await env.clock.advance(60_000)
    expect(broker.stats()).toMatchObject({ messages: 2, destinations: 1, alarms: 0 })
    const client = await subscribed(env, '/queue/dead-letter')
    const letters = await client.messages(2)
    expect(letters.map(({ text }) => text)).toEqual(['a', 'b'])
    expect(letters[0]?.headers).toMatchObject({
      'dead-letter-origin': QUEUE,
      'dead-letter-reason': 'expired',
      'dead-letter-count': '0',
    })
  })

  test('lets a client settle what expires while it has it', async (env) => {
    const broker = await env.open({ destinations: [{ match: QUEUE, expiryMs: 1_000 }] })
    broker.publish(QUEUE, 'a')
    const client = await subscribed(env, QUEUE, { ack: 'client' })
    const { headers } = await client.frame('MESSAGE')
    await env.clock.advance(5_000)
    expect(broker.stats()).toMatchObject({ messages: 1, unacknowledged: 1 })
    await client.confirm('ACK', { id: headers.ack ?? '' })
    expect(broker.stats()).toMatchObject({ messages: 0 })
  })

  test('finds a message that comes back: at once where its time is over, later where it is not', async (env) => {
    const broker = await env.open()
    const { clock } = env
    for (const [body, afterMs] of [
      ['over', 1_000],
      ['not yet', 10_000],
    ] as const)
      broker.publish(QUEUE, body, { headers: { expires: clock.epoch() + afterMs } })
    const client = await subscribed(env, QUEUE, { ack: 'client' })
    await client.messages(2)
    await clock.advance(5_000)
    client.abort()
    await env.until(() => client.isClosed)
    expect(broker.stats().messages).toBe(2)
    await clock.advance(300)
    expect(broker.stats().messages).toBe(1)
    await clock.advance(6_000)
    expect(broker.stats()).toMatchObject({ messages: 0, alarms: 0 })
  })

  test('does not deliver from a topic’s backlog what has expired there', async (env) => {
    const broker = await env.open()
    const client = await subscribed(env, TOPIC, { ack: 'client', 'prefetch-count': 1 })
    const publish = (body: string, afterMs: number) =>
      broker.publish(TOPIC, body, { headers: { expires: env.clock.epoch() + afterMs } })
    publish('first', 60_000)
    publish('expires', 1_000)
    publish('last', 60_000)
    const { headers } = await client.frame('MESSAGE')
    await env.clock.advance(2_000)
    await client.confirm('ACK', { id: headers.ack ?? '' })
    expect((await client.frame('MESSAGE')).text).toBe('last')
  })

  test('takes an hour that is far away, and 0 for never', async (env) => {
    const broker = await env.open()
    const client = await env.connect()
    for (const expires of ['999999999999999', '0'])
      await client.confirm('SEND', { destination: QUEUE, expires }, expires)
    for (const expires of [Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, 'never'])
      broker.publish(QUEUE, String(expires), { headers: { expires } })
    // More than a turn of the wheel.
    await env.clock.advance(120_000)
    expect(broker.stats().messages).toBe(6)
    // One that comes soon is not kept waiting by them.
    broker.publish(QUEUE, 'soon', { headers: { expires: env.clock.epoch() + 1_000 } })
    await env.clock.advance(1_200)
    expect(broker.stats().messages).toBe(6)
    expect(await textsOf(await subscribed(env))).toHaveLength(6)
    // Nothing of the queue is left to wake up for.
    expect(broker.stats()).toMatchObject({ messages: 0 })
  })

  test('refuses an hour that is none', async (env) => {
    await env.open()
    for (const expires of ['soon', '-1', '1e3', '1.5', '9'.repeat(16), '']) {
      const client = await env.connect()
      client.send('SEND', { destination: QUEUE, expires })
      await client.error('header-invalid')
    }
  })

  test('looks for many expired messages once a second at most, and finds them all', async (env) => {
    const broker = await env.open()
    const MANY = 20_000
    const now = env.clock.epoch()
    for (let at = 0; at < MANY; at++) broker.publish(QUEUE, '', { headers: { expires: now + 1_000 + at } })
    await env.clock.advance(MANY + 3_000)
    expect(broker.stats()).toMatchObject({ messages: 0, alarms: 0, bytes: 0, destinations: 0 })
  })
})
