/** TLS at the port for all: what comes under it is looked at as if it had come without, and everybody's time is bounded. */

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as askSecurely } from 'node:https'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { Listener } from '@xtomp/net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Certified, issueForServer } from '../support/certificates.js'
import { dialWebSocket } from '../support/dial-web-socket.js'
import { dialTls, localhost } from '../support/doors.js'
import { HELLO } from '../support/floods.js'
import { connected, expectNothingHeld } from '../support/listeners.js'
import { until } from '../support/suite.js'
import { WireClient } from '../support/wire-client.js'
import { allOf, answerTo, CONNECT, opened, peersOf, socketTo, written } from './opened.js'

async function secured(listener: Listener, options: ConnectionOptions = {}): Promise<WireClient> {
  const { ca } = await localhost()
  const to = { host: '127.0.0.1', port: listener.port ?? 0 }
  const one = await WireClient.dial(dialTls(to, { ca, ...options }))
  onTestFinished(() => one.abort())
  return one
}

async function webSocket(listener: Listener, options: Partial<Certified> = {}): Promise<WireClient> {
  const { ca } = await localhost()
  const one = await WireClient.dial(dialWebSocket(`wss://127.0.0.1:${listener.port}/`, { ca, ...options }))
  onTestFinished(() => one.abort())
  return one
}

/** A socket that is secured, behind what it says before. */
async function securedSocket(listener: Listener, before = ''): Promise<TLSSocket> {
  const transport = await socketTo(listener)
  if (before !== '') transport.write(before)
  const { ca } = await localhost()
  const socket = connectTls({ socket: transport, ca, checkServerIdentity: () => undefined })
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  return socket
}

