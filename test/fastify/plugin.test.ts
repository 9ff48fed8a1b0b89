/** The Fastify plugin: where it answers, whose broker it is, and that the broker's life is the application's. */

import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import fastifyWebSocket from '@fastify/websocket'
import { type BrokerOptions, createBroker } from '@xtomp/core'
import { type StompOptions, stomp } from '@xtomp/fastify'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { dialWebSocket } from '../support/dial-web-socket.js'
import { later } from '../support/later.js'
import { until } from '../support/suite.js'
import { WireClient } from '../support/wire-client.js'

const QUEUE = '/queue/jobs'
const LONG_MS = 8_000

function application(options: FastifyServerOptions = {}): FastifyInstance {
  const app = fastify(options)
  // A second time it tells no more than the first did.
  onTestFinished(() => app.close().catch(() => undefined))
  return app
}

async function opened(options: StompOptions = {}): Promise<FastifyInstance> {
  const app = application()
  await app.register(stomp, options)
  return app
}

/** The application's address, where it listens. */
async function addressOf(app: FastifyInstance): Promise<string> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.listeningOrigin as string).replace('http', 'ws')
}

async function client(
  app: FastifyInstance,
  path = '/stomp',
  headers: Record<string, string> = {},
): Promise<WireClient> {
  const to = await addressOf(app)
  const dialled = await WireClient.dial(dialWebSocket(`${to}${path}`, { headers }))
  onTestFinished(() => dialled.abort())
  return dialled
}

async function connected(...args: Parameters<typeof client>): Promise<WireClient> {
  const dialled = await client(...args)
  await dialled.connect()
  return dialled
}

/** A session with one unacknowledged delivery, and the id to acknowledge it by. */
async function holding(app: FastifyInstance): Promise<{ holder: WireClient; id: string }> {
  const holder = await connected(app)
  await holder.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client-individual' })
  app.broker.publish(QUEUE, 'wash')
  const { headers } = await holder.frame('MESSAGE')
  return { holder, id: headers.ack ?? '' }
}

describe('the door', () => {
  test('hands WebSockets that come to its path to app.broker', async () => {
    const app = await opened()
    app.post('/prices', (_request, reply) => {
      app.broker.publish('/topic/prices', 'tea')
      reply.code(204).send()
    })
    const subscriber = await connected(app)
    await subscriber.confirm('SUBSCRIBE', { id: '0', destination: '/topic/prices' })
    await app.inject({ method: 'POST', url: '/prices' })
    expect((await subscriber.frame('MESSAGE')).text).toBe('tea')
  })

  test('keeps upgrades of its path from routes and hooks, and leaves requests to them', async () => {
    const app = application()
    const seen: string[] = []
    app.addHook('onRequest', async ({ headers: { upgrade = 'no upgrade' }, url }) => {
      seen.push(`${url}: ${upgrade}`)
    })
    app.get('/stomp', async () => 'a page')
    await app.register(stomp)
    await connected(app)
    expect(seen).toEqual([])
    const { body } = await app.inject('/stomp')
    expect(body).toBe('a page')
    expect(seen).toEqual(['/stomp: no upgrade'])
  })

  test('answers behind the prefix of its context, at each of several paths and by function', async () => {
    const app = application()
    await app.register(async (child) => child.register(stomp, { path: ['/a', '/b'] }), { prefix: '/v1' })
    await app.register(stomp, { path: (path) => path.startsWith('/any/') })
    for (const path of ['/v1/a', '/v1/b', '/any/thing']) await connected(app, path)
    await expect(client(app, '/a')).rejects.toThrow('404')
  })

  test('leaves the sockets of @fastify/websocket alone, whoever is registered first', async () => {
    for (const isFirst of [true, false]) {
      const app = application()
      if (isFirst) await app.register(stomp)
      await app.register(fastifyWebSocket)
      if (!isFirst) await app.register(stomp)
      app.register(async (child) => {
        child.get('/echo', { websocket: true }, (socket) => {
          socket.on('message', (data) => socket.send(String(data)))
        })
      })
      const stompClient = await connected(app)
      const echo = new WebSocket(`${await addressOf(app)}/echo`)
      const answer = new Promise((resolve) => echo.once('message', (data) => resolve(String(data))))
      echo.once('open', () => echo.send('hello'))
      expect(await answer).toBe('hello')
      await stompClient.confirm('SEND', { destination: QUEUE }, 'still there')
      await app.close()
    }
  })

  test('is open on every address that Fastify listens at', async () => {
    const app = await opened()
    await app.listen({ port: 0, host: 'localhost' })
    const hosts = app.addresses().map((place) => {
      const { address, family, port } = place as AddressInfo
      return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
    })
    for (const host of hosts) {
      const dialled = await WireClient.dial(dialWebSocket(`ws://${host}/stomp`))
      await dialled.connect()
    }
    expect(app.broker.stats().sessions).toBe(hosts.length)
  })

  test('is open on a server that the application made', async () => {
    const app = application({ serverFactory: (handler) => createHttpServer(handler) })
    await app.register(stomp)
    await connected(app)
    expect(app.broker.stats().sessions).toBe(1)
  })

  test('refuses a server that speaks HTTP/2, whoever made it', async () => {
    const made = [
      fastify({ http2: true }),
      fastify({ http2: true, serverFactory: (handler) => createHttp2Server(handler) }),
    ]
    for (const app of made) await expect(app.register(stomp)).rejects.toThrow('speaks HTTP/2 (option http2)')
  })

  test('shows the upgrade request, cookies included, to authenticate', async () => {
    const app = await opened({
      options: {
        hooks: {
          authenticate: ({ connection }) => connection.request?.headers.cookie === 'session=ann' && { name: 'ann' },
        },
      },
    })
    await connected(app, '/stomp?room=1', { cookie: 'session=ann' })
    const [{ user, connection } = { user: undefined, connection: undefined }] = app.broker.sessions()
    expect([user, connection?.request?.url]).toEqual([{ name: 'ann' }, '/stomp?room=1'])
    const stranger = await client(app)
    stranger.send('CONNECT', { 'accept-version': '1.2', host: '/' })
    await stranger.error('auth-failed')
  })
})

