/** Workers as processes of their own: what a host sees of them, and what is lost when one is killed. */

import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorkerDestination, WorkerFacts, WorkerSession } from '@xtomp/cluster'
import type { BrokerStats } from '@xtomp/core'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { nodeArguments } from '../../packages/cluster/src/primary/node-arguments.js'
import { watchHandoffs } from '../../packages/cluster/src/primary/watch-handoffs.js'
import { expectBuilt } from '../support/built.js'
import { Host } from '../support/host.js'
import { freePort } from '../support/programs.js'
import { randomFrom, seedOfRun } from '../support/random.js'
import { until } from '../support/suite.js'
import { canSharePorts, tcpSocketsAt } from '../support/tcp-sockets.js'
import type { WireClient } from '../support/wire-client.js'

const TIMEOUT_MS = 60_000
const MESSAGES = 600
const KILLS = 3

// The processes import packages as they are built.
beforeAll(expectBuilt)

test('serves 500 connections on two workers, and loses those of a killed one alone', {
  timeout: TIMEOUT_MS,
}, async () => {
  const host = await Host.start()
  const clients: WireClient[] = []
  while (clients.length < 500) {
    const some = await Promise.all(Array.from({ length: 50 }, () => host.connect()))
    for (const client of some) await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/all' })
    clients.push(...some)
  }
  expect(await host.ask<BrokerStats>('stats')).toMatchObject({ sessions: 500, subscriptions: 500 })
  const sessions = await host.ask<WorkerSession[]>('sessions')
  const [first, second] = await host.ask<WorkerFacts[]>('workers')
  const ofFirst = sessions.filter(({ worker }) => worker === first?.worker).length
  expect(sessions.length - ofFirst).toBe(sessions.filter(({ worker }) => worker === second?.worker).length)
  expect(sessions[0]).toMatchObject({ version: '1.2', state: 'connected', user: { worker: sessions[0]?.worker } })
  expect(sessions[0]).toMatchObject({ user: { node: expect.arrayContaining(['--max-semi-space-size=2']) } })
  await host.ask('publish', '/topic/all')
  for (const client of clients) expect((await client.frame('MESSAGE')).text).toBe('from the primary')
  await host.kill(first as WorkerFacts)
  const lost = clients.filter((client) => client.isClosed)
  expect(lost.length).toBe(ofFirst)
  const left = clients.filter((client) => !client.isClosed)
  const producer = await host.connect()
  await producer.confirm('SEND', { destination: '/topic/all' }, 'still here')
  for (const client of left) expect((await client.frame('MESSAGE')).text).toBe('still here')
  expect(await host.ask<BrokerStats>('stats')).toMatchObject({ sessions: left.length + 1, subscriptions: left.length })
  const [topic, ...others] = await host.ask<WorkerDestination[]>('destinations')
  expect([topic, others]).toMatchObject([{ name: '/topic/all', type: 'topic', subscriptions: left.length }, []])
})

if (!canSharePorts) console.log('no worker listens by itself: that needs Linux and Node 22.12')

test.skipIf(!canSharePorts)(
  'has the system spread connections where each worker listens by itself',
  {
    timeout: TIMEOUT_MS,
  },
  async () => {
    const port = await freePort()
    const host = await Host.start({ port, reusePort: true })
    expect(await host.ask('opened')).toEqual({ host: '127.0.0.1', port })
    const listening = (): number => tcpSocketsAt(port).filter(({ isListening }) => isListening).length
    expect(listening()).toBe(2)
    // That all of 64 come to one of two is as likely as 1 in 2 to the 63.
    const clients = await Promise.all(Array.from({ length: 64 }, () => host.connect()))
    for (const client of clients) await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/all' })
    const sessions = await host.ask<WorkerSession[]>('sessions')
    expect(new Set(sessions.map(({ worker }) => worker)).size).toBe(2)
    await host.ask('publish', '/topic/all')
    for (const client of clients) expect((await client.frame('MESSAGE')).text).toBe('from the primary')
    const [worker] = await host.ask<WorkerFacts[]>('workers')
    await host.kill(worker as WorkerFacts)
    expect(listening()).toBe(2)
    await host.connect()
  },
)

test.each([
  [
    'keeps what this process was told',
    ['--enable-source-maps'],
    undefined,
    ['--enable-source-maps', '--max-semi-space-size=2'],
  ],
  ['leaves a size that it was told', ['--max-semi-space-size=8'], '', ['--max-semi-space-size=8']],
  ['leaves a size that NODE_OPTIONS says', [], '--no-warnings --max_semi_space_size=8', []],
])('gives what dies young little room in a worker: %s', (_, own, nodeOptions, given) => {
  expect(nodeArguments(own, nodeOptions)).toEqual(given)
})

