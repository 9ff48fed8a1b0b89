/** Every workload of `xtomp bench`, at small scale, over every transport and from several processes. */

import { type LoadOptions, measure, type Result, type WorkloadName } from '@xtomp/bench'
import type { Credentials } from '@xtomp/core'
import { describe, expect, test } from 'vitest'
import { until } from '../support/suite.js'
import { type Served, served } from './served.js'
import { slowBroker } from './slow-broker.js'

const TRANSPORTS = ['tcp', 'tls', 'ws', 'wss'] as const

async function measured(
  workload: WorkloadName,
  { url, ca }: Pick<Served, 'url' | 'ca'>,
  options: LoadOptions = {},
): Promise<Result> {
  const result = await measure(workload, { url, ca, seconds: 1, timeoutSeconds: 20, ...options })
  expect(result.fault).toBe(undefined)
  return result
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('connect subscribes every connection, and leaves none behind', async () => {
    const to = await served(transport)
    let most = 0
    to.broker.on('subscribe', () => {
      most = Math.max(most, to.broker.stats().subscriptions)
    })
    const { connections, connect, processes } = await measured('connect', to, { connections: 120, processes: 2 })
    expect([connections, processes, most]).toEqual([120, 2, 120])
    expect(connect.times?.count).toBe(120)
    expect(connect.perSecond).toBeGreaterThan(0)
    await until(() => to.broker.stats().sessions === 0, 'no session')
  })

  test('fanout delivers each message to each subscriber, within its window', async () => {
    const to = await served(transport)
    const { work } = await measured('fanout', to, { connections: 60, messages: 40, window: 4, processes: 2 })
    expect(work).toMatchObject({ sent: 40, received: 2_400 })
    expect(work?.times?.count).toBe(2_400)
  })

  test('queue acknowledges what it takes', async () => {
    const to = await served(transport)
    const { work } = await measured('queue', to, { messages: 500, ack: 'client-individual' })
    expect(work?.received).toBe(500)
    expect(to.broker.stats()).toMatchObject({ messages: 0 })
  })

  test('churn lets sessions come and go, and end well', async () => {
    const to = await served(transport)
    const reasons: string[] = []
    to.broker.on('disconnect', ({ reason }) => reasons.push(reason.code))
    const { work } = await measured('churn', to, { connections: 10, messages: 100, processes: 2 })
    expect(work?.cycles).toBe(100)
    expect(reasons.filter((code) => code === 'disconnect')).toHaveLength(100)
  })
})

test('queue takes out all that it puts in', async () => {
  const to = await served()
  const options = { messages: 3_000, producers: 2, consumers: 3, processes: 2 }
  const { work } = await measured('queue', to, options)
  expect(work).toMatchObject({ sent: 3_000, received: 3_000 })
  expect(to.broker.stats().messages).toBe(0)
})

test('echo has one message of each client in flight', async () => {
  const to = await served()
  const { work } = await measured('echo', to, { connections: 5, messages: 200 })
  expect(work).toMatchObject({ sent: 200, received: 200 })
  expect(work?.times?.p50Us).toBeGreaterThan(0)
  expect(work?.times?.p50Us).toBeLessThanOrEqual(work?.times?.maxUs ?? 0)
})

test.each(['tcp', 'wss'] as const)('over %s, storm cuts all at once, and all come back', async (transport) => {
  const to = await served(transport)
  let came = 0
  to.broker.on('subscribe', () => {
    came++
  })
  const { storm } = await measured('storm', to, { connections: 40, storms: 2, processes: 2 })
  expect(storm?.seconds).toHaveLength(2)
  expect(storm?.times?.count).toBe(80)
  // Forty, twice again, and the bystander.
  expect(came).toBe(121)
  expect(storm?.bystanderBefore?.count).toBeGreaterThan(0)
  expect(storm?.bystanderDuring?.count).toBeGreaterThan(0)
})

