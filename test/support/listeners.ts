/** For tests of listeners: brokers that leave nothing behind, clients of a listener, and what the system holds. */

import { mkdtemp, rm } from 'node:fs/promises'
import type { NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import type { Listener } from '@xtomp/net'
import { ManualClock } from '@xtomp/testing'
import { expect, onTestFinished } from 'vitest'
import { dialSocket } from './doors.js'
import { until } from './suite.js'
import { WireClient } from './wire-client.js'

/** A broker whose time stands still; at the end of the test it is closed, and holds nothing. */
export function open(options: BrokerOptions = {}): { broker: Broker; clock: ManualClock } {
  const clock = new ManualClock()
  const broker = createBroker({ clock, ...options })
  onTestFinished(async () => {
    await broker.close()
    expect(Object.entries(broker.stats()).filter(([, count]) => count !== 0)).toEqual([])
    expect(clock.timers).toBe(0)
  })
  return { broker, clock }
}

/** A folder of the test's own. */
export async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'xtomp-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

/** What the system holds for this process, of what a door is made of. */
function held(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Pipe|GetAddrInfo/.test(kind))
}

/** The test runner's own. */
const heldByRunner = held().join()

/** Nothing that a door or a client is made of is left. */
export async function expectNothingHeld(): Promise<void> {
  await until(() => held().join() === heldByRunner, 'all sockets and servers to be gone')
}

/** Where a listener is to be dialled. */
export function placeOf({ port, address }: Listener): NetConnectOpts {
  return port === undefined ? { path: address } : { port, host: address }
}

/** A client that has said nothing yet. */
export async function client(listener: Listener): Promise<WireClient> {
  const opened = await WireClient.dial(dialSocket(placeOf(listener)))
  onTestFinished(() => opened.abort())
  return opened
}

/** A client that is CONNECTED. */
export async function connected(listener: Listener): Promise<WireClient> {
  const opened = await client(listener)
  await opened.connect()
  return opened
}

/** The code with which it fails. */
export async function codeOf(failing: Promise<unknown>): Promise<unknown> {
  const failure = await failing.then(
    () => ({ code: 'none: it did not fail' }),
    (error: unknown) => error as { code?: unknown },
  )
  return failure.code
}
