/** Workers that may open few files: nobody is left waiting, the log is told, and who comes later is served. */

import type { TcpNetConnectOpts } from 'node:net'
import type { WorkerFacts } from '@xtomp/cluster'
import type { BrokerStats } from '@xtomp/core'
import { beforeAll, expect, test } from 'vitest'
import { expectBuilt } from '../support/built.js'
import { type Comer, crowdTo, fatesOf, knowsItsLimit } from '../support/few-files.js'
import { Host } from '../support/host.js'
import { until } from '../support/suite.js'

const TIMEOUT_MS = 60_000
const FILES = 128

if (!knowsItsLimit) console.log('no worker runs out of files: that needs /proc/self/limits')

// The processes import packages as they are built.
beforeAll(expectBuilt)

async function portOf(host: Host): Promise<number> {
  return (await host.ask<TcpNetConnectOpts>('opened')).port
}

test.skipIf(!knowsItsLimit)(
  'keeps files for those whom it refuses, and serves others when there are some again',
  {
    timeout: TIMEOUT_MS,
  },
  async () => {
    const host = await Host.start({ port: 0 }, FILES)
    const port = await portOf(host)
    const crowd: Comer[] = []
    // Not more at once than the primary has files for, which accepts for all.
    for (let portion = 0; portion < 6; portion++) {
      crowd.push(...crowdTo(port, 40))
      await until(() => crowd.every(({ fate }) => fate !== undefined), 'each to be told, or closed')
    }
    const { CONNECTED = 0, 'connections-too-many': refused = 0, closed = 0 } = fatesOf(crowd)
    expect(CONNECTED).toBeGreaterThan(FILES / 2)
    expect(refused).toBeGreaterThan(0)
    expect(CONNECTED + refused + closed).toBe(crowd.length)
    expect(await host.ask<BrokerStats>('stats')).toMatchObject({ sessions: expect.any(Number) })
    const refusing = expect.stringMatching(/^clients are refused.*ulimit -n/)
    expect(await host.ask<string[]>('warnings')).toContainEqual(refusing)
    for (const { socket } of crowd) socket.destroy()
    await host.until<BrokerStats>('stats', ({ sessions }) => sessions === 0)
    for (let clients = 0; clients < FILES / 2; clients++) await host.connect()
    expect(await host.ask<BrokerStats>('stats')).toMatchObject({ sessions: FILES / 2 })
  },
)

test.skipIf(!knowsItsLimit)(
  'closes what a worker without any file was handed, and hands it others when it has some',
  {
    timeout: TIMEOUT_MS,
  },
  async () => {
    const host = await Host.start({ port: 0 }, FILES)
    const hoarder = await host.client()
    await hoarder.connect({ login: 'hoarder', passcode: '' })
    const crowd = crowdTo(await portOf(host), 20)
    await until(() => crowd.every(({ fate }) => fate !== undefined), 'each to be told, or closed')
    expect(fatesOf(crowd)).toEqual({ CONNECTED: expect.any(Number), closed: expect.any(Number) })
    expect(await host.ask<string[]>('warnings')).toEqual([expect.stringContaining('ulimit -n')])
    for (const { socket } of crowd) socket.destroy()
    await hoarder.disconnect()
    await host.until<BrokerStats>('stats', ({ sessions }) => sessions === 0)
    for (let clients = 0; clients < 8; clients++) await host.connect()
    const workers = (await host.ask<{ worker: number }[]>('sessions')).map(({ worker }) => worker)
    expect(new Set(workers).size).toBe(2)
  },
)

test.skipIf(!knowsItsLimit)(
  'warns that the primary, which accepts for all, has few files left',
  {
    timeout: TIMEOUT_MS,
  },
  async () => {
    const host = await Host.start({ port: 0 }, FILES)
    await host.connect()
    expect(await host.ask<string[]>('warnings')).toEqual([])
    await host.ask('hoard', 4)
    await host.connect()
    const warning = expect.stringMatching(/^clients come faster.*ulimit -n/)
    expect(await host.ask<string[]>('warnings')).toEqual([warning])
  },
)

test('replaces a worker for which there was no memory at first', { timeout: TIMEOUT_MS }, async () => {
  const host = await Host.start()
  const [worker] = await host.ask<WorkerFacts[]>('workers')
  await host.ask('refuseProcess')
  process.kill(worker?.pid as number, 'SIGKILL')
  const errors = await host.until<string[]>('errors', ({ length }) => length > 0)
  expect(errors).toEqual([expect.stringContaining('a worker could not be started')])
  await host.until<WorkerFacts[]>('workers', (workers) => workers.length === 2 && workers[0]?.pid !== worker?.pid)
})

test.skipIf(!knowsItsLimit)(
  'replaces a worker that ended while the primary had no file, once it has some',
  {
    timeout: TIMEOUT_MS,
  },
  async () => {
    const host = await Host.start({ port: 0 }, FILES)
    const [worker] = await host.ask<WorkerFacts[]>('workers')
    await host.ask('hoard')
    process.kill(worker?.pid as number, 'SIGKILL')
    const errors = await host.until<string[]>('errors', ({ length }) => length > 0)
    expect(errors[0]).toContain('ulimit -n')
    await host.ask('share')
    await host.until<WorkerFacts[]>('workers', (workers) => workers.length === 2 && workers[0]?.pid !== worker?.pid)
    await host.connect()
  },
)
