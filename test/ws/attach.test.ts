/** WebSocket doors on servers of the host's: who gets which upgrade, and that nothing of the host's is touched. */

import { EventEmitter } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type AttachOptions, attach, type ListenOptions, listen } from '@xtomp/ws'
import { Server as SocketIo } from 'socket.io'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { createAuthority } from '../support/certificates.js'
import { until } from '../support/suite.js'
import { ask, CONNECT, client, openBroker, opened, UPGRADE, webSocket } from './open.js'

function page(): Server {
  return createServer((_request, response) => response.end('a page'))
}

describe('a door on the host’s server', () => {
  test('answers at its path, and leaves pages as they are', async () => {
    const { broker } = openBroker()
    const server = page()
    const door = attach(broker, server, { path: '/stomp' })
    const port = await opened(server)
    const one = await client(`ws://127.0.0.1:${port}/stomp?room=1`)
    await one.connect()
    expect(door.connections).toBe(1)
    expect(await ask(port, '/')).toMatchObject({ status: 200, text: 'a page' })
    expect(await ask(port, '/stomp')).toMatchObject({ status: 200, text: 'a page' })
    await one.disconnect()
  })

  test('is refused where an application is given instead, or nothing: it says what to give', () => {
    const { broker } = openBroker()
    const wrong: [given: unknown, words: string][] = [
      // As Express makes them: it has all methods of an emitter.
      [Object.assign(() => undefined, EventEmitter.prototype), 'a function, such as an application of Express'],
      [() => undefined, 'a function, such as an application of Express'],
      [undefined, 'undefined'],
      [{ path: '/stomp' }, '[Object]'],
    ]
    for (const [given, words] of wrong)
      expect(() => attach(broker, given as Server)).toThrow(
        new TypeError(
          `attach(broker, server, options) must be given a server of node:http or node:https second; given ${words}: what app.listen() answers is one, or createServer(app)`,
        ),
      )
  })

  test('answers at each of several paths, and at those that a function names', async () => {
    const { broker } = openBroker()
    const server = page()
    attach(broker, server, { path: ['/a', '/b'] })
    attach(broker, server, { path: (path) => path.startsWith('/rooms/') })
    const port = await opened(server)
    for (const path of ['/a', '/b', '/rooms/7']) await (await client(`ws://127.0.0.1:${port}${path}`)).connect()
  })

  test('names the path asked for and those served, where nobody else listens for upgrades', async () => {
    const { broker } = openBroker()
    const server = page()
    attach(broker, server, { path: ['/a', '/b'] })
    attach(broker, server, { path: '/c' })
    const port = await opened(server)
    expect(await ask(port, '/nowhere?x', UPGRADE)).toMatchObject({
      status: 404,
      text: 'nothing at /nowhere; there is /a, /b, /c\n',
    })
  })

  const kinds: [kind: string, isSecure: boolean][] = [
    ['http', false],
    ['https', true],
  ]
  test.each(kinds)(
    'leaves requests that wish for HTTP/2 to the pages, as if nobody listened: %s',
    async (_, isSecure) => {
      const { broker } = openBroker()
      const seen: string[] = []
      const show: RequestListener = async (request, response) => {
        const body = (await request.toArray()).join('')
        seen.push(`${request.method} ${request.url} ${request.headers.host} ${body}`)
        response.end(`a page ${seen.length}`)
      }
      const authority = await createAuthority()
      const server = isSecure
        ? createSecureServer(await authority.issue({ subject: 'CN=localhost' }), show)
        : createServer(show)
      attach(broker, server, { path: '/stomp' })
      const port = await opened(server)
      const socket = isSecure
        ? connectTls({ port, host: '127.0.0.1', ca: authority.ca, checkServerIdentity: () => undefined })
        : connect(port, '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      let answers = ''
      socket.on('data', (octets) => (answers += octets))
      // As curl and Java's client ask; a request may come behind another, and have a body, and the path may be a claimed one.
      const wish = 'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n'
      socket.write(`GET /prices HTTP/1.1\r\n${wish}\r\n`)
      await until(() => answers.endsWith('a page 1'), 'the first page')
      socket.write(`POST /stomp HTTP/1.1\r\n${wish}Content-Length: 8\r\n\r\nbo`)
      socket.write('dy')
      await until(() => seen.length === 1)
      socket.write(' ten')
      await until(() => answers.endsWith('a page 2'), 'the second page')
      socket.write('GET /after HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(() => answers.endsWith('a page 3'), 'the third page')
      expect(seen).toEqual(['GET /prices a ', 'POST /stomp a body ten', 'GET /after a '])
      // And what wants a WebSocket gets one.
      if (!isSecure) await (await client(`ws://127.0.0.1:${port}/stomp`)).connect()
    },
  )

  test('has its paths for itself: a second door at one of them is an error, also of another broker', async () => {
    const { broker } = openBroker()
    const other = openBroker()
    const server = page()
    const door = attach(broker, server, { path: ['/a', '/b'] })
    for (const each of [broker, other.broker])
      expect(() => attach(each, server, { path: ['/c', '/b'] })).toThrow(
        new TypeError('another door of this server answers at /b (option path)'),
      )
    attach(broker, page(), { path: '/b' })
    await door.close()
    attach(other.broker, server, { path: ['/c', '/b'] })
    const port = await opened(server)
    await (await client(`ws://127.0.0.1:${port}/b`)).connect()
    expect([broker.stats().sessions, other.broker.stats().sessions]).toEqual([0, 1])
  })

  test('says back no more than is fit to be read', async () => {
    const { broker } = openBroker()
    const server = page()
    attach(broker, server, { path: '/a', origins: [] })
    const port = await opened(server)
    const { text } = await ask(port, `/${'x'.repeat(100)}`, UPGRADE)
    expect(text).toBe(`nothing at /${'x'.repeat(63)}...; there is /a\n`)
    const foreign = await ask(port, '/a', { ...UPGRADE, origin: 'https://caf\u00e9.example' })
    expect(foreign.text).toBe('pages of https://caf?.example may not connect here (option origins)\n')
  })

  test('leaves other paths to whoever else listens for upgrades, known or unknown', async () => {
    const { broker } = openBroker()
    const server = page()
    attach(broker, server, { path: '/stomp' })
    const other = new WebSocketServer({ server, path: '/other' })
    other.on('connection', (socket) => socket.send('other'))
    const port = await opened(server)
    onTestFinished(() => other.close())
    const theirs = await webSocket(`ws://127.0.0.1:${port}/other`)
    await until(() => theirs.messages.length > 0)
    expect(theirs.messages[0]?.text).toBe('other')
    theirs.socket.terminate()
    // It answers 400 to all paths but its own: ours it does not get to see.
    for (let times = 0; times < 3; times++) {
      const ours = await client(`ws://127.0.0.1:${port}/stomp`)
      await ours.connect()
      await ours.disconnect()
    }
    expect(await ask(port, '/nowhere', UPGRADE)).toMatchObject({ status: 400 })
  })

  test.each(['before', 'after'])('lives beside a Socket.IO that came %s it', async (when) => {
    const { broker } = openBroker()
    const server = page()
    const socketIo = new SocketIo({ destroyUpgradeTimeout: 1 })
    if (when === 'before') socketIo.attach(server)
    attach(broker, server, { path: '/stomp' })
    if (when === 'after') socketIo.attach(server)
    const port = await opened(server)
    onTestFinished(() => void socketIo.engine.close())
    const theirs = await webSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`)
    await until(() => theirs.messages.length > 0)
    expect(theirs.messages[0]?.text).toMatch(/^0\{"sid"/)
    const ours = await client(`ws://127.0.0.1:${port}/stomp`)
    await ours.connect()
    // It cuts what nobody has answered after a while: that is more than the 1 ms that it was given.
    await new Promise((resolve) => server.getConnections(resolve))
    expect(await ask(port, '/')).toMatchObject({ text: 'a page' })
    await ours.disconnect()
    theirs.socket.terminate()
  })

  test('detaches, ends its sessions, and leaves server, emit and the doors of others as they were', async () => {
    const { broker } = openBroker()
    const other = openBroker()
    const server = page()
    const { emit } = server
    const first = attach(broker, server, { path: '/first' })
    attach(other.broker, server, { path: '/second' })
    const port = await opened(server)
    const [one, two] = [await client(`ws://127.0.0.1:${port}/first`), await client(`ws://127.0.0.1:${port}/second`)]
    await Promise.all([one.connect(), two.connect()])
    await Promise.all([first.close(), one.error('broker-closing')])
    await two.expectNothing()
    expect((await ask(port, '/first', UPGRADE)).text).toBe('nothing at /first; there is /second\n')
    await Promise.all([other.broker.close(), two.error('broker-closing')])
    expect(server.emit).toBe(emit)
    expect(Object.hasOwn(server, 'emit')).toBe(false)
    expect(server.listenerCount('upgrade')).toBe(0)
    expect(server.listening).toBe(true)
    expect(await ask(port, '/first')).toMatchObject({ text: 'a page' })
  })

  test('may come again, and does not undo what another put in front of it', async () => {
    const { broker } = openBroker()
    const server = page()
    const seen: string[] = []
    const first = attach(broker, server, { path: '/stomp' })
    const before = server.emit
    server.emit = function (this: Server, ...values: unknown[]) {
      seen.push(String(values[0]))
      return Reflect.apply(before, this, values) as boolean
    } as Server['emit']
    const { emit } = server
    await first.close()
    expect(server.emit).toBe(emit)
    const second = attach(broker, server, { path: '/stomp' })
    const port = await opened(server)
    const one = await client(`ws://127.0.0.1:${port}/stomp`)
    await one.connect()
    await Promise.all([second.close(), one.error('broker-closing')])
    expect(server.emit).toBe(emit)
    expect(await ask(port, '/stomp', UPGRADE)).toMatchObject({ status: 200 })
    expect(seen).toContain('request')
  })

  test('is refused by a broker that is closed, and then listens to nothing', async () => {
    const { broker } = openBroker()
    const server = page()
    await broker.close()
    expect(() => attach(broker, server)).toThrow(expect.objectContaining({ code: 'broker-closing' }))
    expect(server.listenerCount('upgrade')).toBe(0)
    expect(Object.hasOwn(server, 'emit')).toBe(false)
  })

  test('tells the log when a function of the host fails, and refuses', async () => {
    const failed: unknown[] = []
    const logger = { info: () => undefined, warn: () => undefined, error: (fields: unknown) => failed.push(fields) }
    const { broker } = openBroker({ logger })
    const server = page()
    const fail = (): never => {
      throw new Error('boom')
    }
    attach(broker, server, { path: '/origin', origins: fail })
    attach(broker, server, { path: '/facts', factsOf: fail })
    attach(broker, server, { path: fail })
    const port = await opened(server)
    const headers = { ...UPGRADE, origin: 'https://a.example' }
    for (const path of ['/origin', '/facts']) {
      const { status, text } = await ask(port, path, headers)
      expect(status).toBe(500)
      expect(text).not.toContain('boom')
    }
    expect(await ask(port, '/else', headers)).toMatchObject({ status: 404 })
    expect(failed.length).toBeGreaterThan(2)
  })
})

describe('an upgrade', () => {
  const origins: [rule: AttachOptions['origins'], origin: string | undefined, status: number][] = [
    ['any', 'https://any.example', 101],
    [undefined, 'https://any.example', 403],
    [undefined, 'http://127.0.0.1:PORT', 101],
    [undefined, undefined, 101],
    [['https://a.example'], 'https://a.example', 101],
    [['https://a.example', 'https://b.example'], 'https://b.example', 101],
    [['https://a.example'], 'https://c.example', 403],
    [['https://a.example'], 'https://a.example:8443', 403],
    [['https://a.example'], 'null', 403],
    [['https://a.example'], undefined, 101],
    [[], 'https://a.example', 403],
    ['same-origin', 'http://127.0.0.1:PORT', 101],
    // A proxy that ends TLS may stand between.
    ['same-origin', 'https://127.0.0.1:PORT', 101],
    ['same-origin', 'http://localhost:PORT', 403],
    ['same-origin', 'http://127.0.0.1', 403],
    ['same-origin', 'chrome-extension://127.0.0.1:PORT', 403],
    ['same-origin', 'null', 403],
    ['same-origin', undefined, 101],
    [(origin) => origin.endsWith('.example'), 'https://a.example', 101],
    [(origin) => origin.endsWith('.example'), 'https://a.test', 403],
  ]
  test.each(origins)('with origins %j from %s is answered with %i [227]', async (rule, origin, status) => {
    const { broker } = openBroker()
    const { port } = await listen(broker, { port: 0, origins: rule })
    const more: Record<string, string> = origin === undefined ? {} : { origin: origin.replace('PORT', String(port)) }
    const answer = await ask(port as number, '/', { ...UPGRADE, ...more })
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.text).toContain('option origins')
  })

  test.each(['https', 'http'])(
    'over TLS is of the same origin where the page is encrypted, too: %s',
    async (scheme) => {
      const { broker } = openBroker()
      const { ca, issue } = await createAuthority()
      const server = createSecureServer(
        await issue({ subject: 'CN=localhost', altNames: [{ type: 'ip', value: '127.0.0.1' }] }),
      )
      attach(broker, server, { origins: 'same-origin' })
      const port = await opened(server)
      const one = client(`wss://127.0.0.1:${port}/`, { ca, headers: { origin: `${scheme}://127.0.0.1:${port}` } })
      if (scheme === 'https') await (await one).connect()
      else await expect(one).rejects.toThrow('403')
    },
  )

  const subprotocols: [
    offered: string | undefined,
    options: ListenOptions,
    status: number,
    agreed: string | undefined,
  ][] = [
    [undefined, {}, 101, undefined],
    ['v12.stomp', {}, 101, 'v12.stomp'],
    ['v11.stomp', {}, 101, 'v11.stomp'],
    ['v10.stomp', {}, 101, 'v10.stomp'],
    ['stomp', {}, 101, 'stomp'],
    ['v10.stomp, v11.stomp, v12.stomp', {}, 101, 'v12.stomp'],
    ['mqtt, stomp', {}, 101, 'stomp'],
    ['mqtt', {}, 400, undefined],
    ['v13.stomp', {}, 400, undefined],
    [undefined, { requireSubprotocol: true }, 400, undefined],
    ['v11.stomp', { requireSubprotocol: true }, 101, 'v11.stomp'],
  ]
  test.each(subprotocols)(
    'that offers %s, with %j, is answered with %i and %s [221]',
    async (offered, options, status, agreed) => {
      const { broker } = openBroker()
      const { port } = await listen(broker, { port: 0, ...options })
      const more: Record<string, string> = offered === undefined ? {} : { 'sec-websocket-protocol': offered }
      const answer = await ask(port as number, '/', { ...UPGRADE, ...more })
      expect([answer.status, answer.headers['sec-websocket-protocol']]).toEqual([status, agreed])
      if (status === 400) expect(answer.text).toContain('v12.stomp, v11.stomp, v10.stomp, stomp')
    },
  )

  test('reaches authenticate, and the events later on: URL, headers, cookies, subprotocol, and what the host knows', async () => {
    const asked: unknown[] = []
    const { broker } = openBroker({
      hooks: {
        authenticate: ({ connection }) => {
          asked.push(connection)
          return connection.request?.headers.cookie === 'login=ann' && { name: 'ann' }
        },
      },
    })
    const ended: unknown[] = []
    broker.on('disconnect', ({ session }) => ended.push(session.connection))
    const listener = await listen(broker, {
      port: 0,
      factsOf: ({ headers }) => ({ remoteAddress: String(headers['x-peer']) }),
    })
    const url = `ws://127.0.0.1:${listener.port}/ws?room=1`
    const one = await client(url, { headers: { cookie: 'login=ann', 'x-peer': '192.0.2.7' } })
    await one.connect()
    const facts = {
      transport: 'ws',
      remoteAddress: '192.0.2.7',
      request: { url: '/ws?room=1', subprotocol: 'v12.stomp', headers: { cookie: 'login=ann', upgrade: 'websocket' } },
    }
    expect(asked).toMatchObject([{ ...facts, localAddress: '127.0.0.1', localPort: listener.port }])
    const other = await client(url, { headers: { cookie: 'login=bob' } })
    other.write(CONNECT)
    await other.error('auth-failed')
    one.abort()
    await until(() => ended.length === 1, 'the end')
    expect(ended).toMatchObject([facts])
  })

  const behind: [trust: string[] | undefined, forwarded: string | undefined, from: string, proxy?: string][] = [
    [undefined, '192.0.2.7', '127.0.0.1'],
    [['10.0.0.0/8'], '192.0.2.7', '127.0.0.1'],
    [['loopback'], undefined, '127.0.0.1'],
    [['loopback'], 'unknown', '127.0.0.1'],
    [['loopback'], '192.0.2.7', '192.0.2.7', '127.0.0.1'],
    [['127.0.0.1', '10.0.0.0/8'], '203.0.113.9, 192.0.2.7, 10.1.2.3', '192.0.2.7', '127.0.0.1'],
  ]
  test.each(behind)('with trust %j and X-Forwarded-For %s comes from %s', async (trust, forwarded, from, proxy) => {
    const { broker } = openBroker()
    const server = page()
    attach(broker, server, { path: '/stomp', trust })
    const attached = await opened(server)
    const listener = await listen(broker, { port: 0, trust })
    const headers: Record<string, string> = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    for (const port of [attached, listener.port]) {
      const one = await client(`ws://127.0.0.1:${port}/stomp`, { headers })
      await one.connect()
      const [{ connection } = { connection: undefined }] = broker.sessions()
      expect([connection?.remoteAddress, connection?.proxyAddress]).toEqual([from, proxy])
      // Of the client behind a proxy the port is not known.
      expect(connection?.remotePort === undefined).toBe(proxy !== undefined)
      await one.disconnect()
      await until(() => broker.stats().sessions === 0)
    }
  })

  const wrong: [what: string, headers: Record<string, string>, method: string, status: number, text: string][] = [
    ['by POST', UPGRADE, 'POST', 405, 'begins with GET'],
    ['without a key', { ...UPGRADE, 'sec-websocket-key': '' }, 'GET', 400, 'Key'],
    ['with a key too short', { ...UPGRADE, 'sec-websocket-key': 'AAAA' }, 'GET', 400, 'Key'],
    ['of version 12', { ...UPGRADE, 'sec-websocket-version': '12' }, 'GET', 426, 'version 13'],
    [
      'without a version',
      { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': UPGRADE['sec-websocket-key'] },
      'GET',
      426,
      'version 13',
    ],
    ['to something else', { ...UPGRADE, upgrade: 'h2c' }, 'GET', 426, 'connect with a WebSocket'],
    ['to one of several', { ...UPGRADE, upgrade: 'h2c, websocket' }, 'GET', 400, 'Upgrade'],
    [
      'with a subprotocol twice',
      { ...UPGRADE, 'sec-websocket-protocol': 'v12.stomp, v12.stomp' },
      'GET',
      400,
      'Protocol',
    ],
  ]
  test.each(wrong)('%s is refused, and says why [230]', async (_what, headers, method, status, text) => {
    const { broker } = openBroker()
    const { port } = await listen(broker, { port: 0 })
    const answer = await ask(port as number, '/', headers, method)
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(text)
    expect(answer.headers['content-type']).toContain('text/plain')
    expect(broker.stats().sessions).toBe(0)
  })
})

describe('options', () => {
  const wrong: [options: unknown, message: string][] = [
    [{ path: 'stomp' }, "path must be a path that begins with /, a list of such, or a function; given 'stomp'"],
    [{ path: [] }, 'path must be a path that begins with /, a list of such, or a function; given []'],
    [{ path: '/a?b' }, "path must be a path that begins with /, a list of such, or a function; given '/a?b'"],
    [
      { origins: 'all' },
      "origins must be a list of origins such as 'https://example.org', 'same-origin', 'any', or a function; given 'all'",
    ],
    [
      { origins: ['https://a.example/'] },
      "origins must be a list of origins such as 'https://example.org', 'same-origin', 'any', or a function; given [ 'https://a.example/' ]",
    ],
    [{ maxMessageBytes: 0 }, 'maxMessageBytes must be a whole number from 1 to 2147483647; given 0'],
    [{ pingMs: -1 }, 'pingMs must be a whole number from 0 to 2147483647; given -1'],
    [{ lostNul: 'yes' }, "lostNul must be true or false; given 'yes'"],
    [{ requireSubprotocol: 1 }, 'requireSubprotocol must be true or false; given 1'],
    [{ perMessageDeflate: 'on' }, "perMessageDeflate must be true, false or { thresholdBytes }; given 'on'"],
    [
      { perMessageDeflate: { threshold: 1 } },
      'perMessageDeflate must be true, false or { thresholdBytes }; given { threshold: 1 }',
    ],
    [
      { perMessageDeflate: { thresholdBytes: -1 } },
      'perMessageDeflate.thresholdBytes must be a whole number from 0 to 2147483647; given -1',
    ],
    [{ trust: [] }, 'trust must be a list of addresses that is not empty; given []'],
    [
      { trust: ['10.0.0.0/33'] },
      "trust must hold an IP address, a network such as '10.0.0.0/8', 'loopback' or 'unix'; given '10.0.0.0/33'",
    ],
    [{ factsOf: {} }, 'factsOf must be a function of a request; given {}'],
    [{ provenLoginOf: 'CN' }, "provenLoginOf must be a function of a socket; given 'CN'"],
  ]
  test.each(wrong)('%j are rejected, by attach and by listen', async (options, message) => {
    const { broker } = openBroker()
    const server = page()
    expect(() => attach(broker, server, options as AttachOptions)).toThrow(new TypeError(message))
    expect(server.listenerCount('upgrade')).toBe(0)
    await expect(listen(broker, options as ListenOptions)).rejects.toThrow(new TypeError(message))
  })

  test('that there are not are named', async () => {
    const { broker } = openBroker()
    expect(() => attach(broker, page(), { paths: '/a' } as AttachOptions)).toThrow(
      /^there is no option paths \(did you mean path\?\); there are path, /,
    )
    expect(() => attach(broker, page(), { port: 1 } as AttachOptions)).toThrow(/^there is no option port; /)
    await expect(listen(broker, { port: 70_000 })).rejects.toThrow('port must be a whole number from 0 to 65535')
    await expect(listen(broker, { handshakeTimeoutMs: 0 })).rejects.toThrow('handshakeTimeoutMs must be')
  })
})
