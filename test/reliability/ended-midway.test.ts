/** Sessions that end in the midst of something: nothing of it stays behind, and nothing of it is done later. */

import { connectMemory } from '@xtomp/core'
import { expect } from 'vitest'
import { FaultyStore } from '../support/faulty-store.js'
import { later } from '../support/later.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'
import { frameText, type WireClient } from '../support/wire-client.js'

const KIB = 1024

/** A client whose untaken octets are the most that the broker could be relieved of. */
async function slow(env: Env): Promise<WireClient> {
  const broker = await env.open({ limits: { totalBytes: 200 * KIB, unsentBytes: 1_000 * KIB } })
  const client = await env.connect()
  await client.confirm('SUBSCRIBE', { id: 'a', destination: '/topic/a' })
  client.pause()
  for (let sent = 0; sent < 5; sent++) broker.publish('/topic/a', 'x'.repeat(40 * KIB))
  await env.until(() => broker.stats().bytes > 100 * KIB, 'untaken octets')
  return client
}

async function isCut({ broker, until }: Env): Promise<void> {
  await until(() => broker.stats().sessions === 0, 'the end of the session')
  expect(broker.stats()).toMatchObject({ subscriptions: 0, messages: 0, bytes: 0, alarms: 0 })
}

overMemory('a session that is cut to make room in the broker', (test) => {
  test('takes with it the message for its transaction that needed the room', async (env) => {
    const client = await slow(env)
    client.send('BEGIN', { transaction: 't' })
    client.send('SEND', { destination: '/queue/a', transaction: 't' }, 'x'.repeat(100 * KIB))
    await isCut(env)
  })

  test('takes with it the delivery for itself that needed the room', async (env) => {
    const client = await slow(env)
    client.send('SUBSCRIBE', { id: 'b', destination: '/topic/b', ack: 'client' })
    env.broker.publish('/topic/b', 'x'.repeat(100 * KIB))
    await isCut(env)
  })
})

overMemory('a session that is lost while a hook judges one of its frames', (test) => {
  test('does not wait for room for the next', async (env) => {
    const judged = later()
    const broker = await env.open({
      destinations: [{ match: '/queue/full', maxMessages: 1, whenFull: 'hold' }],
      hooks: { send: ({ destination }) => (destination === '/queue/first' ? judged.promise : undefined) },
    })
    broker.publish('/queue/full', 'before')
    const client = await env.connect()
    client.write('SEND\ndestination:/queue/first\n\na\0SEND\ndestination:/queue/full\n\nb\0')
    client.abort()
    await client.closed
    expect(broker.stats().sessions).toBe(1)
    judged.resolve()
    await env.until(() => broker.stats().sessions === 0, 'the end of the session')
    // What came whole before the end is done, where there is room for it.
    expect(broker.stats().messages).toBe(2)
    const consumer = await env.connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination: '/queue/full' })
    expect((await consumer.frame('MESSAGE')).text).toBe('before')
    await consumer.expectNothing()
  })
})

overMemory('a session whose DISCONNECT waits for the store', (test) => {
  test('keeps nothing of what follows', async (env) => {
    const store = new FaultyStore()
    const broker = await env.open({ store })
    const client = await env.connect()
    store.fate = 'later'
    client.send('SEND', { destination: '/queue/a', receipt: 'sent' }, 'x')
    client.send('DISCONNECT', { receipt: 'bye' })
    const { bytes } = broker.stats()
    for (let sent = 0; sent < 10; sent++) client.write(`SEND\ndestination:/queue/a\n\n${'y'.repeat(KIB)}`)
    expect(broker.stats().bytes).toBe(bytes)
    for (const answer of store.answers) answer.resolve()
    await client.frame('RECEIPT', { 'receipt-id': 'sent' })
    await client.frame('RECEIPT', { 'receipt-id': 'bye' })
    await client.expectClosed()
    expect(broker.stats().messages).toBe(1)
  })
})

overMemory('a connection in memory whose client stops taking octets', (test) => {
  for (const when of ['before its end', 'in the midst of its end']) {
    test(`is cut soon after, when that was ${when}`, async ({ open, clock, until }) => {
      const broker = await open()
      let isConnected = false
      let isClosed = false
      const client = connectMemory(broker, {
        receive: () => {
          isConnected = true
          if (broker.stats().subscriptions === 0) client.pause()
        },
        closed: () => {
          isClosed = true
        },
      })
      client.write(frameText('CONNECT', { 'accept-version': '1.2', host: '/' }))
      client.write(frameText('SUBSCRIBE', { id: '0', destination: '/topic/a' }))
      await until(() => broker.stats().subscriptions === 1 && isConnected, 'the subscription')
      // Bodies of that size leave one by one.
      for (let sent = 0; sent < 2; sent++) broker.publish('/topic/a', 'x'.repeat(20 * KIB))
      if (when === 'before its end') client.pause()
      client.write(frameText('UNKNOWN'))
      for (let turns = 0; turns < 5; turns++) await turn()
      expect(broker.stats()).toMatchObject({ sessions: 1, subscriptions: 0 })
      await clock.advance(2_500)
      await until(() => isClosed, 'the end of the connection')
      expect(broker.stats().sessions).toBe(0)
    })
  }
})
