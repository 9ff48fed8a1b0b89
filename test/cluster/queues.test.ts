/** Queues that the primary owns, as clients of several workers see them; over the real link, in one process. */

import { type Broker, connectMemory } from '@xtomp/core'
import { afterEach, expect, test } from 'vitest'
import { LinkedBrokers, type LinkedWorker } from '../support/linked-brokers.js'
import { until } from '../support/suite.js'
import { frameText, WireClient } from '../support/wire-client.js'

let brokers: LinkedBrokers

afterEach(() => brokers.close())

async function clientOf(broker: Broker): Promise<WireClient> {
  const client = await WireClient.dial((events) => connectMemory(broker, events))
  await client.connect({ 'heart-beat': '0,0' })
  return client
}

/** Two workers, and a client of each. */
async function two(
  ...parameters: Parameters<typeof LinkedBrokers.open> extends [number, ...infer Rest] ? Rest : never
) {
  brokers = await LinkedBrokers.open(2, ...parameters)
  const [first, second] = brokers.workers.map(({ broker }) => broker) as [Broker, Broker]
  return { first: await clientOf(first), second: await clientOf(second) }
}

test('delivers a message of one worker to a client of the other, with all that it had', async () => {
  const { first, second } = await two()
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client' })
  await first.confirm('SEND', { destination: '/queue/a', type: 'a\\cb', 'content-type': 'text/plain' }, 'grüße')
  const message = await second.frame('MESSAGE', { type: 'a:b', 'content-type': 'text/plain', destination: '/queue/a' })
  expect(message.text).toBe('grüße')
  await second.confirm('ACK', { id: message.headers.ack as string })
  await until(() => brokers.owner.broker.stats().messages === 0)
})

test('gives back in order what a worker that dies had, marked as redelivered', async () => {
  const { first, second } = await two()
  const [worker] = brokers.workers
  await first.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client-individual' })
  for (let at = 0; at < 300; at++) second.send('SEND', { destination: '/queue/a' }, `${at}`)
  const taken = await first.messages(3)
  for (const { headers } of taken) await first.confirm('ACK', { id: headers.ack as string })
  worker?.kill()
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client-individual' })
  const rest = await second.messages(297)
  expect(rest.map(({ text }) => text)).toEqual(Array.from({ length: 297 }, (_, at) => `${at + 3}`))
  expect(rest[0]?.headers.redelivered).toBe('true')
})

test('commits messages and acknowledgements of both workers’ queues as one, or nothing of it', async () => {
  const { first, second } = await two({ destinations: [{ match: '/queue/small', maxMessages: 1 }] })
  await second.confirm('SEND', { destination: '/queue/a' }, 'task')
  await first.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client-individual' })
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/done' })
  const task = await first.frame('MESSAGE')
  first.send('BEGIN', { transaction: 't' })
  first.send('ACK', { transaction: 't', id: task.headers.ack as string })
  first.send('SEND', { transaction: 't', destination: '/queue/small' }, 'result')
  first.send('SEND', { transaction: 't', destination: '/topic/done' }, 'done')
  await second.expectNothing()
  expect(brokers.owner.broker.stats().messages).toBe(1)
  await first.confirm('COMMIT', { transaction: 't' })
  expect((await second.frame('MESSAGE')).text).toBe('done')
  expect([...brokers.owner.broker.destinations()]).toMatchObject([
    { name: '/queue/a', messages: 0 },
    { name: '/queue/small', messages: 1 },
  ])
  await second.confirm('SEND', { destination: '/queue/a' }, 'another')
  const another = await first.frame('MESSAGE')
  first.send('BEGIN', { transaction: 'u' })
  first.send('ACK', { transaction: 'u', id: another.headers.ack as string })
  first.send('SEND', { transaction: 'u', destination: '/topic/done' }, 'never')
  first.send('SEND', { transaction: 'u', destination: '/queue/small' }, 'too much')
  first.send('COMMIT', { transaction: 'u', receipt: 'r' })
  await first.error('queue-full', { 'receipt-id': 'r' })
  await second.confirm('SUBSCRIBE', { id: '1', destination: '/queue/a', ack: 'client' })
  expect((await second.frame('MESSAGE', { subscription: '1', redelivered: 'true' })).text).toBe('another')
})

test('keeps what a slow worker’s client does not take with the primary, but for its credit', async () => {
  const { first, second } = await two()
  await first.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a' })
  first.pause()
  const body = 'x'.repeat(10_000)
  for (let at = 0; at < 1_000; at++) second.send('SEND', { destination: '/queue/a' }, body)
  await second.roundTrip()
  // What is with the client's connection is handed over; the credit is beyond that.
  await until(() => brokers.owner.broker.stats().messages < 1_000)
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a' })
  const others = await second.messages(700)
  expect(others).toHaveLength(700)
  first.resume()
  await until(() => brokers.owner.broker.stats().messages === 0)
})

