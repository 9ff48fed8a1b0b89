/** Topics of several workers, over the real link and in one process: who gets what, and in which order. */

import { type BrokerOptions, connectMemory } from '@xtomp/core'
import { ManualClock } from '@xtomp/testing'
import { afterEach, expect, test } from 'vitest'
import { Hub, type HubMember } from '../../packages/cluster/src/primary/hub.js'
import { Pressure } from '../../packages/cluster/src/primary/pressure.js'
import { LinkedBrokers, type LinkedWorker } from '../support/linked-brokers.js'
import { until } from '../support/suite.js'
import { frameText, WireClient } from '../support/wire-client.js'

let brokers: LinkedBrokers | undefined

afterEach(() => brokers?.close())

async function clientOf({ broker }: LinkedWorker): Promise<WireClient> {
  const client = await WireClient.dial((events) => connectMemory(broker, events))
  await client.connect({ 'heart-beat': '0,0' })
  return client
}

/** Three workers, a client of each, and how many messages each worker was passed. */
async function three(options?: BrokerOptions) {
  brokers = await LinkedBrokers.open(3, options)
  const passed = [0, 0, 0]
  for (const [at, { atOwner }] of brokers.workers.entries()) {
    const pass = atOwner.pass.bind(atOwner)
    atOwner.pass = (message) => {
      passed[at] = (passed[at] ?? 0) + 1
      pass(message)
    }
  }
  const clients = await Promise.all(brokers.workers.map(clientOf))
  return { clients: clients as [WireClient, WireClient, WireClient], passed, workers: brokers.workers }
}

test('passes each message once to a worker, however many subscribers it has there, and none where it has none', async () => {
  const { clients, passed, workers } = await three()
  const [first, second, third] = clients
  const neighbour = await clientOf(workers[1] as LinkedWorker)
  for (const [client, id] of [
    [second, '0'],
    [second, '1'],
    [neighbour, '0'],
  ] as const)
    await client.confirm('SUBSCRIBE', { id, destination: '/topic/a' })
  await neighbour.confirm('SUBSCRIBE', { id: '1', destination: '/topic/*' })
  await third.confirm('SUBSCRIBE', { id: '0', destination: '/topic/b' })
  for (let at = 0; at < 10; at++) await first.confirm('SEND', { destination: '/topic/a' }, `${at}`)
  await second.messages(20)
  await neighbour.messages(20)
  await third.expectNothing()
  expect(passed).toEqual([0, 10, 0])
  for (const id of ['0', '1']) await second.confirm('UNSUBSCRIBE', { id })
  await neighbour.confirm('UNSUBSCRIBE', { id: '0' })
  await neighbour.confirm('UNSUBSCRIBE', { id: '1' })
  // Behind them on the same link.
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/c' })
  await first.confirm('SEND', { destination: '/topic/a' }, 'for nobody')
  await first.confirm('SEND', { destination: '/topic/c' }, 'last')
  await second.frame('MESSAGE')
  expect(passed).toEqual([0, 11, 0])
})

