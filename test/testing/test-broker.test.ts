/** The test broker itself: it is a real one, nothing of it stays, and its faults strike connections of any door. */

import { spawn } from 'node:child_process'
import { createBroker, type StompError } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { createTestBroker } from '@xtomp/testing'
import { expect, onTestFinished, test } from 'vitest'
import { dialSocket } from '../support/doors.js'
import { RunningProgram } from '../support/programs.js'
import { root } from '../support/sources.js'
import { until } from '../support/suite.js'
import { WireClient } from '../support/wire-client.js'

test('is a broker, with its options, its refusals and its events', async () => {
  await using broker = createTestBroker({
    hooks: { authenticate: ({ passcode }) => (passcode === 'right' ? { name: 'ann' } : null) },
  })
  const users: string[] = []
  broker.on('connect', ({ session }) => users.push(session.user.name))
  for (const passcode of ['right', 'wrong']) {
    const socket = broker.socket()
    socket.resume()
    socket.write(`CONNECT\naccept-version:1.2\nhost:/\npasscode:${passcode}\n\n\0`)
  }
  await broker.clock.settled()
  expect(users).toEqual(['ann'])
  expect(broker.transcript()).toContain('auth-failed')
  expect(() => createTestBroker({ limits: { headers: -1 } })).toThrow('limits.headers')
})

test('logs nothing, and keeps what it would have logged as an error', async () => {
  await using broker = createTestBroker()
  const failure = new Error('the listener failed')
  broker.on('subscribe', () => {
    throw failure
  })
  const socket = broker.socket()
  socket.resume()
  socket.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0')
  await broker.clock.settled()
  expect(broker.errors).toEqual([failure])
})

test('closes whatever holds on: faults, clients that take nothing, and time that stands still', async () => {
  const broker = createTestBroker()
  const socket = broker.socket()
  socket.on('error', () => undefined)
  socket.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0SUBSCRIBE\nid:0\ndestination:/queue/a\n\n\0')
  await broker.clock.settled()
  broker.faults.delay(60_000)
  broker.faults.merge(100)
  for (let count = 0; count < 20; count++) broker.publish('/queue/a', new Uint8Array(100_000))
  await broker.clock.settled()
  broker.faults.halfClose()
  await broker.close()
  expect([broker.stats().sessions, broker.connections, broker.clock.timers]).toEqual([0, [], 0])
  const late = broker.webSocket()
  const closed = new Promise((resolve) => late.addEventListener('close', resolve))
  expect(await closed).toMatchObject({ code: 1001 })
})

test('strikes with its faults the connections of any door', async () => {
  const broker = createTestBroker()
  const listener = await listen(broker, { port: 0, host: '127.0.0.1' })
  onTestFinished(() => broker.close())
  const client = await WireClient.dial(dialSocket({ host: '127.0.0.1', port: listener.port as number }))
  await client.connect()
  expect(broker.connections.map(({ transport }) => transport)).toEqual(['tcp'])
  const swallow = broker.connections[0]?.faults.swallow('RECEIPT')
  client.send('BEGIN', { transaction: 't', receipt: 'never' })
  await until(() => broker.transcript().includes('(swallowed)'))
  swallow?.end()
  broker.faults.split(3)
  await client.confirm('ABORT', { transaction: 't' })
  broker.faults.answerNext({ to: 'SEND', code: 'my-own', message: 'so there' })
  client.send('SEND', { destination: '/queue/a', receipt: 'r' })
  await client.error('my-own', { message: 'so there', 'receipt-id': 'r' })
  await until(() => broker.stats().sessions === 0)
  expect(broker.stats().messages).toBe(0)
})

test('ends its side of a connection of any door, and drops it', async () => {
  const broker = createTestBroker()
  const listener = await listen(broker, { port: 0, host: '127.0.0.1' })
  onTestFinished(() => broker.close())
  const dial = dialSocket({ host: '127.0.0.1', port: listener.port as number })
  const client = await WireClient.dial(dial)
  await client.connect()
  broker.faults.halfClose()
  await client.closed
  const other = await WireClient.dial(dial)
  await other.connect()
  broker.faults.drop()
  await other.closed
  broker.faults.refuse()
  const refused = await WireClient.dial(dial)
  await refused.closed
  await until(() => broker.connections.length === 0)
})

test('says nothing more, and does no harm, once its side has ended', async () => {
  await using broker = createTestBroker()
  const socket = broker.socket()
  const heard: string[] = []
  socket.on('data', (octets: Buffer) => heard.push(octets.toString()))
  for (const event of ['error', 'end', 'close']) socket.on(event, () => heard.push(event))
  socket.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0')
  await broker.clock.settled()
  heard.length = 0
  broker.faults.halfClose()
  broker.publish('/topic/a', 'too late')
  await broker.clock.settled()
  expect(heard).toEqual(['end', 'close'])
  expect(broker.transcript()).not.toContain('too late')
})

