/** One port for all: what comes is served as what it is, and whoever says nothing, or what is not true, is told so. */

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { listen, type MuxOptions } from '@xtomp/mux'
import { describe, expect, test } from 'vitest'
import { HELLO, LINGER_MS } from '../support/floods.js'
import { client, codeOf, connected, expectNothingHeld, folder, open } from '../support/listeners.js'
import { binaryHeader, textHeader } from '../support/proxy-headers.js'
import { until } from '../support/suite.js'
import { allOf, answerTo, ask, CONNECT, opened, peersOf, socketTo, written } from './opened.js'

describe('a port for all', () => {
  test('serves STOMP and HTTP, and counts both', async () => {
    const { broker, listener } = await opened()
    const one = await connected(listener)
    expect(listener.connections).toBe(1)
    expect(peersOf(broker)).toMatchObject([{ transport: 'tcp', remoteAddress: '127.0.0.1', proxyAddress: undefined }])
    const { status, headers, body } = await ask(listener)
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, 'application/json', 'no-store'])
    expect(JSON.parse(body)).toEqual({ status: 'ok', sessions: 1, messages: 0 })
    await one.disconnect()
    await until(() => listener.connections === 0, 'all to be gone')
  })

  test.each([
    ['STOMP', 'STOMP\naccept-version:1.2\nhost:/\n\n\0'],
    ['CONNECT', CONNECT],
    ['CONNECT with CRLF', 'CONNECT\r\naccept-version:1.2\r\nhost:/\r\n\r\n\0'],
    ['LF beats before it', `\n\n\n${CONNECT}`],
    ['CRLF beats before it, as a binary PROXY header begins', `\r\n\r\n${CONNECT}`],
  ])('takes %s for STOMP, in one piece and octet by octet', async (_, text) => {
    const { listener } = await opened()
    const [whole, slow] = [await client(listener), await client(listener)]
    whole.write(text)
    await whole.frame('CONNECTED')
    for (const character of text) slow.write(character)
    await slow.frame('CONNECTED')
  })

  test.each([
    ['a word that is no command', 'HELO\n', 'code:bad-command'],
    ['a frame before CONNECT', 'SEND\n\n\0', 'code:not-connected'],
    ['an ssh client', 'SSH-2.0-x\r\n\0', 'code:bad-command'],
    ['a TLS record that is no hello', '\x17\x03\x03\0', 'code:bad'],
    ['a method that HTTP has not', 'get / HTTP/1.1\r\n\r\n', 'code:bad'],
  ])('answers %s as a session does', async (_, octets, code) => {
    const { listener } = await opened()
    const answer = await answerTo(listener, octets)
    expect(answer).toMatch(/^ERROR\n/)
    expect(answer).toContain(code)
    await until(() => listener.connections === 0)
  })

  test('answers a TLS hello with an alert and an ERROR, and tells the log once', async () => {
    const { listener, warned } = await opened()
    for (let time = 1; time <= 2; time++) {
      const answer = await answerTo(listener, HELLO)
      expect(answer).toMatch(/^\x15\x03\x03\0\x02\x02\x0aERROR\n/)
      expect(answer).toContain('code:tls-unexpected')
    }
    expect(warned).toEqual(['a client began TLS on a port that does not speak it; further ones are not told'])
  })

  test('listens on a UNIX socket, too', async () => {
    const { broker, listener } = await opened({ path: join(await folder(), 's') })
    await connected(listener)
    expect(peersOf(broker)).toMatchObject([{ transport: 'unix' }])
    expect(await answerTo(listener, 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 200 /,
    )
  })

  test('turns one away beyond maxConnections, whatever the others speak', async () => {
    const { listener } = await opened({ maxConnections: 3 })
    const http = await socketTo(listener)
    http.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(http, 'data')
    const silent = await socketTo(listener)
    const one = await connected(listener)
    expect(await answerTo(listener, '')).toContain('code:connections-too-many')
    expect(listener.connections).toBe(3)
    silent.destroy()
    await until(() => listener.connections === 2)
    await connected(listener)
    await one.disconnect()
  })

  test('is closed with its broker, and nothing is left of any kind', async () => {
    const { broker, listener } = await opened()
    const one = await connected(listener)
    const http = await socketTo(listener)
    http.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(http, 'data')
    const silent = [await socketTo(listener), await socketTo(listener)]
    silent[1]?.write('CONN')
    await until(() => listener.connections === 4)
    const ended = [http, ...silent].map((socket) => once(socket.resume(), 'close'))
    for (const socket of [http, ...silent]) socket.on('end', () => socket.end())
    await Promise.all([broker.close(), one.error('broker-closing')])
    expect(listener.connections).toBe(0)
    await Promise.all(ended)
    await expectNothingHeld()
    expect(await codeOf(client(listener))).toBe('ECONNREFUSED')
  })

  test('leaves the broker as it is when it is closed, and is refused by one that is closed', async () => {
    const { broker, listener } = await opened()
    const one = await connected(listener)
    await Promise.all([listener.close(), listener.close(), one.error('broker-closing')])
    const other = await listen(broker, { port: 0 })
    await connected(other)
    await broker.close()
    expect(await codeOf(listen(broker, { port: 0 }))).toBe('broker-closing')
    await expectNothingHeld()
  })

  test('is not left open where the broker is closed while it opens, or the port is taken', async () => {
    const { broker } = open()
    const opening = listen(broker, { port: 0 })
    const closing = broker.close()
    expect(await codeOf(opening)).toBe('broker-closing')
    await closing
    const { broker: second, listener } = await opened()
    expect(await codeOf(listen(second, { port: listener.port }))).toBe('EADDRINUSE')
    await second.close()
    await expectNothingHeld()
  })
})