test('keeps the order of each producer, with topics and patterns on every worker', async () => {
  const { clients } = await three()
  for (const client of clients) await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/**' })
  for (let at = 0; at < 200; at++)
    for (const [number, client] of clients.entries())
      client.send('SEND', { destination: `/topic/${at % 3}`, producer: number }, `${at}`)
  const wanted = Array.from({ length: 200 }, (_, at) => `${at}`)
  for (const client of clients) {
    const messages = await client.messages(600)
    for (const producer of ['0', '1', '2'])
      expect(messages.filter(({ headers }) => headers.producer === producer).map(({ text }) => text)).toEqual(wanted)
  }
})

test('reaches the clients of all workers from the primary, and the primary from them', async () => {
  const { clients } = await three()
  const texts: string[] = []
  const { broker } = (brokers as LinkedBrokers).owner
  broker.subscribe('/topic/up', ({ message }) => texts.push(message.text()))
  for (const client of clients) await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/down' })
  broker.publish('/topic/down', 'grüße')
  for (const client of clients) expect((await client.frame('MESSAGE')).text).toBe('grüße')
  for (const client of clients) client.send('SEND', { destination: '/topic/up' }, 'x')
  await until(() => texts.length === 3)
})

test('gives a RECEIPT once every worker with a subscriber has the message, and waits for no other', async () => {
  const { clients, workers } = await three()
  const [first, second, third] = clients
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
  workers[1]?.owner.link.pause()
  workers[2]?.owner.link.pause()
  first.send('SEND', { destination: '/topic/a', receipt: 'a' })
  const neighbour = await clientOf(workers[0] as LinkedWorker)
  await neighbour.confirm('SEND', { destination: '/queue/a' })
  expect(first.received).toEqual([])
  workers[1]?.owner.link.resume()
  await first.frame('RECEIPT', { 'receipt-id': 'a' })
  await second.frame('MESSAGE')
  workers[2]?.owner.link.resume()
  await third.expectNothing()
})

test('does what follows a SUBSCRIBE once it is active', async () => {
  const { clients, workers } = await three()
  const [first, second] = clients
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/seen' })
  const neighbour = await clientOf(workers[0] as LinkedWorker)
  await neighbour.confirm('SUBSCRIBE', { id: '0', destination: '/topic/seen' })
  workers[0]?.atOwner.link.pause()
  first.write(
    frameText('SUBSCRIBE', { id: '0', destination: '/topic/*', receipt: 'subscribed' }) +
      frameText('SEND', { destination: '/topic/seen' }, 'own') +
      frameText('DISCONNECT', { receipt: 'bye' }),
  )
  second.send('SEND', { destination: '/topic/seen' }, 'another')
  expect((await neighbour.frame('MESSAGE')).text).toBe('another')
  await neighbour.expectNothing()
  workers[0]?.atOwner.link.resume()
  await first.frame('RECEIPT', { 'receipt-id': 'subscribed' })
  expect((await first.messages(2)).map(({ text }) => text)).toEqual(['another', 'own'])
  await first.frame('RECEIPT', { 'receipt-id': 'bye' })
  await first.expectClosed()
  expect((await neighbour.frame('MESSAGE')).text).toBe('own')
})

test('ends a session whose SUBSCRIBE waits for a primary that is gone, and does nothing of what follows it', async () => {
  const { clients, workers } = await three()
  const [first, second] = clients
  const neighbour = await clientOf(workers[0] as LinkedWorker)
  await neighbour.confirm('SUBSCRIBE', { id: '0', destination: '/topic/seen' })
  workers[0]?.atOwner.link.pause()
  first.write(
    frameText('SUBSCRIBE', { id: '0', destination: '/topic/a', receipt: 'r' }) +
      frameText('SEND', { destination: '/topic/seen' }, 'never'),
  )
  await second.roundTrip()
  workers[0]?.atOwner.link.destroy()
  await first.error('broker-closing', { 'receipt-id': 'r' })
  await neighbour.expectNothing()
})

test('gives a RECEIPT without waiting for a worker that is stuck with messages of others', async () => {
  const { clients, workers } = await three()
  const [first, second, third] = clients
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/b' })
  await third.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
  // What it was asked about before is of no interest any more.
  await first.confirm('SEND', { destination: '/topic/b' }, 'taken')
  workers[1]?.owner.link.pause()
  third.send('SEND', { destination: '/topic/b', receipt: 'b' }, 'not taken')
  const neighbour = await clientOf(workers[2] as LinkedWorker)
  await neighbour.confirm('SEND', { destination: '/queue/a' })
  await first.confirm('SEND', { destination: '/topic/a' }, 'of another topic')
  expect((await third.frame('MESSAGE')).text).toBe('of another topic')
  expect(third.received).toEqual([])
  workers[1]?.owner.link.resume()
  await third.frame('RECEIPT', { 'receipt-id': 'b' })
  expect((await second.messages(2)).map(({ text }) => text)).toEqual(['taken', 'not taken'])
})

test('cuts a worker that does not say for 30 s that it has a message, and lets nobody wait for it', async () => {
  const clock = new ManualClock()
  const faults: string[] = []
  const logger = {
    info: () => undefined,
    warn: () => undefined,
    error: (_: unknown, text: string) => faults.push(text),
  }
  const { clients, workers } = await three({ clock, logger })
  const [first, second] = clients
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
  workers[1]?.owner.link.pause()
  first.send('SEND', { destination: '/topic/a', receipt: 'a' })
  await until(() => clock.timers > 0)
  await clock.advance(29_000)
  expect(workers[1]?.atOwner.link.isClosed).toBe(false)
  await clock.advance(1_000)
  await first.frame('RECEIPT', { 'receipt-id': 'a' })
  expect(faults).toEqual(['a worker does not answer; it is cut'])
})

test('does not hold against a worker that what it says is not read for a while', async () => {
  const clock = new ManualClock()
  const { clients, workers } = await three({ clock })
  const [first, second] = clients
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
  const link = workers[1]?.atOwner.link
  link?.pause()
  first.send('SEND', { destination: '/topic/a', receipt: 'a' })
  await until(() => clock.timers > 0)
  await clock.advance(120_000)
  expect(link?.isClosed).toBe(false)
  link?.resume()
  await first.frame('RECEIPT', { 'receipt-id': 'a' })
})

test('forgets what a worker wanted that is gone', () => {
  const hub = new Hub()
  const got: string[] = []
  const member = (name: string): HubMember => ({ pass: () => got.push(name), whenTaken: (task) => task() })
  const [one, other] = [member('one'), member('other')]
  for (const name of ['/topic/a', '/topic/*']) hub.want(one, '', name)
  hub.publish(other, '', '/topic/a', new Uint8Array())
  hub.publish(one, '', '/topic/a', new Uint8Array())
  for (const name of ['/topic/a', '/topic/*']) hub.unwant(one, '', name)
  hub.publish(other, '', '/topic/a', new Uint8Array())
  expect(got).toEqual(['one'])
})

test('reads no worker while one has too much to take, and cuts one that never takes it', async () => {
  const faults: string[] = []
  const clock = new ManualClock()
  const logger = { error: (_fields: unknown, text: string) => faults.push(text) }
  const pressure = new Pressure({ clock, logger } as unknown as ConstructorParameters<typeof Pressure>[0])
  const link = () => {
    const said: string[] = []
    const each = {
      unsentBytes: 0,
      pause: () => said.push('pause'),
      resume: () => said.push('resume'),
      destroy: () => said.push('destroy'),
    }
    return { said, link: each as typeof each & { pause(): void; resume(): void; destroy(): void } }
  }
  const [slow, quick] = [link(), link()]
  for (const each of [slow, quick]) pressure.add(each)
  slow.link.unsentBytes = 17 * 1024 * 1024
  pressure.pressed(slow)
  pressure.pressed(slow)
  pressure.eased()
  expect([slow.said, quick.said]).toEqual([['pause'], ['pause']])
  slow.link.unsentBytes = 1
  pressure.eased()
  expect([slow.said, quick.said, clock.timers]).toEqual([['pause', 'resume'], ['pause', 'resume'], 0])
  slow.link.unsentBytes = 17 * 1024 * 1024
  pressure.pressed(slow)
  await clock.advance(29_000)
  expect(slow.said.at(-1)).toBe('pause')
  await clock.advance(1_000)
  pressure.remove(slow)
  expect([slow.said.at(-1), quick.said.at(-1), faults.length]).toEqual(['destroy', 'resume', 1])
})
