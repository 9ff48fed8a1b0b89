/** Connections and the doors that take them: how many, when, and where. */

import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { ManualClock } from '@xtomp/testing'
import { expect, onTestFinished, test } from 'vitest'
import { dialSocket } from '../support/doors.js'
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
  const told: unknown[] = []
  broker.on('limit', ({ error }) => told.push(error.excess))
  const first = await connect()
  const second = await connect()
  for (let tries = 0; tries < 3; tries++) {
    const third = await client()
    third.send('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
    const error = await third.error('connections-too-many')
    expect(error.headers.message).toBeTruthy()
    expect(error.text).toContain('maxConnections')
  }
  expect(told).toHaveLength(3)
  expect(told[0]).toMatchObject({ limit: 2, seen: 3, unit: 'connections', option: 'maxConnections' })
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

test('opens on any free port, closes, and opens there again, while its broker goes on [240]', async () => {
  const broker = createBroker({ clock: new ManualClock() })
  onTestFinished(() => broker.close())
  broker.publish('/queue/kept', 'from before')
  let port = 0
  for (let times = 0; times < 4; times++) {
    const listener = await listen(broker, { port, host: '127.0.0.1' })
    if (times === 0) expect(listener.port).toBeGreaterThan(0)
    else expect(listener.port).toBe(port)
    port = listener.port as number
    const dial = dialSocket({ host: '127.0.0.1', port })
    const client = await WireClient.dial(dial)
    await client.connect()
    await client.confirm('SEND', { destination: '/queue/kept' }, String(times))
    await Promise.all([listener.close(), client.error('broker-closing')])
    expect(broker.stats().sessions).toBe(0)
    await expect(WireClient.dial(dial)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  }
  const listener = await listen(broker, { port, host: '127.0.0.1' })
  const client = await WireClient.dial(dialSocket({ host: '127.0.0.1', port }))
  await client.connect()
  await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/kept' })
  const kept = await client.messages(5)
  expect(kept.map(({ text, headers }) => [text, headers.redelivered])).toEqual(
    ['from before', '0', '1', '2', '3'].map((text) => [text, undefined]),
  )
  await Promise.all([broker.close(), client.error('broker-closing')])
  await listener.close()
  await expect(listen(broker, { port, host: '127.0.0.1' })).rejects.toMatchObject({ code: 'broker-closing' })
})

test('opens two doors at two free ports of one broker, each closed by itself [240]', async () => {
  const broker = createBroker({ clock: new ManualClock() })
  onTestFinished(() => broker.close())
  const doors = [await listen(broker, { port: 0 }), await listen(broker, { port: 0 })] as const
  const [one, other] = doors.map(({ port, address }) => dialSocket({ host: address, port: port as number })) as [
    ReturnType<typeof dialSocket>,
    ReturnType<typeof dialSocket>,
  ]
  expect(doors[0].port).not.toBe(doors[1].port)
  const [first, second] = [await WireClient.dial(one), await WireClient.dial(other)]
  for (const client of [first, second]) await client.connect()
  await second.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
  await first.confirm('SEND', { destination: '/topic/a' }, 'across')
  expect((await second.frame('MESSAGE')).text).toBe('across')
  await Promise.all([doors[0].close(), first.error('broker-closing')])
  await second.expectNothing()
  await Promise.all([broker.close(), second.error('broker-closing')])
})

test('opens no door at port -1, nor at one that does not exist, and says what is allowed [240]', async () => {
  const broker = createBroker({ clock: new ManualClock() })
  onTestFinished(() => broker.close())
  for (const port of [-1, 65_536]) {
    await expect(listen(broker, { port })).rejects.toThrow(
      new TypeError(`port must be a whole number from 0 to 65535; given ${port}`),
    )
  }
})