test('turns away what a full queue rejects, without an end for anybody else of the worker', async () => {
  const { first, second } = await two({ destinations: [{ match: '/queue/small', maxMessages: 1 }] })
  const [worker] = brokers.workers
  const other = await clientOf((worker as (typeof brokers.workers)[number]).broker)
  await second.confirm('SEND', { destination: '/queue/small' }, 'one')
  first.send('SEND', { destination: '/queue/small', receipt: 'r' }, 'two')
  await first.error('queue-full', { 'receipt-id': 'r' })
  await other.roundTrip()
})

test('lets a producer wait for room that a consumer of another worker makes', async () => {
  const { first, second } = await two({ destinations: [{ match: '/queue/small', maxMessages: 1, whenFull: 'hold' }] })
  await first.confirm('SEND', { destination: '/queue/small' }, 'one')
  first.send('SEND', { destination: '/queue/small', receipt: 'two' }, 'two')
  await second.roundTrip()
  expect(first.received).toEqual([])
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/queue/small' })
  expect((await second.messages(2)).map(({ text }) => text)).toEqual(['one', 'two'])
  await first.frame('RECEIPT', { 'receipt-id': 'two' })
})

test('reads no more of a client whose message waits for room, until there is some', async () => {
  const { first, second } = await two({ destinations: [{ match: '/queue/small', maxMessages: 1, whenFull: 'hold' }] })
  await second.confirm('SUBSCRIBE', { id: 't', destination: '/topic/after' })
  await second.confirm('SEND', { destination: '/queue/small' }, 'one')
  first.send('SEND', { destination: '/queue/small' }, 'two')
  // What the primary answers this comes behind its word that the other is to wait.
  const neighbour = await clientOf(brokers.workers[0]?.broker as Broker)
  await neighbour.confirm('SEND', { destination: '/queue/b' })
  first.send('SEND', { destination: '/topic/after' }, 'three')
  await neighbour.roundTrip()
  await second.expectNothing()
  await second.confirm('SUBSCRIBE', { id: 'q', destination: '/queue/small' })
  expect((await second.messages(3)).map(({ text }) => text)).toEqual(['one', 'two', 'three'])
})

test('counts what a link has not got rid of as held', async () => {
  const { first, second } = await two({ limits: { unstoredBytes: 4_000_000 } })
  const [worker] = brokers.workers
  await first.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
  worker?.owner.link.pause()
  for (let at = 0; at < 100; at++) second.send('SEND', { destination: '/topic/a' }, 'x'.repeat(20_000))
  await until(() => brokers.owner.broker.stats().bytes > 1_000_000)
  worker?.owner.link.resume()
  await first.messages(100)
  await until(() => brokers.owner.broker.stats().bytes === 0)
})

test('gives every message an id of its own, whichever worker took it', async () => {
  const { first, second } = await two()
  const ids = new Set<string>()
  await first.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a' })
  for (const client of [first, second, first, second]) {
    await client.confirm('SEND', { destination: '/queue/a' })
    ids.add((await first.frame('MESSAGE')).headers['message-id'] as string)
  }
  expect(ids.size).toBe(4)
})

test('takes back what waits for room when its client is gone', async () => {
  const { first, second } = await two({ destinations: [{ match: '/queue/small', maxMessages: 1, whenFull: 'hold' }] })
  await second.confirm('SEND', { destination: '/queue/small' }, 'one')
  // Both may be read before the primary has said that the first is to wait.
  first.send('SEND', { destination: '/queue/small' }, 'never')
  first.send('SEND', { destination: '/queue/small' }, 'nor this')
  await second.roundTrip()
  first.abort()
  await first.closed
  await until(() => brokers.workers[0]?.broker.stats().sessions === 0)
  // The worker's word for it is behind this on the link.
  await (await clientOf(brokers.workers[0]?.broker as Broker)).confirm('SEND', { destination: '/queue/b' })
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/queue/small' })
  expect((await second.frame('MESSAGE')).text).toBe('one')
  await second.confirm('SEND', { destination: '/queue/small' }, 'two')
  expect((await second.frame('MESSAGE')).text).toBe('two')
})

/** Fills a queue, and has a client commit one message too many, and an acknowledgement with it. */
async function commitThatWaits(client: WireClient, other: WireClient): Promise<void> {
  await other.confirm('SEND', { destination: '/queue/small' }, 'one')
  await other.confirm('SEND', { destination: '/queue/a' }, 'task')
  await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client' })
  const { headers } = await client.frame('MESSAGE')
  client.send('BEGIN', { transaction: 't' })
  client.send('ACK', { transaction: 't', id: headers.ack as string })
  client.send('SEND', { transaction: 't', destination: '/queue/small' }, 'never')
  client.send('COMMIT', { transaction: 't', receipt: 'r' })
}

/** It was never done: what it acknowledged comes again, and the queue has what it had. */
async function expectNotCommitted(client: WireClient): Promise<void> {
  await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a' })
  expect((await client.frame('MESSAGE', { redelivered: 'true' })).text).toBe('task')
  await client.confirm('SUBSCRIBE', { id: '1', destination: '/queue/small' })
  expect((await client.frame('MESSAGE')).text).toBe('one')
}