test('serves a UNIX socket on two workers, whichever of them ends, and removes it', {
  timeout: TIMEOUT_MS,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 's')
  const host = await Host.start({ path })
  /** Two clients of two workers, who hear each other. */
  async function meet(): Promise<void> {
    const clients = [await host.connect(), await host.connect()] as const
    const sessions = await host.ask<WorkerSession[]>('sessions')
    expect(new Set(sessions.map(({ worker }) => worker)).size).toBe(2)
    expect(sessions.every(({ connection }) => connection.transport === 'unix')).toBe(true)
    for (const client of clients) await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    await clients[0].confirm('SEND', { destination: '/topic/a' }, 'one')
    for (const client of clients) expect((await client.frame('MESSAGE')).text).toBe('one')
    for (const client of clients) client.abort()
    await host.until<BrokerStats>('stats', ({ sessions }) => sessions === 0)
  }
  await meet()
  for (const worker of await host.ask<WorkerFacts[]>('workers')) {
    await host.kill(worker)
    await meet()
  }
  const ended = once(host.child, 'exit')
  void host.ask('close')
  expect(await ended).toEqual([0, null])
  expect(existsSync(path)).toBe(false)
})

test('drains and ends all processes when it is closed', { timeout: TIMEOUT_MS }, async () => {
  const host = await Host.start()
  const client = await host.connect()
  const [worker] = await host.ask<WorkerFacts[]>('workers')
  const ended = once(host.child, 'exit')
  void host.ask('close')
  await client.error('broker-closing')
  expect(await ended).toEqual([0, null])
  expect(() => process.kill(worker?.pid as number, 0)).toThrow('ESRCH')
})

test('lets a worker that is told to stop drain and end by itself', { timeout: TIMEOUT_MS }, async () => {
  const host = await Host.start()
  const clients = [await host.connect(), await host.connect()]
  const [worker] = await host.ask<WorkerFacts[]>('workers')
  process.kill(worker?.pid as number, 'SIGTERM')
  await Promise.any(clients.map((client) => client.error('broker-closing')))
  expect(await host.until<unknown[]>('ends', ({ length }) => length > 0)).toEqual([0])
})