describe('TLS', () => {
  test('holds all that comes without it, at the same port', async () => {
    const { ca, server } = await localhost()
    const { broker, listener } = await opened({ tls: server })
    const [stomp, web, plain] = [await secured(listener), await webSocket(listener), await connected(listener)]
    await stomp.connect()
    await web.connect()
    await plain.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    for (const one of [stomp, web]) one.send('SEND', { destination: '/topic/a' }, 'x'.repeat(100_000))
    await plain.messages(2)
    const asked = askSecurely({ host: '127.0.0.1', port: listener.port, path: '/health', ca, agent: false }).end()
    const [{ statusCode }] = (await once(asked, 'response')) as [IncomingMessage]
    expect(statusCode).toBe(200)
    const known = [...broker.sessions()].map(({ connection: { transport, tls } }) => [transport, tls?.protocol])
    expect(known.sort()).toEqual([
      ['tcp', undefined],
      ['tls', 'TLSv1.3'],
      ['wss', 'TLSv1.3'],
    ])
    await Promise.all([broker.close(), ...[stomp, web, plain].map((one) => one.error('broker-closing'))])
    await expectNothingHeld()
  })

  test('stands behind a PROXY header, which says who is there, and has none within', async () => {
    const { ca, server } = await localhost()
    const { broker, listener } = await opened({ tls: server, proxy: { trust: ['loopback'], required: true } })
    const header = 'PROXY TCP4 192.0.2.7 198.51.100.1 5555 61613\r\n'
    const socket = await securedSocket(listener, header)
    socket.write(CONNECT)
    await once(socket, 'data')
    const peer = { remoteAddress: '192.0.2.7', remotePort: 5555, proxyAddress: '127.0.0.1' }
    expect(peersOf(broker)).toEqual([{ transport: 'tls', ...peer }])
    socket.destroy()
    await until(() => broker.stats().sessions === 0)
    const web = await securedSocket(listener, header)
    web.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n')
    web.write('Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
    await once(web, 'data')
    expect(peersOf(broker)).toEqual([{ transport: 'wss', ...peer }])
    const within = await securedSocket(listener, header)
    within.write(header)
    expect(await allOf(within)).toContain('code:bad-command')
    // Who is no proxy need not even shake hands.
    const forged = await secured(listener, { ca }).catch(({ code }) => code)
    expect(forged).toMatch(/^E/)
  })

  test('within TLS is refused', async () => {
    const { server } = await localhost()
    const { listener } = await opened({ tls: server })
    const socket = await securedSocket(listener)
    socket.write(HELLO)
    const answer = await allOf(socket)
    expect(answer).toMatch(/^\x15\x03\x03\0\x02\x02\x0aERROR\n/)
    expect(answer).toContain('code:tls-unexpected')
  })

  test('logs in by a client certificate, over a WebSocket, too, and turns others away', async () => {
    const { authority, ca, server } = await localhost()
    const tls = { ...server, ca, requestCert: true, loginFrom: 'CN' } as const
    const { broker, listener } = await opened({ tls })
    const ann = await authority.issue({ subject: 'CN=ann' })
    for (const one of [await secured(listener, ann), await webSocket(listener, ann)]) await one.connect()
    expect([...broker.sessions()].map(({ user }) => user)).toEqual(['ann', 'ann'])
    const nobody = await secured(listener)
    await nobody.error('auth-failed')
  })

  test.each([
    ['where the options say so', { required: true }],
    ['where certificates are asked for', { requestCert: true }],
  ])('is required %s: whatever comes without it is told so, and the log once', async (_, options) => {
    const { ca, server } = await localhost()
    const { broker, listener, warned } = await opened({
      tls: { ...server, ca, ...options },
      proxy: { trust: ['loopback'] },
    })
    for (const said of [
      CONNECT,
      'GET /health HTTP/1.1\r\nHost: x\r\n\r\n',
      `PROXY TCP4 192.0.2.7 198.51.100.1 5555 61613\r\n${CONNECT}`,
    ]) {
      const answer = await answerTo(listener, said)
      expect(answer).toMatch(/^ERROR\n/)
      expect(answer).toContain('code:tls-required')
    }
    expect(warned).toEqual(['a client spoke plain text on a port that speaks TLS; further ones are not told'])
    await expect(WireClient.dial(dialWebSocket(`ws://127.0.0.1:${listener.port}/`))).rejects.toThrow()
    const { authority } = await localhost()
    const ann = await secured(listener, await authority.issue({ subject: 'CN=ann' }))
    await ann.connect()
    expect(broker.stats().sessions).toBe(1)
    await until(() => listener.connections === 1, 'those without TLS to be gone')
  })

  test('is not required where the options say that it is not, also where certificates are asked for', async () => {
    const { ca, server } = await localhost()
    const { listener } = await opened({ tls: { ...server, ca, requestCert: true, required: false } })
    await connected(listener)
    await expect(opened({ tls: { ...server, required: 1 as never } })).rejects.toThrow(
      'tls.required must be true or false; given 1',
    )
  })

  test('shows other certificates when it is told to, and those who are in stay', async () => {
    const { authority, server } = await localhost()
    const { listener } = await opened({ tls: server })
    const before = await secured(listener)
    await before.connect()
    listener.setCertificates(await issueForServer(authority, 'other.test'))
    const socket = await securedSocket(listener)
    expect(socket.getPeerCertificate().subject.CN).toBe('other.test')
    await before.expectNothing()
    const { listener: plain } = await opened()
    expect(() => plain.setCertificates(server)).toThrow('option tls')
  })
})

describe('the time that a client has for TLS', () => {
  test.each([
    ['half a hello', HELLO],
    ['one octet of it', HELLO.subarray(0, 1)],
  ])('ends for one that sends %s', async (_, octets) => {
    const { server } = await localhost()
    const { clock, listener } = await opened({ tls: server, firstOctetsTimeoutMs: 5_000 })
    const socket = await socketTo(listener)
    const answer = allOf(socket)
    await written(socket, Buffer.from(octets).toString('latin1'), listener)
    await clock.advance(4_999)
    expect(socket.readableEnded).toBe(false)
    await clock.advance(1)
    expect(await answer).toBe('')
    await until(() => listener.connections === 0)
  })

  test('is one time for all of it: who is secured and says nothing is told so through TLS', async () => {
    const { server } = await localhost()
    const { clock, listener } = await opened({ tls: server })
    const socket = await socketTo(listener)
    await until(() => listener.connections === 1)
    await clock.advance(9_000)
    const { ca } = await localhost()
    const above = connectTls({ socket, ca })
    await once(above, 'secureConnect')
    const answer = allOf(above)
    // A client is secured before the server knows it.
    await written(above, 'CONN', listener)
    await clock.advance(1_000)
    expect(await answer).toContain('code:connect-timeout')
    await until(() => listener.connections === 0)
  })

  test('does not keep a door that closes from closing', async () => {
    const { server } = await localhost()
    const { broker, listener } = await opened({ tls: server })
    const half = await socketTo(listener)
    await written(half, Buffer.from(HELLO).toString('latin1'), listener)
    const silent = await securedSocket(listener)
    const answers = Promise.all([allOf(half), allOf(silent)])
    await written(silent, '', listener)
    await until(() => listener.connections === 2)
    await broker.close()
    const [, told] = await answers
    expect(told).toContain('code:broker-closing')
    await expectNothingHeld()
  })
})