test('takes back a COMMIT that waits for room when its client is gone, and gives back what it acknowledged', async () => {
  const { first, second } = await two({ destinations: [{ match: '/queue/small', maxMessages: 1, whenFull: 'hold' }] })
  await commitThatWaits(first, second)
  await second.roundTrip()
  first.abort()
  await expectNotCommitted(second)
  await second.expectNothing()
})

test('does what follows a SUBSCRIBE once it is active, and hands out in between what waits in the queue', async () => {
  const { first, second } = await two()
  for (const body of ['one', 'two']) await second.confirm('SEND', { destination: '/queue/a' }, body)
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/seen' })
  const [worker] = brokers.workers
  worker?.atOwner.link.pause()
  first.write(
    frameText('SUBSCRIBE', { id: '0', destination: '/queue/a' }) +
      frameText('SEND', { destination: '/topic/seen' }, 'behind it') +
      frameText('UNSUBSCRIBE', { id: '0', receipt: 'ended' }),
  )
  await second.expectNothing()
  worker?.atOwner.link.resume()
  expect((await first.messages(2)).map(({ text }) => text)).toEqual(['one', 'two'])
  await first.frame('RECEIPT', { 'receipt-id': 'ended' })
  expect((await second.frame('MESSAGE')).text).toBe('behind it')
})

test('hands nothing to a client that is gone while its SUBSCRIBE waits for the primary', async () => {
  const { first, second } = await two()
  const bodies = Array.from({ length: 10 }, (_, at) => `${at}`)
  for (const body of bodies) await second.confirm('SEND', { destination: '/queue/a' }, body)
  const [worker] = brokers.workers
  worker?.atOwner.link.pause()
  first.write(
    frameText('SUBSCRIBE', { id: '0', destination: '/queue/a' }) +
      frameText('SEND', { destination: '/queue/a' }, 'last'),
  )
  const neighbour = await clientOf(worker?.broker as Broker)
  first.abort()
  await first.closed
  await neighbour.roundTrip()
  worker?.atOwner.link.resume()
  await until(() => worker?.broker.stats().sessions === 1)
  await neighbour.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a' })
  const messages = await neighbour.messages(11)
  expect(messages.map(({ text, headers }) => `${text} ${headers.redelivered}`)).toEqual(
    [...bodies, 'last'].map((body) => `${body} undefined`),
  )
})

test('does nothing of what follows a SUBSCRIBE that the primary refuses', async () => {
  const { first, second } = await two({ limits: { destinations: 2 } })
  for (const name of ['a', 'b']) await second.confirm('SEND', { destination: `/queue/${name}` })
  const neighbour = await clientOf(brokers.workers[0]?.broker as Broker)
  await neighbour.confirm('SUBSCRIBE', { id: '0', destination: '/topic/seen' })
  first.write(
    frameText('SUBSCRIBE', { id: '0', destination: '/queue/c', receipt: 'r' }) +
      frameText('SEND', { destination: '/topic/seen' }, 'never'),
  )
  await first.error('destinations-too-many', { 'receipt-id': 'r' })
  await neighbour.expectNothing()
})

test('takes back what waits for room when its worker dies, and gives back what a COMMIT among it acknowledged', async () => {
  const { first, second } = await two({ destinations: [{ match: '/queue/small', maxMessages: 1, whenFull: 'hold' }] })
  const [worker] = brokers.workers as [LinkedWorker, LinkedWorker]
  await commitThatWaits(first, second)
  const other = await clientOf(worker.broker)
  other.send('SEND', { destination: '/queue/small' }, 'nor this')
  // Behind both on the link: by now the primary has said that they are to wait.
  await (await clientOf(worker.broker)).confirm('SEND', { destination: '/queue/b' })
  worker.kill()
  await until(() => worker.atOwner.link.isClosed)
  await expectNotCommitted(second)
  await second.confirm('SEND', { destination: '/queue/small' }, 'two')
  expect((await second.frame('MESSAGE')).text).toBe('two')
  await second.expectNothing()
})

test('cuts a worker that says what makes no sense, and does nothing of what it said after that', async () => {
  const faults: unknown[] = []
  const { second } = await two({}, faults)
  const [worker] = brokers.workers as [LinkedWorker, LinkedWorker]
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a' })
  // One write, and so what comes of it is one chunk.
  worker.broker.publish('/queue/a', 'before')
  worker.owner.link.frame(99).end()
  worker.broker.publish('/queue/a', 'after')
  worker.owner.link.frame(99).end()
  await until(() => worker.atOwner.link.isClosed)
  expect((await second.frame('MESSAGE')).text).toBe('before')
  await second.expectNothing()
  expect(faults).toMatchObject([{ message: 'a worker said 99, which is no word for the primary' }])
})