test('gives a WebSocket one frame a message, as text or as octets, as its client does', async () => {
  await using broker = createTestBroker()
  const socket = broker.webSocket('ws://here/', ['stomp', 'v12.stomp'])
  const data: unknown[] = []
  socket.onmessage = (event) => data.push(event.data)
  expect([socket.url, socket.protocol, socket.readyState]).toEqual(['ws://here/', 'stomp', 0])
  expect(() => socket.send('x')).toThrow('not open')
  socket.onopen = () => {
    socket.send('CONNECT\naccept-version:1.2\nhost:/\n\n\0')
    socket.send('SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0')
    expect(socket.bufferedAmount).toBeGreaterThan(50)
  }
  await broker.clock.settled()
  expect([socket.readyState, socket.bufferedAmount]).toEqual([1, 0])
  for (const body of ['one', 'two', Uint8Array.of(0xff)]) broker.publish('/topic/a', body)
  await broker.clock.settled()
  expect(data.slice(1, 3)).toEqual([expect.stringContaining('one'), expect.stringContaining('two')])
  // What is no text cannot come as such.
  expect(data[3]).toBeInstanceOf(Blob)
  socket.binaryType = 'arraybuffer'
  socket.send(new TextEncoder().encode('\n'))
  await broker.clock.settled()
  broker.publish('/topic/a', 'three')
  await broker.clock.settled()
  expect(data[4]).toBeInstanceOf(ArrayBuffer)
  const closes: unknown[] = []
  socket.addEventListener('close', ({ code, reason, wasClean }) => closes.push([code, reason, wasClean]))
  socket.close(1000, 'done')
  expect(socket.readyState).toBe(2)
  await broker.clock.settled()
  expect([socket.readyState, closes]).toEqual([3, [[1000, 'done', true]]])
})

test('names faults that make no sense', async () => {
  await using broker = createTestBroker()
  expect(() => broker.faults.delay(0)).toThrow('ms must be a number, 1 or more; given 0')
  expect(() => broker.faults.split(Number.NaN)).toThrow('octets must be')
  expect(() => broker.faults.swallow('RECEIPT', { times: 0 })).toThrow('times must be')
})

test('holds faults for one connection apart from those for all, each until it is taken back', async () => {
  await using broker = createTestBroker()
  const answers = ['', '']
  for (const at of [0, 1]) {
    const socket = broker.socket()
    socket.on('data', (octets: Buffer) => (answers[at] += octets.toString()))
    socket.on('error', () => undefined)
    socket.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0')
  }
  await broker.clock.settled()
  const [first] = broker.connections
  const [own, all] = [first?.faults.swallow('MESSAGE'), broker.faults.delay(100)]
  broker.publish('/topic/a', 'one')
  await broker.clock.advance(99)
  expect(answers.map((answer) => answer.includes('MESSAGE'))).toEqual([false, false])
  all.end()
  await broker.clock.settled()
  expect(answers.map((answer) => answer.includes('one'))).toEqual([false, true])
  own?.end()
  broker.publish('/topic/a', 'two')
  await broker.clock.settled()
  expect(answers.map((answer) => answer.includes('two'))).toEqual([true, true])
  expect(first?.transcript()).not.toContain('#2')
  first?.faults.drop()
  await broker.clock.settled()
  expect(broker.connections).toHaveLength(1)
})

test('takes back a publish that was refused, and tells of it as a broker does', async () => {
  const options = { destinations: [{ match: '/queue/a', maxMessages: 0 }] }
  await using broker = createTestBroker(options)
  const refusals: string[] = []
  broker.on('refuse', ({ error }) => refusals.push((error as StompError).code))
  broker.publish('/queue/a', 'x')
  expect(refusals).toEqual(['queue-full'])
  await expect(broker.received('/queue/a', 1, { giveUpAfterMs: 1 })).rejects.toThrow('got 0')
  await createBroker(options).close()
})

test('keeps no process alive', async () => {
  const program = `
    import { createTestBroker } from '@xtomp/testing'
    const limits = { connectTimeoutMs: 3_600_000 }
    for (const broker of [createTestBroker({ limits }), createTestBroker({ limits, clock: 'global' })])
      broker.socket().on('connect', () => console.log('connected'))`
  const running = new RunningProgram(spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: root }))
  onTestFinished(() => running.stop())
  expect(await running.ends()).toBe('connected\nconnected\n')
})