test('closes the connection that a killed worker was handed and never took', { timeout: TIMEOUT_MS }, async () => {
  const host = await Host.start()
  const [stopped] = await host.ask<WorkerFacts[]>('workers')
  process.kill(stopped?.pid as number, 'SIGSTOP')
  // Of two connections it is handed one, and no other until it has answered.
  const clients = [await host.client(), await host.client()]
  for (const client of clients) client.send('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
  await until(() => clients.some(({ received }) => received.length > 0), 'CONNECTED')
  const [waiting, ...others] = clients.filter(({ received }) => received.length === 0) as [WireClient, ...WireClient[]]
  expect(others).toEqual([])
  await host.connect()
  expect(waiting.isClosed).toBe(false)
  await host.kill(stopped as WorkerFacts)
  await waiting.expectClosed()
})

/** A worker's process as Node's primary has it, and what is closed of what it was handed. */
function handedTo() {
  const closed: string[] = []
  const sent: unknown[] = []
  const send = (...said: unknown[]) => sent.push(said) > 0
  const worker = Object.assign(new EventEmitter(), { connected: true, send }) as unknown as ChildProcess
  let lost = 0
  const numbers: unknown[] = []
  watchHandoffs(worker, { handed: (fd) => numbers.push(fd), lost: () => lost++ })
  const hand = (name: string, message: object) =>
    worker.send({ cmd: 'NODE_CLUSTER', act: 'newconn', ...message }, { close: () => closed.push(name), fd: 7 } as never)
  const answer = (message: object) => worker.emit('internalMessage', { cmd: 'NODE_CLUSTER', ...message })
  const end = (event: string, connected: boolean) => Object.assign(worker, { connected }).emit(event)
  const answers: unknown[] = []
  worker.on('internalMessage', (message) => answers.push(message))
  const cameWithout = (): number => {
    worker.emit('internalMessage', { cmd: 'NODE_HANDLE_NACK' })
    return lost
  }
  return { worker, closed, sent, numbers, hand, answer, answers, end, cameWithout }
}

test('closes what was handed over and not answered, once no answer can come any more', () => {
  const { closed, sent, numbers, hand, answer, end } = handedTo()
  expect(hand('accepted', { key: 'a', seq: 0 })).toBe(true)
  expect(numbers).toEqual([7])
  answer({ ack: 0, accepted: true })
  hand('given to another', { key: 'a', seq: 1 })
  hand('of another port', { key: 'b', seq: 2 })
  answer({ ack: 1, accepted: false })
  hand('not answered', { key: 'a', seq: 3 })
  answer({ ack: 99 })
  answer({ act: 'listening' })
  end('exit', true)
  expect(closed).toEqual([])
  end('close', false)
  end('disconnect', false)
  expect(closed.sort()).toEqual(['not answered', 'of another port'])
  expect(sent).toHaveLength(4)
})

test('answers for a worker that had no file for what it was handed, so that it is closed and others are handed over', () => {
  const { hand, answer, answers, cameWithout } = handedTo()
  hand('accepted', { key: 'a', seq: 0 })
  hand('lost', { key: 'b', seq: 1 })
  hand('behind it', { key: 'c', seq: 2 })
  answer({ ack: 0, accepted: true })
  hand('last', { key: 'a', seq: 3 })
  answers.length = 0
  expect(cameWithout()).toBe(1)
  expect(answers).toContainEqual({ cmd: 'NODE_CLUSTER', ack: 1, accepted: true })
  expect(cameWithout()).toBe(2)
  expect(answers).toContainEqual({ cmd: 'NODE_CLUSTER', ack: 2, accepted: true })
  expect(cameWithout()).toBe(3)
  expect(cameWithout()).toBe(3)
  expect(answers.filter((message) => Object.hasOwn(message as object, 'ack'))).toHaveLength(3)
})

test('answers for no worker that is sent sockets by others, too: which was lost is not known', () => {
  const { worker, hand, cameWithout } = handedTo()
  hand('handed over', { key: 'a', seq: 0 })
  worker.send('a socket of the host', {} as never)
  expect(cameWithout()).toBe(0)
})

test('closes nothing where Node hands connections over in another way', () => {
  const { closed, sent, hand, answer, end } = handedTo()
  hand('another word', { act: 'connection', key: 'a', seq: 0 })
  hand('no number', { key: 'a' })
  hand('answered in another way', { key: 'b', seq: 1 })
  answer({ done: 1 })
  hand('the next of that port', { key: 'b', seq: 2 })
  answer({ ack: 2 })
  end('disconnect', false)
  expect(closed).toEqual([])
  expect(sent).toHaveLength(4)
})

test('ends its workers when the primary is killed', { timeout: TIMEOUT_MS }, async () => {
  const host = await Host.start()
  const client = await host.connect()
  host.child.kill('SIGKILL')
  await client.closed
})

test('loses nothing that was confirmed, with workers killed at random', { timeout: TIMEOUT_MS }, async () => {
  const host = await Host.start()
  const random = randomFrom(seedOfRun())
  const destination = '/queue/work'
  const got = new Set<string>()
  const confirmed: string[] = []
  const clients = new Set<WireClient>()
  let isOver = false

  /** Works with one connection after the other, each until it is lost. */
  async function working(work: (client: WireClient) => Promise<void>): Promise<void> {
    while (!isOver) {
      try {
        const client = await host.client()
        clients.add(client)
        await client.connect({ 'heart-beat': '0,0' })
        await work(client)
      } catch (error) {
        if (!isOver && ![...clients].some((client) => client.isClosed)) throw error
      }
    }
  }

  const consuming = [0, 1, 2].map(() =>
    working(async (client) => {
      await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client-individual', 'prefetch-count': '5' })
      while (!isOver) {
        const { headers, text } = await client.frame('MESSAGE')
        got.add(text)
        await client.confirm('ACK', { id: headers.ack as string })
      }
    }),
  )
  const producing = working(async (client) => {
    while (confirmed.length < MESSAGES) {
      const body = `${confirmed.length}`
      await client.confirm('SEND', { destination }, body)
      confirmed.push(body)
    }
    await until(() => confirmed.every((body) => got.has(body)), 'all that was confirmed')
    isOver = true
  })
  for (let kills = 1; kills <= KILLS; kills++) {
    await until(() => got.size >= (kills * MESSAGES) / (KILLS + 1), 'messages between two kills')
    const workers = await host.ask<WorkerFacts[]>('workers')
    await host.kill(workers[Math.floor(random() * workers.length)] as WorkerFacts)
  }
  await producing
  for (const client of clients) client.abort()
  await Promise.all(consuming)
  const isEmpty = ({ sessions, messages, unacknowledged, bytes }: BrokerStats): boolean =>
    sessions + messages + unacknowledged + bytes === 0
  await host.until('stats', isEmpty)
  const ends = await host.until<readonly unknown[]>('ends', ({ length }) => length >= KILLS)
  expect(ends).toEqual(Array.from({ length: KILLS }, () => 'SIGKILL'))
  expect(await host.ask('errors')).toEqual([])
})