describe('the broker', () => {
  test('works where no server listens, and is closed with the application', async () => {
    const app = await opened()
    app.get('/', async () => {
      await app.broker.publishConfirmed(QUEUE, 'wash')
      return app.broker.stats().messages
    })
    expect((await app.inject('/')).body).toBe('1')
    await app.close()
    await expect(app.broker.publishConfirmed(QUEUE, 'dry')).rejects.toMatchObject({ code: 'broker-closing' })
  })

  test('lets sessions settle what they hold before the server closes', async () => {
    const app = application()
    const closing = later()
    app.addHook('preClose', async () => closing.resolve())
    await app.register(stomp, { drainMs: LONG_MS })
    const { holder, id } = await holding(app)
    const closed = app.close()
    await closing.promise
    await holder.confirm('ACK', { id })
    await holder.error('broker-closing')
    await closed
    expect(app.broker.stats()).toMatchObject({ sessions: 0, messages: 0, unacknowledged: 0 })
  })

  test('cuts those that settle nothing once drainMs have passed', async () => {
    const app = await opened({ drainMs: 0 })
    const { holder } = await holding(app)
    await Promise.all([holder.error('broker-closing'), app.close()])
    expect(app.broker.stats().sessions).toBe(0)
  })

  test('is open to preClose hooks that come before it, and closed for those behind it and for onClose', async () => {
    const app = application()
    const seen: unknown[] = []
    const publish = async (): Promise<void> => {
      seen.push(await app.broker.publishConfirmed(QUEUE, 'bye').catch(({ code }) => code))
    }
    app.addHook('preClose', publish)
    await app.register(stomp)
    app.addHook('preClose', publish)
    app.addHook('onClose', publish)
    await app.ready()
    await app.close()
    expect(seen).toEqual([undefined, 'broker-closing', 'broker-closing'])
  })

  test.each(['before', 'after'])('is closed though a preClose hook fails that was added %s it', async (when) => {
    const app = application()
    const fail = async (): Promise<void> => {
      throw new Error('the cache is away')
    }
    if (when === 'before') app.addHook('preClose', fail)
    await app.register(stomp, { drainMs: LONG_MS })
    if (when === 'after') app.addHook('preClose', fail)
    const { holder, id } = await holding(app)
    const closed = expect(app.close()).rejects.toThrow('the cache is away')
    // What is held may be settled, as ever.
    await holder.confirm('ACK', { id })
    await holder.error('broker-closing')
    await closed
    // Fastify tells of the hook before the server is closed.
    await until(() => !app.server.listening && app.broker.stats().sessions === 0, 'all to be closed')
  })

  test("of the application's own is not closed, and its door is, though a preClose hook fails", async () => {
    const broker = createBroker()
    onTestFinished(() => broker.close())
    const app = application()
    app.addHook('preClose', async () => {
      throw new Error('the cache is away')
    })
    await app.register(stomp, { broker })
    const session = await connected(app)
    await Promise.all([session.error('broker-closing'), expect(app.close()).rejects.toThrow('the cache is away')])
    await broker.publishConfirmed(QUEUE, 'wash')
  })

  test("of the application's own is not closed; its sessions of this door are ended", async () => {
    const broker = createBroker()
    onTestFinished(() => broker.close())
    const app = await opened({ broker })
    expect(app.broker).toBe(broker)
    const session = await connected(app)
    await Promise.all([session.error('broker-closing'), app.close()])
    await broker.publishConfirmed(QUEUE, 'wash')
    expect(broker.stats()).toMatchObject({ sessions: 0, messages: 1 })
  })

  test('is the same at the second path of an application', async () => {
    const app = await opened({ path: '/one' })
    await app.register(stomp, { path: '/two', origins: ['https://example.org'] })
    const [one, two] = [await connected(app, '/one'), await connected(app, '/two')]
    await one.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    await two.confirm('SEND', { destination: '/topic/a' }, 'from two')
    expect((await one.frame('MESSAGE')).text).toBe('from two')
    await Promise.all([one.error('broker-closing'), two.error('broker-closing'), app.close()])
  })

  test('of a context is known to it and to those below, and to no others', async () => {
    const app = await opened()
    let inside: unknown
    let below: unknown
    await app.register(async (child) => {
      await child.register(stomp, { path: '/inside', options: { serverName: 'inside' } })
      inside = child.broker
      await child.register(async (grandchild) => {
        below = grandchild.broker
      })
    })
    expect(inside).not.toBe(app.broker)
    expect(below).toBe(inside)
    const insider = await client(app, '/inside')
    expect((await insider.connect()).headers.server).toBe('inside')
    await Promise.all([insider.error('broker-closing'), app.close()])
  })

  test('tells faults to the log of the application', async () => {
    const lines: string[] = []
    const app = application({ logger: { stream: { write: (line: string) => lines.push(line) } } })
    const hooks: BrokerOptions['hooks'] = {
      authenticate: () => {
        throw new Error('the database is away')
      },
    }
    await app.register(stomp, { options: { hooks } })
    const refused = await client(app)
    refused.send('CONNECT', { 'accept-version': '1.2', host: '/' })
    await refused.error('hook-failed')
    expect(lines.filter((line) => line.includes('the database is away'))).toHaveLength(1)
  })
})

