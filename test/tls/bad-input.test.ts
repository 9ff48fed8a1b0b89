/** What does not become a TLS session: each has its answer, and leaves nothing behind. */

import { once } from 'node:events'
import { connect as dialTo, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Broker } from '@xtomp/core'
import type { ManualClock } from '@xtomp/testing'
import { type Listener, listen } from '@xtomp/tls'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { dialTls, localhost } from '../support/doors.js'
import { expectNothingHeld, open as openBroker } from '../support/listeners.js'
import { until } from '../support/suite.js'
import { turn } from '../support/variants.js'
import { WireClient } from '../support/wire-client.js'

/** A fatal alert, as RFC 8446 numbers them. */
const UNEXPECTED_MESSAGE = 10
const HANDSHAKE_FAILURE = 40
const PROTOCOL_VERSION = 70
const INTERNAL_ERROR = 80
const LIMIT_MS = 10_000

let broker: Broker
let clock: ManualClock
let listener: Listener
let ca: string
let logged: { fields: Record<string, unknown>; message: string }[]

beforeEach(async () => {
  logged = []
  const warn = (fields: object, message: string) => void logged.push({ fields: { ...fields }, message })
  ;({ broker, clock } = openBroker({ logger: { info: () => undefined, warn, error: warn } }))
  const made = await localhost()
  ca = made.ca
  listener = await listen(broker, { ...made.server, port: 0 })
})

/** Nothing is left of what came, and who comes next is served. */
afterEach(async () => {
  const one = await WireClient.dial(dialTls(place(), { ca }))
  await one.connect()
  await one.disconnect()
  await until(() => broker.stats().sessions === 0 && clock.timers === 0, 'sessions and timers to be gone')
  await broker.close()
  await expectNothingHeld()
})

function place() {
  return { host: '127.0.0.1', port: listener.port as number }
}