describe('the time that a client has', () => {
  const unclear: [name: string, said: string][] = [
    ['nothing', ''],
    ['the beginning of what may be STOMP or HTTP', 'CONNECT'],
    ['the beginning of a method', 'GE'],
    ['the beginning of a PROXY header', 'PROX'],
    ['the beginning of a binary one', '\r\n\r\n\0'],
    ['half a PROXY header', 'PROXY TCP4 192.0.2.7 '],
    ['half a binary one', binaryHeader({ addresses: Array(12).fill(1) }).toString('latin1', 0, 20)],
  ]
  test.each(unclear)('ends for one who says %s', async (_, said) => {
    const { clock, listener } = await opened({ proxy: { trust: ['loopback'] } })
    const socket = await socketTo(listener)
    const answer = allOf(socket)
    if (said !== '') await written(socket, said, listener)
    await until(() => listener.connections === 1)
    await clock.advance(9_999)
    expect(socket.readableEnded).toBe(false)
    await clock.advance(1)
    expect(await answer).toMatch(/^ERROR\n/)
    expect(await answer).toContain('code:connect-timeout')
    expect(await answer).toContain('within 10000 ms (option firstOctetsTimeoutMs)')
    await until(() => listener.connections === 0)
  })

  test('is the same for one octet a second', async () => {
    const { clock, listener } = await opened({ proxy: { trust: ['127.0.0.1'] }, firstOctetsTimeoutMs: 5_000 })
    const socket = await socketTo(listener)
    const answer = allOf(socket)
    for (const character of 'PROXY ') {
      await written(socket, character, listener)
      await clock.advance(999)
    }
    expect(await answer).toContain('code:connect-timeout')
  })

  test('begins anew for the head of a request', async () => {
    const { clock, listener } = await opened()
    const socket = await socketTo(listener)
    const answer = allOf(socket)
    await clock.advance(9_000)
    await written(socket, 'GET /health HTTP/1.1\r\nHost:', listener)
    await clock.advance(9_999)
    expect(socket.readableEnded).toBe(false)
    await written(socket, ' x', listener)
    await clock.advance(1)
    expect(await answer).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/)
    await clock.advance(LINGER_MS)
    await until(() => listener.connections === 0)
  })

  test('is also that for the next request', async () => {
    const { clock, listener } = await opened()
    const socket = await socketTo(listener)
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
    const answer = allOf(socket)
    await clock.advance(9_000)
    await written(socket, 'GET /health HTTP/1.1\r\n', listener)
    await clock.advance(1_000)
    expect(await answer).toMatch(/^HTTP\/1.1 408 /)
  })

  test('is as long as needed for whoever takes its time to answer, and for what is asked meanwhile', async () => {
    const responses: ServerResponse[] = []
    const { clock, listener } = await opened({ http: (_, response) => responses.push(response) })
    const socket = await socketTo(listener)
    socket.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await until(() => responses.length === 2, 'both requests')
    await clock.advance(100_000)
    const answer = allOf(socket)
    responses[0]?.end('one')
    await once(socket, 'data')
    await clock.advance(100_000)
    responses[1]?.end('two')
    expect(await answer).toMatch(/^HTTP\/1.1 200 OK\r\n.*one.*HTTP\/1.1 200 OK\r\n.*two/s)
  })

  test('ends for a request whose body does not come', async () => {
    const asked: IncomingMessage[] = []
    const { clock, listener } = await opened({ http: (given) => asked.push(given) })
    const socket = await socketTo(listener)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhal')
    await until(() => asked.length === 1)
    await clock.advance(299_999)
    expect(listener.connections).toBe(1)
    await clock.advance(1)
    await until(() => listener.connections === 0)
  })

  test('does not end for a request whose body has come, whether it is read or not, while its answer goes on', async () => {
    const responses: ServerResponse[] = []
    const { clock, listener } = await opened({ http: (_, response) => responses.push(response) })
    const socket = await socketTo(listener)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nwhole')
    await until(() => responses.length === 1)
    responses[0]?.write('one')
    await once(socket, 'data')
    const answer = allOf(socket)
    await clock.advance(310_000)
    responses[0]?.end('two')
    expect(await answer).toContain('two')
  })
})