describe('options', () => {
  const another = createBroker()

  test.each<[string, StompOptions, RegExp]>([
    ['both a broker and options for one', { broker: another, options: {} }, /give either broker or options/],
    ['a drain that is no number', { drainMs: -1 }, /drainMs must be a whole number, from 0 to 9999 .*; given -1/],
    ['a drain that Fastify would not wait for', { drainMs: 10_000 }, /less than pluginTimeout\); given 10000/],
    ['a path that is none', { path: 'stomp' }, /path must be .*'stomp'/],
    ['what the broker does not know', { options: { hosts: [''] } }, /hosts/],
  ])('refuse %s', async (_what, options, message) => {
    await expect(fastify().register(stomp, options)).rejects.toThrow(message)
  })

  test('refuse a second broker in one context', async () => {
    const app = await opened()
    await expect(app.register(stomp, { broker: another })).rejects.toThrow('in a context of its own')
  })

  test("refuse an app.broker of another plugin's, and leave it alone in a context of their own", async () => {
    const foreign: unknown = { publish: () => undefined }
    const app = application()
    app.decorate('broker', foreign as never)
    await expect(app.register(stomp)).rejects.toThrow("app.broker is another plugin's: register this one in a context")
    const other = application()
    other.decorate('broker', foreign as never)
    let inside: unknown
    await other.register(async (child) => {
      await child.register(stomp)
      inside = child.broker
    })
    await connected(other)
    expect([inside === foreign, other.broker === foreign]).toEqual([false, true])
  })

  test('take any drain where Fastify has no time-out for plugins', async () => {
    const app = application({ pluginTimeout: 0 })
    await app.register(stomp, { drainMs: 60_000 })
    await app.close()
  })
})
