/** How many connections a door takes: a listener's own limit, told to whoever is refused. */

import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { expect, onTestFinished, test } from 'vitest'
import { dialSocket } from '../support/doors.js'
import { ManualClock } from '../support/manual-clock.js'
import { until } from '../support/suite.js'
import { WireClient } from '../support/wire-client.js'

async function limited(maxConnections: number) {
  const broker = createBroker({ clock: new ManualClock() })
  const listener = await listen(broker, { port: 0, host: '127.0.0.1', maxConnections })
  onTestFinished(async () => {
    await broker.close()
    await listener.close()
    expect(Object.entries(broker.stats()).filter(([, count]) => count !== 0)).toEqual([])
  })
  const dial = dialSocket({ host: '127.0.0.1', port: listener.port as number })
  const client = async () => {
    const opened = await WireClient.dial(dial)
    onTestFinished(() => opened.abort())
    return opened
  }
  const connect = async () => {
    const connected = await client()
    await connected.connect()
    return connected
  }
  return { broker, client, connect }
}

test('refuses a connection beyond the limit with a clear ERROR, and takes one again when one has gone [79]', async () => {
  const { broker, client, connect } = await limited(2)
  const first = await connect()
  const second = await connect()
  for (let tries = 0; tries < 3; tries++) {
    const third = await client()
    third.send('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
    const error = await third.error('connections-too-many')
    expect(error.headers.message).toBeTruthy()
    expect(error.text).toContain('maxConnections')
  }
  await first.expectNothing()
  await second.disconnect()
  await until(() => broker.stats().sessions === 1, 'one session')
  const next = await connect()
  await next.expectNothing()
  await first.expectNothing()
})

test('counts a connection that breaks before its CONNECT as gone [79]', async () => {
  const { broker, client, connect } = await limited(1)
  const silent = await client()
  await until(() => broker.stats().sessions === 1, 'one session')
  silent.abort()
  await until(() => broker.stats().sessions === 0, 'no session')
  await connect()
})

test('takes nobody at a limit of 0 [79]', async () => {
  const { client } = await limited(0)
  const first = await client()
  await first.error('connections-too-many')
})

test('takes many without a limit [79]', async () => {
  const { broker, connect } = await limited(Number.POSITIVE_INFINITY)
  const clients = await Promise.all(Array.from({ length: 50 }, connect))
  expect(broker.stats().sessions).toBe(50)
  for (const client of clients) await client.disconnect()
})
