/** The log: what happens in a broker as lines, at levels that fit, with no passcode in any. */

import { Writable } from 'node:stream'
import { type Broker, type BrokerOptions, connectMemory, createBroker } from '@xtomp/core'
import { ManualClock } from '@xtomp/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { LogFormat, LogLevel } from '../../packages/cli/src/config/config.js'
import { createLog } from '../../packages/cli/src/log/create-log.js'
import { logEvents } from '../../packages/cli/src/log/log-events.js'
import { until } from '../support/suite.js'
import { WireClient } from '../support/wire-client.js'
import { testStreams } from './streams.js'

interface Logged {
  readonly broker: Broker
  readonly clock: ManualClock
  readonly lines: readonly Record<string, unknown>[]
}

async function logged(level: LogLevel, options: BrokerOptions = {}): Promise<Logged> {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>)
  const logger = await createLog({ level }, testStreams().stderr, { write })
  const clock = new ManualClock()
  const broker = createBroker({ clock, logger, ...options })
  logEvents(broker, logger)
  onTestFinished(() => broker.close())
  return { broker, clock, lines }
}

function dial(broker: Broker): Promise<WireClient> {
  return WireClient.dial((events) => connectMemory(broker, events))
}

/** The lines without what changes each time. */
function shown({ lines }: Logged): unknown[] {
  return lines.map(({ level, msg, code, destination, count }) =>
    JSON.parse(JSON.stringify({ level, msg, code, destination, count })),
  )
}

describe('the log', () => {
  test('tells who comes and goes, and why', async () => {
    const log = await logged('debug', { hooks: { authenticate: ({ login }) => ({ login }) } })
    const client = await dial(log.broker)
    await client.connect({ login: 'ann', passcode: 'hunter2' })
    await client.confirm('SUBSCRIBE', { id: 0, destination: '/topic/a' })
    await client.confirm('UNSUBSCRIBE', { id: 0 })
    await client.disconnect()
    expect(log.lines[0]).toMatchObject({
      level: 'debug',
      login: 'ann',
      transport: 'memory',
      version: '1.2',
      host: 'localhost',
    })
    expect(shown(log)).toEqual([
      { level: 'debug', msg: 'a client has connected' },
      { level: 'debug', msg: 'a subscription is active', destination: '/topic/a' },
      { level: 'debug', msg: 'a subscription has ended', destination: '/topic/a' },
      { level: 'debug', msg: 'a client has gone', code: 'disconnect' },
    ])
  })

  test('tells of a limit by default, and of no client that comes and goes in good order', async () => {
    const log = await logged('info', { limits: { connectBytes: 100 } })
    const peaceful = await dial(log.broker)
    await peaceful.connect()
    await peaceful.disconnect()
    const client = await dial(log.broker)
    client.send('CONNECT', { 'accept-version': '1.2', host: 'x'.repeat(100) })
    await client.error('connect-too-large')
    expect(shown(log)).toEqual([
      { level: 'warn', msg: 'a client was refused for a limit', code: 'connect-too-large', count: 1 },
    ])
  })

  test('warns of sessions that ended with an ERROR, in one line each, once a second at most, and says how many', async () => {
    const log = await logged('warn', { limits: { subscriptions: 0 } })
    const fail = async () => {
      const client = await dial(log.broker)
      await client.connect()
      client.send('SUBSCRIBE', { id: '0', destination: '/topic/a' })
      await client.error('subscriptions-too-many')
    }
    for (let count = 0; count < 4; count++) await fail()
    const one = { level: 'warn', msg: 'a client has gone', code: 'subscriptions-too-many', count: 1 }
    expect(shown(log)).toEqual([one])
    await log.clock.advance(1_000)
    expect(shown(log)).toEqual([one, { ...one, count: 3 }])
  })

  test('warns of a session whose connection broke', async () => {
    const log = await logged('debug')
    const client = await dial(log.broker)
    await client.connect()
    client.abort()
    await until(() => log.lines.length > 1, 'the end')
    expect(shown(log).at(-1)).toEqual({ level: 'warn', msg: 'a client has gone', code: 'peer-lost', count: 1 })
  })

  test('warns of dead letters and slow consumers, once a second at most, and says how many', async () => {
    const log = await logged('warn', {
      destinations: [{ match: '/queue/small', maxMessages: 1, whenFull: 'drop-oldest' }],
    })
    for (let count = 0; count < 5; count++) log.broker.publish('/queue/small', 'x')
    const one = { level: 'warn', msg: 'a message was given up', destination: '/queue/small', count: 1 }
    expect(shown(log)).toEqual([one])
    await log.clock.advance(1_000)
    expect(shown(log)).toEqual([one, { ...one, count: 3 }])
    await log.clock.advance(10_000)
    log.broker.publish('/queue/small', 'x')
    expect(shown(log)).toEqual([one, { ...one, count: 3 }, one])
  })

  test('warns of a consumer that is too slow', async () => {
    const log = await logged('warn', {
      destinations: [{ match: '/topic/a', backlogBytes: 0, whenSlow: 'drop-newest' }],
    })
    const client = await dial(log.broker)
    await client.connect()
    await client.confirm('SUBSCRIBE', { id: 'slow', destination: '/topic/a', ack: 'client', 'prefetch-count': 1 })
    for (let count = 0; count < 4; count++) log.broker.publish('/topic/a', 'x')
    expect(shown(log)).toEqual([
      { level: 'warn', msg: 'a consumer is too slow: its backlog is full', destination: '/topic/a', count: 1 },
    ])
    expect(log.lines[0]).toMatchObject({ id: 'slow' })
  })

  test('holds nothing that a hook threw as its passcode, and of faults what was thrown', async () => {
    const hooks = {
      authenticate: () => {
        throw Object.assign(new Error('no users'), { passcode: 'hunter2' })
      },
    }
    const log = await logged('error', { hooks })
    const client = await dial(log.broker)
    client.send('CONNECT', { 'accept-version': '1.2', host: '/', login: 'ann', passcode: 'hunter2' })
    await client.error('hook-failed')
    expect(log.lines).toMatchObject([{ level: 'error', err: { message: 'no users' } }])
    expect(JSON.stringify(log.lines)).not.toContain('hunter2')
  })

  test.each(['error', 'silent'] as const)('listens to no event at the level %s', async (level) => {
    const heard: string[] = []
    const { broker, clock } = await logged(level)
    const spy = { clock, on: (event: string) => heard.push(event) } as unknown as Broker
    logEvents(spy, await createLog({ level }, testStreams().stderr, { write: () => undefined }))
    expect(heard).toEqual([])
    expect(broker.stats().sessions).toBe(0)
  })

  const looks: [isTTY: boolean, format: LogFormat | undefined, wanted: RegExp][] = [
    [false, undefined, /^{"level":"warn","time":"[^"]+","a":1,"msg":"hello"}\n$/],
    [true, 'json', /^{"level":"warn",/],
    [true, undefined, /hello.*"a":1/],
    [false, 'pretty', /^\[[\d:.]+\] WARN: hello {"a":1}\n$/],
  ]
  test.each(looks)('on a terminal (%s) with the format %s looks like %s', async (isTTY, format, wanted) => {
    const { stderr } = testStreams({ isTTY })
    let text = ''
    const destination = new Writable({
      write: (chunk, _encoding, done) => {
        text += chunk
        done()
      },
    })
    const logger = await createLog({ level: 'info', format }, stderr, destination)
    logger.warn({ a: 1 }, 'hello')
    await expect.poll(() => text).toMatch(wanted)
    expect(text.includes('\u001b')).toBe(isTTY && format === undefined)
  })
})