test('hold keeps sessions that do nothing', async () => {
  const to = await served()
  const { server, samples } = await measured('hold', to, { connections: 100, pids: [process.pid] })
  expect(server?.between).toEqual([5, 100])
  expect(samples.at(-1)?.connections).toBe(100)
  expect(samples.at(-1)?.brokerBytes).toBeGreaterThan(0)
  await until(() => to.broker.stats().sessions === 0, 'that all are gone, after the run')
})

test.each(['tcp', 'ws'] as const)('over %s, sessions beat as they promise', async (transport) => {
  // A second of silence, and a session is ended: that would be a fault.
  const heartBeat = { leastMs: 250, outgoingMs: 250, incomingMs: 250, graceFactor: 4 }
  const { samples } = await measured('hold', await served(transport, { heartBeat }), {
    connections: 50,
    seconds: 2,
    heartBeat: '250,250',
  })
  expect(samples.at(-1)?.connections).toBe(50)
})

test('a run that lasts some seconds ends after them, and leaves a queue empty', async () => {
  const to = await served()
  const { work } = await measured('queue', to, { seconds: 1, rate: 500 })
  expect(work?.received).toBe(work?.sent)
  expect(work?.sent).toBeLessThanOrEqual(550)
  expect(to.broker.stats().messages).toBe(0)
})

test('a run that lasts some seconds waits for what is on its way when they are over', async () => {
  let release: (() => void) | undefined
  const released = new Promise<true>((resolve) => (release = () => resolve(true)))
  let asked = 0
  const to = await served('tcp', {
    hooks: {
      // Nothing that was sent within the second is delivered within it.
      send: () => {
        if (asked++ === 0) setTimeout(() => release?.(), 1_500)
        return released
      },
    },
  })
  const { work } = await measured('queue', to, { seconds: 1, rate: 500 })
  expect(work?.sent).toBeGreaterThan(1)
  expect(work?.received).toBe(work?.sent)
  expect(asked).toBe(work?.sent)
  expect(to.broker.stats().messages).toBe(0)
})

test('fanout has as many messages on their way as the window allows, and never more', async () => {
  const slow = await slowBroker()
  const { work } = await measured(
    'fanout',
    { url: slow.url },
    { connections: 4, messages: 30, window: 3, processes: 2 },
  )
  expect(work).toMatchObject({ sent: 30, received: 120 })
  expect(slow.mostOpen()).toBe(3)
})

test('a broker that confirms no subscription is measured where none is to be confirmed', async () => {
  const silent = await slowBroker({ isConfirming: false })
  const shape = { url: silent.url, connections: 3, messages: 5, timeoutSeconds: 1 }
  expect(await measure('fanout', shape)).toMatchObject({
    isOk: false,
    fault: expect.stringContaining('1 sessions, 0 deliveries'),
  })
  const { isOk, work } = await measure('fanout', { ...shape, isUnconfirmed: true })
  expect(isOk).toBe(true)
  expect(work).toMatchObject({ sent: 5, received: 15 })
})

test('500 connections in two processes come from as many addresses as are asked for', async () => {
  const to = await served()
  const from = new Set<string | undefined>()
  to.broker.on('connect', ({ session }) => from.add(session.connection.remoteAddress))
  const { clientBytes } = await measured('connect', to, { connections: 500, processes: 2, sources: 4 })
  expect([...from].sort()).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'])
  expect(clientBytes).toBeGreaterThan(0)
})

test('login and passcode are those of the options, or those of the URL', async () => {
  const logins: (string | undefined)[] = []
  const authenticate = ({ login, passcode }: Credentials) => {
    logins.push(login)
    return passcode === 'a:b' ? { name: login ?? '' } : false
  }
  const { url } = await served('tcp', { hooks: { authenticate } })
  const withUser = url.replace('//', '//ann:a%3Ab@')
  const result = await measured('connect', { url: withUser }, { connections: 1 })
  await measured('connect', { url }, { connections: 1, login: 'bob', passcode: 'a:b' })
  expect(logins).toEqual(['ann', 'bob'])
  expect(JSON.stringify(result)).not.toContain('a%3Ab')
})