function dialled(): Socket {
  const socket = dialTo({ ...place(), allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  return socket
}

/** All that the door answers to these octets, until it ends the connection. */
async function answerTo(octets: string | Uint8Array): Promise<Buffer> {
  const socket = dialled()
  socket.write(octets)
  const answer = Buffer.concat(await socket.toArray())
  socket.destroy()
  return answer
}

/** How a client of Node begins. */
async function hello(options: ConnectionOptions = {}): Promise<Buffer> {
  const sent: Buffer[] = []
  const { Duplex } = await import('node:stream')
  const heard = new Duplex({
    read: () => undefined,
    write: (octets: Buffer, _encoding, done) => {
      sent.push(octets)
      done()
    },
  })
  const socket = connectTls({ socket: heard, ...options })
  socket.on('error', () => undefined)
  await until(() => sent.length > 0, 'a hello')
  socket.destroy()
  return Buffer.concat(sent)
}

const plain: [name: string, octets: string][] = [
  ['STOMP', 'CONNECT\naccept-version:1.2\nhost:/\n\n\0'],
  ['an end of line', '\n'],
  ['HTTP', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
]
test.each(plain)('answers plain text in plain text, and tells the log once: %s', async (_, octets) => {
  for (let time = 0; time < 2; time++) {
    const answer = String(await answerTo(octets))
    expect(answer).toMatch(/^ERROR\n/)
    expect(answer).toContain('code:tls-required')
    expect(answer).toContain('connect with TLS')
  }
  const { localPort, ...fields } = logged[0]?.fields ?? {}
  expect(logged).toHaveLength(1)
  expect([localPort, fields]).toEqual([listener.port, { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' }])
})

const garbage: [name: string, octets: number[], alert: number | undefined][] = [
  // OpenSSL has no word for it, and just ends.
  ['a record of no version that there is', [0x16, 9, 9, 0, 5, 1, 0, 0, 1, 0], undefined],
  ['a handshake that does not begin with a hello', [0x16, 3, 1, 0, 5, 2, 0, 0, 1, 0], UNEXPECTED_MESSAGE],
]
test.each(garbage)('answers garbage with an alert, where there is one, and the end: %s', async (_, octets, alert) => {
  const answer = await answerTo(new Uint8Array(octets))
  expect([...answer]).toEqual(alert === undefined ? [] : [0x15, 3, expect.any(Number), 0, 2, 2, alert])
  expect(logged).toHaveLength(1)
  expect(logged[0]?.message).toMatch(/^a TLS handshake failed: /)
})

test('answers who has no cipher in common with an alert', async () => {
  const answer = await answerTo(await hello({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA' }))
  expect([answer[0], answer[5], answer[6]]).toEqual([0x15, 2, HANDSHAKE_FAILURE])
  expect(logged[0]?.fields).toEqual({ remoteAddress: '127.0.0.1', code: 'ERR_SSL_NO_SHARED_CIPHER', failures: 1 })
})

test('answers who speaks only older versions with an alert', async () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const answer = await answerTo(await hello(old))
  expect([answer[0], answer[5], answer[6]]).toEqual([0x15, 2, PROTOCOL_VERSION])
})

test('takes a hello that comes octet by octet', async () => {
  const octets = await hello()
  const socket = dialled().setNoDelay()
  await once(socket, 'connect')
  const answered = once(socket, 'data')
  for (const octet of octets) {
    socket.write(new Uint8Array([octet]))
    await turn()
  }
  const [answer] = (await answered) as [Buffer]
  // A record of the handshake, and in it the server's hello.
  expect([answer[0], answer[5]]).toEqual([0x16, 2])
  socket.destroy()
})

const stopping: [name: string, length: number][] = [
  ['says nothing', 0],
  ['says one octet', 1],
  ['stops half-way', 100],
]
test.each(stopping)('cuts, when its time is up, a client that %s', async (_, length) => {
  const socket = dialled()
  socket.write((await hello()).subarray(0, length))
  const closed = once(socket, 'close')
  socket.on('end', () => socket.end())
  socket.resume()
  await until(() => clock.timers > 0, 'its arrival')
  for (let turns = 0; turns < 20; turns++) await turn()
  await clock.advance(LIMIT_MS - 1)
  expect(logged).toEqual([])
  await clock.advance(1)
  await closed
  expect(logged).toHaveLength(1)
  expect(logged[0]?.message).toContain('handshakeTimeoutMs')
})

test('waits for as many hellos as there may be connections, and tells one more in both ways that there are', async () => {
  const limits: unknown[] = []
  broker.on('limit', ({ error }) => limits.push(error.excess))
  const made = await localhost()
  const bounded = await listen(broker, { ...made.server, port: 0, maxConnections: 5 })
  const half = (await hello()).subarray(0, 100)
  const begin = async (): Promise<Socket> => {
    const socket = dialTo({ host: '127.0.0.1', port: bounded.port as number, allowHalfOpen: true })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(half)
    return socket
  }
  const waiting = await Promise.all(Array.from({ length: 5 }, begin))
  await until(() => clock.timers === 5, 'their arrival')
  const refused = await Promise.all(Array.from({ length: 50 }, begin))
  for (const socket of refused) {
    const answer = Buffer.concat(await socket.toArray())
    expect([...answer.subarray(0, 7)]).toEqual([0x15, 3, 3, 0, 2, 2, INTERNAL_ERROR])
    expect(String(answer.subarray(7))).toContain('code:connections-too-many')
    socket.destroy()
  }
  expect(limits).toHaveLength(50)
  expect(limits[0]).toEqual({
    what: 'this door',
    limit: 5,
    seen: 6,
    unit: 'handshakes',
    option: 'maxConnections',
  })
  // One who leaves makes room for one who means it.
  waiting[0]?.destroy()
  await until(() => clock.timers === 4, 'one to have left')
  const good = await WireClient.dial(dialTls({ host: '127.0.0.1', port: bounded.port as number }, { ca }))
  await good.connect()
  expect(bounded.connections).toBe(1)
  const cut = waiting.slice(1).map((socket) => once(socket.resume(), 'end'))
  await clock.advance(LIMIT_MS)
  await Promise.all(cut)
  for (const socket of waiting) socket.destroy()
  good.abort()
  await bounded.close()
})

test('counts the failures of a flood, and tells of them at most once in ten seconds', async () => {
  const failing = () => answerTo(new Uint8Array([0x16, 3, 1, 0, 5, 2, 0, 0, 1, 0]))
  for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 20 }, failing))
  expect(logged).toHaveLength(1)
  await clock.advance(LIMIT_MS)
  await failing()
  expect(logged.map(({ fields }) => fields.failures)).toEqual([1, 100])
})

test('lets go at once of one who ends before the handshake is done', async () => {
  const socket = dialled()
  socket.end((await hello()).subarray(0, 100))
  socket.resume()
  await once(socket, 'close')
  await until(() => clock.timers === 0, 'it to be gone')
  expect(logged).toEqual([])
})

test('says nothing of those who just go away, however far they were', async () => {
  const octets = await hello()
  for (let length = 0; length < octets.length; length += 40) {
    const socket = dialled()
    socket.write(octets.subarray(0, length))
    await once(socket, 'connect')
    await turn()
    socket.resetAndDestroy()
  }
  await until(() => clock.timers === 0, 'all to be gone')
  expect(logged).toEqual([])
})

test('refuses to renegotiate', async () => {
  const socket = connectTls({ ...place(), ca, maxVersion: 'TLSv1.2' })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  const failed = once(socket, 'error')
  socket.renegotiate({}, () => undefined)
  // The alert is read like anything else.
  socket.resume()
  const [error] = (await failed) as [{ code: string }]
  expect(error.code).toBe('ERR_SSL_NO_RENEGOTIATION')
  socket.destroy()
})
