/** WebSockets at the port for all: where, who is behind a proxy, and what becomes of half an upgrade. */

import { once } from 'node:events'
import { listen } from '@xtomp/mux'
import type { Listener } from '@xtomp/net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dialWebSocket } from '../support/dial-web-socket.js'
import { localhost } from '../support/doors.js'
import { LINGER_MS } from '../support/floods.js'
import { connected, expectNothingHeld, open } from '../support/listeners.js'
import { until } from '../support/suite.js'
import { WireClient } from '../support/wire-client.js'
import { rawFrame } from '../ws/open.js'
import { allOf, answerTo, ask, CONNECT, opened, peersOf, socketTo, written } from './opened.js'

const UPGRADE = [
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]

function upgradeTo(path: string, headers: readonly string[] = UPGRADE, method = 'GET'): string {
  return `${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`
}

async function webSocket(
  listener: Listener,
  path = '/stomp',
  headers: Record<string, string> = {},
): Promise<WireClient> {
  const one = await WireClient.dial(dialWebSocket(`ws://127.0.0.1:${listener.port}${path}`, { headers }))
  onTestFinished(() => one.abort())
  await one.connect()
  return one
}

describe('a WebSocket', () => {
  test('is taken at / and at /stomp, beside STOMP and health, and counted with them', async () => {
    const { broker, listener } = await opened()
    const [one, other, plain] = [await webSocket(listener, '/'), await webSocket(listener), await connected(listener)]
    await plain.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    one.send('SEND', { destination: '/topic/a' }, 'from the page')
    expect((await plain.frame('MESSAGE')).text).toBe('from the page')
    expect(listener.connections).toBe(3)
    expect(peersOf(broker)).toMatchObject([{ transport: 'ws' }, { transport: 'ws' }, { transport: 'tcp' }])
    expect(JSON.parse((await ask(listener)).body)).toMatchObject({ sessions: 3 })
    await other.disconnect()
    await until(() => listener.connections === 2, 'the end of the other')
  })

  test('is taken where the options say, and its own options hold', async () => {
    const { listener } = await opened({ ws: { path: '/live', origins: ['https://a.example'] } })
    await webSocket(listener, '/live', { origin: 'https://a.example' })
    const elsewhere = await answerTo(listener, upgradeTo('/stomp'))
    expect(elsewhere).toMatch(/^HTTP\/1.1 404 .*\/live/s)
    const foreign = await answerTo(listener, upgradeTo('/live', [...UPGRADE, 'Origin: https://b.example']))
    expect(foreign).toMatch(/^HTTP\/1.1 403 /)
    const { broker } = open()
    const none = { port: 0, ws: { origin: 1 } as object }
    await expect(listen(broker, none)).rejects.toThrow(/^there is no option origin \(did you mean origins\?\); /)
    await expect(listen(broker, { port: 0, ws: true as never })).rejects.toThrow('ws must be an object with options')
  })

  describe('whose options are left open', () => {
    const ws = { path: undefined, provenLoginOf: undefined }

    test('is taken where it is by default, which is what those are told who ask in vain', async () => {
      const { listener } = await opened({ ws })
      await webSocket(listener, '/stomp')
      expect((await ask(listener, { path: '/nowhere' })).body).toContain('WebSockets at / and /stomp;')
    })

    test('is logged in by a client certificate', async () => {
      const { authority, ca, server } = await localhost()
      const { broker, listener } = await opened({ ws, tls: { ...server, ca, requestCert: true, loginFrom: 'CN' } })
      const identity = { ca, ...(await authority.issue({ subject: 'CN=ann' })) }
      const ann = await WireClient.dial(dialWebSocket(`wss://127.0.0.1:${listener.port}/`, identity))
      onTestFinished(() => ann.abort())
      await ann.connect()
      expect([...broker.sessions()].map(({ user }) => user)).toEqual(['ann'])
    })
  })

  test('is not taken where it is not wanted: the upgrade is a request as others are', async () => {
    const { listener } = await opened({ ws: false })
    const answer = await answerTo(
      listener,
      upgradeTo('/stomp', ['Host: x', 'Connection: Upgrade, close', 'Upgrade: websocket']),
    )
    expect(answer).toMatch(/^HTTP\/1.1 404 /)
  })

  test.each([
    ['by POST', upgradeTo('/', UPGRADE, 'POST'), 405],
    ['without a key', upgradeTo('/', UPGRADE.slice(0, -1)), 400],
    [
      'of another version',
      upgradeTo(
        '/',
        UPGRADE.map((header) => header.replace('13', '7')),
      ),
      426,
    ],
  ])('%s is refused', async (_, octets, status) => {
    const { clock, listener } = await opened()
    expect(await answerTo(listener, octets)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    await clock.advance(LINGER_MS)
    await until(() => listener.connections === 0)
  })

  test('is not what wishes for HTTP/2: that is a request as others are', async () => {
    const { listener } = await opened()
    const wish = [
      'Host: x',
      'Connection: Upgrade, HTTP2-Settings, close',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQ',
    ]
    expect(await answerTo(listener, upgradeTo('/health', wish))).toMatch(/^HTTP\/1.1 200 /)
    await until(() => listener.connections === 0)
  })

  test('that is half asked for is answered as half a request', async () => {
    const { clock, listener } = await opened()
    const socket = await socketTo(listener)
    const answer = allOf(socket)
    await written(socket, upgradeTo('/').slice(0, -2), listener)
    await clock.advance(10_000)
    expect(await answer).toMatch(/^HTTP\/1.1 408 /)
  })

  test('has no deadline of a request any more, and is closed with the door', async () => {
    const { broker, clock, listener } = await opened({}, { heartBeat: { incomingMs: 0, outgoingMs: 0 } })
    const one = await webSocket(listener)
    await clock.advance(60_000)
    await one.expectNothing()
    await Promise.all([listener.close(), one.error('broker-closing')])
    expect([listener.connections, broker.stats().sessions]).toEqual([0, 0])
    await expectNothingHeld()
  })

  test('has none of a request that came right before it either', async () => {
    const { broker, clock, listener } = await opened({}, { heartBeat: { incomingMs: 0, outgoingMs: 0 } })
    const socket = await socketTo(listener)
    const heard: Buffer[] = []
    socket.on('data', (octets: Buffer) => heard.push(octets))
    const asked = `GET /health HTTP/1.1\r\nHost: x\r\n\r\n${upgradeTo('/')}`
    socket.write(Buffer.concat([Buffer.from(asked), rawFrame(CONNECT)]))
    await until(() => broker.stats().sessions === 1 && String(heard).includes('CONNECTED'))
    expect(String(heard)).toMatch(/^HTTP\/1.1 200 .*HTTP\/1.1 101 /s)
    const before = heard.length
    await clock.advance(60_000)
    expect([heard.slice(before), broker.stats().sessions]).toEqual([[], 1])
  })

  test('that has opened and says nothing gets what a session has for it', async () => {
    const { clock, listener } = await opened()
    const one = await WireClient.dial(dialWebSocket(`ws://127.0.0.1:${listener.port}/`))
    await clock.advance(10_200)
    await one.error('connect-timeout')
  })
})

describe('X-Forwarded-For', () => {
  const trust = ['loopback', '10.0.0.0/8', '2001:db8::/32']
  const told: [header: string, peer: string | undefined][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7, 10.1.2.3', '192.0.2.7'],
    ['192.0.2.9, 192.0.2.7,10.1.2.3', '192.0.2.7'],
    ['192.0.2.7, 2001:db8::5, ::ffff:10.1.2.3', '192.0.2.7'],
    ['2001:db9::1', '2001:db9::1'],
    ['10.1.2.3', '10.1.2.3'],
    ['forged, 192.0.2.7', '192.0.2.7'],
    ['192.0.2.7, unknown', undefined],
    ['192.0.2.7:5555', undefined],
    ['unknown, 10.1.2.3', '10.1.2.3'],
    ['', undefined],
    [',,,', undefined],
  ]
  test.each(told)('%j from a trusted proxy names %s', async (header, peer) => {
    const { broker, listener } = await opened({ proxy: { trust } })
    await webSocket(listener, '/', { 'x-forwarded-for': header })
    const known = { remoteAddress: '127.0.0.1', proxyAddress: undefined }
    const named = { remoteAddress: peer, remotePort: undefined, proxyAddress: '127.0.0.1' }
    expect(peersOf(broker)).toMatchObject([{ transport: 'ws', ...(peer === undefined ? known : named) }])
  })

  test('from anybody else is not believed', async () => {
    for (const proxy of [undefined, { trust: ['127.0.0.2'] }]) {
      const { broker, listener } = await opened({ proxy })
      await webSocket(listener, '/', { 'x-forwarded-for': '192.0.2.7' })
      expect(peersOf(broker)).toMatchObject([{ remoteAddress: '127.0.0.1', proxyAddress: undefined }])
    }
  })

  test('is believed of the peer that a PROXY header names only where that one is trusted, too', async () => {
    const { broker, listener } = await opened({ proxy: { trust } })
    for (const [proxy, peer] of [
      ['10.0.0.9', '192.0.2.7'],
      ['192.0.2.66', '192.0.2.66'],
    ]) {
      const socket = await socketTo(listener)
      const headers = [...UPGRADE, 'X-Forwarded-For: 192.0.2.7']
      socket.write(`PROXY TCP4 ${proxy} 127.0.0.1 1 2\r\n${upgradeTo('/', headers)}`)
      const [answer] = await once(socket, 'data')
      expect(String(answer)).toMatch(/^HTTP\/1.1 101 /)
      expect(peersOf(broker)).toMatchObject([{ remoteAddress: peer, proxyAddress: '127.0.0.1' }])
      socket.destroy()
      await until(() => broker.stats().sessions === 0)
    }
  })

  test('is no say for facts of the host that are better', async () => {
    const ws = { factsOf: () => ({ remoteAddress: '192.0.2.99' }) }
    const { broker, listener } = await opened({ proxy: { trust }, ws })
    await webSocket(listener, '/', { 'x-forwarded-for': '192.0.2.7' })
    expect(peersOf(broker)).toMatchObject([{ remoteAddress: '192.0.2.99' }])
  })
})