describe('a PROXY header', () => {
  const headers: [name: string, header: Buffer][] = [
    ['version 1', textHeader('PROXY TCP4 192.0.2.7 198.51.100.1 5555 61613')],
    ['version 2', binaryHeader({ addresses: [192, 0, 2, 7, 198, 51, 100, 1, 0x15, 0xb3, 0xf0, 0xad] })],
  ]

  test.each(headers)('of %s from a trusted proxy says who is there, in any pieces', async (_, header) => {
    const { broker, listener } = await opened({ proxy: { trust: ['127.0.0.0/8'] } })
    for (let at = 0; at <= header.length; at++) {
      const one = await client(listener)
      one.write(header.subarray(0, at))
      one.write(Buffer.concat([header.subarray(at), Buffer.from(CONNECT)]))
      await one.frame('CONNECTED')
      const peer = { transport: 'tcp', remoteAddress: '192.0.2.7', remotePort: 5555, proxyAddress: '127.0.0.1' }
      expect(peersOf(broker)).toEqual([peer])
      await one.disconnect()
      await until(() => broker.stats().sessions === 0)
    }
  })

  test.each(headers)('of %s stands before a request, too', async (_, header) => {
    const { listener } = await opened({ proxy: { trust: ['loopback'] } })
    const asked = `${header.toString('latin1')}GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    expect(await answerTo(listener, Buffer.from(asked, 'latin1'))).toMatch(/^HTTP\/1.1 200 /)
  })

  test.each(headers)('of %s from anybody else is refused, and the log is told once', async (_, header) => {
    const { broker, listener, warned } = await opened({ proxy: { trust: ['127.0.0.2', '10.0.0.0/8', '::1', 'unix'] } })
    for (let time = 0; time < 2; time++) {
      const answer = await answerTo(listener, Buffer.concat([header, Buffer.from(CONNECT)]))
      expect(answer).toMatch(/^ERROR\n/)
      expect(answer).toContain('code:access-refused')
      expect(answer).toContain('option proxy.trust')
    }
    expect(warned).toHaveLength(1)
    await until(() => broker.stats().sessions === 0)
  })

  test('is believed of nobody where nobody is trusted', async () => {
    const { listener } = await opened()
    expect(await answerTo(listener, 'PROXY UNKNOWN\r\n')).toContain('code:access-refused')
  })

  test('that is malformed is refused also from a trusted one', async () => {
    const { listener, warned } = await opened({ proxy: { trust: ['loopback'] } })
    const answer = await answerTo(listener, 'PROXY TCP4 192.0.2.256 1.2.3.4 1 2\r\n')
    expect(answer).toContain('code:access-refused')
    expect(answer).toContain('the PROXY header is malformed: an address that is not TCP4')
    expect(warned).toHaveLength(1)
  })

  test('by which a proxy speaks for itself changes nothing', async () => {
    const { broker, listener } = await opened({ proxy: { trust: ['loopback'] } })
    const one = await client(listener)
    one.write(Buffer.concat([binaryHeader({ command: 0x20, family: 0 }), Buffer.from(CONNECT)]))
    await one.frame('CONNECTED')
    expect(peersOf(broker)).toMatchObject([{ remoteAddress: '127.0.0.1', proxyAddress: undefined }])
  })

  test('is not heard twice', async () => {
    const { listener } = await opened({ proxy: { trust: ['loopback'] } })
    const twice = 'PROXY TCP4 192.0.2.7 1.2.3.4 1 2\r\nPROXY TCP4 192.0.2.8 1.2.3.4 1 2\r\n'
    expect(await answerTo(listener, twice)).toMatch(/^ERROR\n(.*\n)*code:bad/)
  })

  test('comes through a UNIX socket, where those are trusted', async () => {
    const { broker, listener } = await opened({ path: join(await folder(), 's'), proxy: { trust: ['unix'] } })
    const one = await client(listener)
    one.write(`PROXY TCP4 192.0.2.7 1.2.3.4 1 2\r\n${CONNECT}`)
    await one.frame('CONNECTED')
    expect(peersOf(broker)).toMatchObject([{ transport: 'unix', remoteAddress: '192.0.2.7', remotePort: 1 }])
  })

  test('is missed where it is required, of STOMP as of HTTP', async () => {
    const { listener, warned } = await opened({ proxy: { trust: ['loopback'], required: true } })
    for (const said of [CONNECT, 'GET /health HTTP/1.1\r\n\r\n'])
      expect(await answerTo(listener, said)).toContain('code:access-refused')
    expect(warned).toHaveLength(1)
    const one = await client(listener)
    one.write(`PROXY UNKNOWN\r\n${CONNECT}`)
    await one.frame('CONNECTED')
  })
})

describe('health', () => {
  test('is told at another path, with facts of the host, which cannot say that all is well', async () => {
    const facts = () => ({ version: '7', status: 'splendid', sessions: 42 })
    const { listener } = await opened({ health: { path: '/up', facts } })
    const { status, body } = await ask(listener, { path: '/up?probe=1' })
    expect(status).toBe(200)
    expect(JSON.parse(body)).toEqual({ status: 'ok', version: '7', sessions: 42, messages: 0 })
    expect((await ask(listener)).status).toBe(404)
  })

  test('fails where the facts cannot be had, and says nothing of why', async () => {
    const facts = () => {
      throw new Error('the database is at postgres://secret')
    }
    const { listener, errors } = await opened({ health: { facts } })
    const { status, body } = await ask(listener)
    expect([status, JSON.parse(body)]).toEqual([503, { status: 'failing', sessions: 0, messages: 0 }])
    expect(errors).toHaveLength(1)
  })

  test('has a head without a body, and no other methods', async () => {
    const { listener } = await opened()
    const head = await ask(listener, { method: 'HEAD' })
    expect([head.status, head.body, head.headers['content-length']]).toEqual([
      200,
      '',
      String((await ask(listener)).body.length),
    ])
    const post = await ask(listener, { method: 'POST' })
    expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD'])
  })

  test('is told to HTTP/1.0, and to several requests at once', async () => {
    const { listener } = await opened()
    const old = await answerTo(listener, 'GET /health HTTP/1.0\r\n\r\n')
    expect(old).toMatch(/^HTTP\/1.1 200 OK\r\n.*Connection: close\r\n.*"status":"ok"/s)
    const one = 'HEAD /health HTTP/1.1\r\nHost: x\r\n'
    const answer = await answerTo(listener, `${one}\r\n${one}\r\n${one}Connection: close\r\n\r\n`)
    expect(answer.match(/HTTP\/1.1 200 OK/g)).toHaveLength(3)
  })

  test('is 503 while the broker drains, for whoever is still connected', async () => {
    const { broker, clock, listener } = await opened()
    const socket = await socketTo(listener)
    const worker = await connected(listener)
    await worker.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client' })
    broker.publish('/queue/a', 'unsettled')
    await worker.frame('MESSAGE')
    const closing = broker.close({ drainMs: 5_000 })
    await until(() => clock.timers > 0)
    const answer = allOf(socket)
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await answer).toMatch(/^HTTP\/1.1 503 .*Connection: close\r\n.*"status":"draining"/is)
    await clock.advance(5_000)
    await worker.error('broker-closing')
    await closing
  })
})

describe('requests', () => {
  test('for anything else get 404, and hear what there is', async () => {
    const { listener } = await opened()
    const { status, body } = await ask(listener, { path: '/' })
    expect(status).toBe(404)
    expect(body).toBe(
      'There is nothing here. There is: STOMP on this very port; WebSockets at / and /stomp; GET /health.\n',
    )
    const { listener: other } = await opened({ health: false, ws: false })
    expect((await ask(other)).body).toBe('There is nothing here. There is: STOMP on this very port.\n')
  })

  test('go to the handler of the host, whose faults are its own', async () => {
    const http = async ({ url = '' }: IncomingMessage, response: ServerResponse) => {
      if (url === '/late') response.write('begun')
      if (url !== '/page') throw new Error('a fault')
      response.end('a page')
    }
    const { listener, errors } = await opened({ http })
    expect((await ask(listener, { path: '/page' })).body).toBe('a page')
    expect((await ask(listener)).status).toBe(200)
    const { status, body } = await ask(listener, { path: '/broken' })
    expect([status, body]).toEqual([500, 'The application has failed.\n'])
    expect(await codeOf(ask(listener, { path: '/late' }))).toBe('ECONNRESET')
    expect(errors).toHaveLength(2)
  })

  const wrong: [name: string, octets: string, answer: RegExp][] = [
    ['another protocol', 'GET / HTTQ/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['CONNECT', 'CONNECT example.test:443 HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1.1 405 /],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['a huge header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      /^HTTP\/1.1 400 /,
    ],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n',
      /^HTTP\/1.1 400 /,
    ],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n', /^HTTP\/1.1 400 /],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n', /^HTTP\/1.1 400 /],
  ]
  test.each(wrong)('with %s are refused', async (_, octets, expected) => {
    const { clock, listener } = await opened()
    const answer = await answerTo(listener, octets)
    expect(answer).toMatch(expected)
    expect(answer.match(/^HTTP/gm)).toHaveLength(1)
    await clock.advance(LINGER_MS)
    await until(() => listener.connections === 0)
  })

  // Where the host is missing Node answers by itself, and closes as it does after any last answer.
  const answered = wrong.filter(([name]) => name !== 'no host')
  test.each(answered)('with %s are told so though more comes behind them, until the time is up', async (_, octets) => {
    const { clock, listener } = await opened()
    const socket = await socketTo(listener)
    const errors: Error[] = []
    socket.on('error', (error) => errors.push(error))
    socket.resume().write(octets)
    await until(() => socket.readableEnded, 'the answer')
    for (let times = 0; times < 20; times++)
      await new Promise<unknown>((taken) => socket.write(Buffer.alloc(1_000_000), taken))
    expect(errors).toEqual([])
    expect(listener.connections).toBe(1)
    await clock.advance(LINGER_MS)
    await until(() => listener.connections === 0)
    expect(clock.timers).toBe(0)
  })

  test('that are at work when the door closes get their answer, or its time is up', async () => {
    const responses: ServerResponse[] = []
    const { clock, listener } = await opened({ http: (_, response) => responses.push(response) })
    const [quick, slow] = [await socketTo(listener), await socketTo(listener)]
    for (const socket of [quick, slow]) socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => responses.length === 2)
    const closing = listener.close()
    const answer = allOf(quick)
    responses.find(({ req }) => req.socket.remotePort === quick.localPort)?.end('done')
    expect(await answer).toMatch(/done$/)
    await until(() => listener.connections === 1)
    await clock.advance(LINGER_MS)
    await closing
    expect(listener.connections).toBe(0)
  })
})

describe('options', () => {
  const wrong: [options: unknown, message: string][] = [
    [
      { portt: 1 },
      'there is no option portt (did you mean port?); there are port, backlog, maxConnections, lingerMs, keepAliveMs, reusePort, host, path, tls, ws, health, http, proxy, firstOctetsTimeoutMs',
    ],
    [{ firstOctetsTimeoutMs: 0 }, 'firstOctetsTimeoutMs must be a whole number from 1 to 2147483647; given 0'],
    [{ http: 'x' }, "http must be a function of a request and a response; given 'x'"],
    [{ health: true }, 'health must be a path, an object with path and facts, or false; given true'],
    [{ health: 'health' }, "health must be a path that begins with / and has no query; given 'health'"],
    [{ health: { path: '/a?b' } }, "health.path must be a path that begins with / and has no query; given '/a?b'"],
    [{ health: { fact: 1 } }, 'there is no option fact (did you mean facts?); there are path, facts'],
    [{ health: { facts: {} } }, 'health.facts must be a function; given {}'],
    [{ ws: { trust: ['loopback'] } }, 'ws.trust is proxy.trust here: it holds for all that comes to this port'],
    [{ proxy: true }, 'proxy must be an object with trust; given true'],
    [{ proxy: {} }, 'proxy.trust must be a list of addresses that is not empty; given undefined'],
    [{ proxy: { trust: [] } }, 'proxy.trust must be a list of addresses that is not empty; given []'],
    [{ proxy: { trust: ['loopback'], required: 1 } }, 'proxy.required must be true or false; given 1'],
    [{ proxy: { trust: ['loopback'], hops: 1 } }, 'there is no option hops; there are trust, required'],
    ...[5, '*', 'example.test', '10.0.0.0/33', '::1/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1'].map(
      (given): [unknown, string] => [
        { proxy: { trust: ['loopback', given] } },
        `proxy.trust must hold an IP address, a network such as '10.0.0.0/8', 'loopback' or 'unix'; given ${typeof given === 'string' ? `'${given}'` : given}`,
      ],
    ),
  ]
  test.each(wrong)('%j are refused', async (options, message) => {
    const { broker } = open()
    await expect(listen(broker, options as MuxOptions)).rejects.toThrow(new TypeError(message))
  })
})
