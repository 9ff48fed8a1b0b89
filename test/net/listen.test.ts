/** A door to the system: what opens, what is refused, and that nothing is left when it is closed. */

import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, connect as dialTo, type Server, Socket } from 'node:net'
import { join } from 'node:path'
import {
  type Broker,
  type BrokerEvents,
  type Connection,
  createBroker,
  type Inbound,
  type SessionSnapshot,
} from '@xtomp/core'
import { listen as listenForAll } from '@xtomp/mux'
import { type ListenOptions, listen } from '@xtomp/net'
import { listen as listenWebSocket } from '@xtomp/ws'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { later } from '../support/later.js'
import { client, codeOf, connected, expectNothingHeld, folder, open, placeOf } from '../support/listeners.js'
import { until } from '../support/suite.js'
import { turn } from '../support/variants.js'
import type { WireClient } from '../support/wire-client.js'

const LINGER_MS = 50

/** How a TLS client begins: the head of a record, and the beginning of what is in it. */
const HELLO = new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])

function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, make))
}

/** Two ways to be reached; each answers where to listen. */
const kinds: { name: string; place: () => Promise<ListenOptions> }[] = [
  { name: 'TCP', place: async () => ({ port: 0 }) },
  { name: 'a UNIX socket', place: async () => ({ path: join(await folder(), 's') }) },
]

describe.each(kinds)('a listener on $name', ({ place }) => {
  test('serves, says where it is and how many it serves', async () => {
    const { broker } = open()
    const options = await place()
    const listener = await listen(broker, options)
    expect(listener.connections).toBe(0)
    if (options.path === undefined) {
      expect(listener.port).toBeGreaterThan(0)
      expect(listener.address).toBe('127.0.0.1')
    } else {
      expect(listener.port).toBeUndefined()
      expect(listener.address).toBe(options.path)
    }
    await connected(listener)
    expect(listener.connections).toBe(1)
  })

  test('is refused where another listens, with the code and the place, and leaves nothing', async () => {
    const { broker } = open()
    const first = await listen(broker, await place())
    const second = createBroker()
    const taken = first.port === undefined ? { path: first.address } : { port: first.port }
    const failing = listen(second, taken)
    await expect(failing).rejects.toThrow(first.port === undefined ? first.address : `127.0.0.1:${first.port}`)
    expect(await codeOf(failing)).toBe('EADDRINUSE')
    await second.close()
    const one = await connected(first)
    await Promise.all([first.close(), one.error('broker-closing')])
    await expectNothingHeld()
  })

  test('opens again and again at the same place, though clients were connected', async () => {
    const { broker } = open()
    let { port, ...rest } = await place()
    for (let time = 0; time < 3; time++) {
      const listener = await listen(broker, { port, ...rest })
      port = listener.port
      const one = await connected(listener)
      await listener.close()
      await one.error('broker-closing')
    }
  })

  test('is closed when all it had is gone: clients at work, silent ones, and ones that never read', async () => {
    const { broker, clock } = open()
    const timers = timersOf(LINGER_MS)
    const listener = await listen(broker, { ...(await place()), lingerMs: LINGER_MS })
    const working = await times(100, () => connected(listener))
    await times(20, () => client(listener))
    const deaf = await times(5, () => connected(listener))
    for (const one of deaf) {
      await one.confirm('SUBSCRIBE', { id: '0', destination: '/topic/noise' })
      one.pause()
    }
    const [first] = await times(1, () => connected(listener))
    await until(() => {
      broker.publish('/topic/noise', new Uint8Array(64 * 1024))
      return broker.stats().bytes > 5 * 64 * 1024
    }, 'deaf clients to hold the broker up')
    expect(listener.connections).toBe(126)
    let left: number[] | undefined
    const closing = listener.close().then(() => {
      left = [listener.connections, broker.stats().sessions, timers.left()]
    })
    for (const one of [...working, first as WireClient]) await one.error('broker-closing')
    while (left === undefined) {
      await clock.advance(500)
      await turn()
    }
    await closing
    expect(left, 'connections, sessions and timers that are left').toEqual([0, 0, 0])
    expect(timers.set).toBeGreaterThan(0)
    for (const one of deaf) one.abort()
    await expectNothingHeld()
  })

  test('may be closed twice, at once and later', async () => {
    const { broker } = open()
    const listener = await listen(broker, await place())
    const one = await connected(listener)
    await Promise.all([listener.close(), listener.close(), one.error('broker-closing')])
    await listener.close()
  })

  test('is closed with its broker, and no one else comes in', async () => {
    const { broker } = open()
    const listener = await listen(broker, await place())
    const one = await connected(listener)
    await Promise.all([broker.close(), one.error('broker-closing')])
    expect(listener.connections).toBe(0)
    expect(await codeOf(client(listener))).toBe(listener.port === undefined ? 'ENOENT' : 'ECONNREFUSED')
    await listener.close()
  })

  test('leaves the broker and its other doors as they are when it is closed', async () => {
    const { broker } = open()
    const [one, other] = [await listen(broker, await place()), await listen(broker, await place())]
    const [going, staying] = [await connected(one), await connected(other)]
    await staying.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    going.send('SEND', { destination: '/topic/a' }, 'from the one to the other')
    expect((await staying.frame('MESSAGE')).text).toBe('from the one to the other')
    await one.close()
    await going.error('broker-closing')
    broker.publish('/topic/a', 'still here')
    expect((await staying.frame('MESSAGE')).text).toBe('still here')
  })

  test('is refused by a broker that is closed, and by one that is closing', async () => {
    const { broker } = open()
    const listener = await listen(broker, await place())
    const one = await connected(listener)
    const closing = broker.close()
    expect(await codeOf(listen(broker, await place()))).toBe('broker-closing')
    await Promise.all([closing, one.error('broker-closing')])
    expect(await codeOf(listen(broker, await place()))).toBe('broker-closing')
    await expectNothingHeld()
  })

  test('is not left open where the broker is closed while it opens', async () => {
    const { broker } = open()
    const options = await place()
    const opening = listen(broker, options)
    const closing = broker.close()
    expect(await codeOf(opening)).toBe('broker-closing')
    await closing
    await expectNothingHeld()
    if (options.path !== undefined) expect(existsSync(options.path)).toBe(false)
  })

  test('answers a client that has sent all it has and ends, as nc does, however late', async () => {
    const late = later<boolean>()
    const { broker } = open({ hooks: { send: () => late.promise } })
    const listener = await listen(broker, await place())
    const one = await client(listener)
    one.write(
      'CONNECT\naccept-version:1.2\nhost:/\n\n\0SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0SEND\ndestination:/topic/a\nreceipt:r\n\nhello\0',
    )
    one.end()
    await one.frame('CONNECTED')
    // By now the end has come, too: these are more turns than it takes.
    for (let turns = 0; turns < 20; turns++) await turn()
    late.resolve(true)
    expect((await one.frame('MESSAGE')).text).toBe('hello')
    await one.frame('RECEIPT', { 'receipt-id': 'r' })
    await one.expectClosed()
  })

  test('writes the frames of one turn at once, to each receiver', async () => {
    const { broker } = open()
    const listener = await listen(broker, await place())
    const subscriber = await connected(listener)
    await subscriber.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    const producer = await connected(listener)
    const written = commandsWritten()
    const sends = Array.from({ length: 20 }, (_, at) => `SEND\ndestination:/topic/a\nreceipt:${at}\n\nbody ${at}\0`)
    producer.write(sends.join(''))
    await subscriber.messages(20)
    for (let at = 0; at < 20; at++) await producer.frame('RECEIPT', { 'receipt-id': String(at) })
    const twenty = (command: string) => sends.map(() => command).join(' ')
    expect(written).toEqual([twenty('SEND'), twenty('MESSAGE'), twenty('RECEIPT')])
  })

  test('survives clients that break off at any point', async () => {
    const { broker } = open()
    const listener = await listen(broker, await place())
    const connect = 'CONNECT\naccept-version:1.2\nhost:/\n\n\0'
    const subscribe = 'SUBSCRIBE\nid:0\ndestination:/queue/a\nack:client\n\n\0'
    const said = ['', 'CONN', connect, `${connect}${subscribe}`, `${connect}SEND\ndestination:/queue/a\n\nunfinished`]
    for (const text of [...said, ...said]) {
      const one = await client(listener)
      one.write(text)
      one.abort()
    }
    await until(() => listener.connections === 0, 'all to be gone')
    expect(broker.stats().sessions).toBe(0)
    await connected(listener)
  })

  test('pours no queue into a connection that has broken, and tells of no drain', async () => {
    const { broker } = open()
    const { seen, ...watched } = watch(broker)
    const listener = await listen(watched.broker, await place())
    const one = await connected(listener)
    await one.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a' })
    one.pause()
    // Little by little: what waits last is less than the socket's own mark, whose drain is told in another way.
    await until(() => {
      broker.publish('/queue/a', new Uint8Array(10 * 1024))
      return broker.stats().messages >= 100
    }, 'the queue to fill')
    const { messages } = broker.stats()
    seen.drains = 0
    one.abort()
    await until(() => listener.connections === 0, 'the connection to be gone')
    expect(broker.stats().messages).toBe(messages)
    expect(seen.drains).toBe(0)
  })

  test('takes nothing more from the broker for a connection that is cut', async () => {
    const { broker } = open()
    const { seen, ...watched } = watch(broker)
    await client(await listen(watched.broker, await place()))
    await until(() => seen.connection !== undefined, 'the connection')
    seen.connection?.abort()
    expect(seen.connection?.send(new Uint8Array([0x0a]), [1])).toBe(false)
  })
})

/** A broker, and what passes between it and its last connection. */
function watch(broker: Broker): { broker: Broker; seen: { connection?: Connection; drains: number } } {
  const seen: { connection?: Connection; drains: number } = { drains: 0 }
  const accept = (connection: Connection): Inbound => {
    seen.connection = connection
    const inbound = broker.accept(connection)
    return {
      receive: (octets) => inbound.receive(octets),
      drained: () => {
        seen.drains++
        inbound.drained()
      },
      ended: () => inbound.ended(),
      refuse: (error) => inbound.refuse(error),
      closed: (cause) => inbound.closed(cause),
    }
  }
  const watched = new Proxy(broker, {
    get: (of, key) => {
      if (key === 'accept') return accept
      const value: unknown = Reflect.get(of, key, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
  return { broker: watched, seen }
}

/** The commands of the frames in each write to a socket, from here on. The octets are only good for the call. */
function commandsWritten(): string[] {
  const written: string[] = []
  const { write } = Socket.prototype
  const spy = vi.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, octets) {
    const text = Buffer.from(octets as Uint8Array).toString()
    written.push([...text.matchAll(/(?:^|\0)([A-Z]+)\n/gm)].map(([, command]) => command).join(' '))
    return write.call(this, octets as Uint8Array)
  })
  onTestFinished(() => spy.mockRestore())
  return written
}

/** Timers of this duration that were set from here on, and those of them that nobody has cleared. */
function timersOf(delayMs: number): { readonly set: number; left(): number } {
  const set = vi.spyOn(globalThis, 'setTimeout')
  const cleared = vi.spyOn(globalThis, 'clearTimeout')
  onTestFinished(() => {
    set.mockRestore()
    cleared.mockRestore()
  })
  const own = () => set.mock.results.filter((_, at) => set.mock.calls[at]?.[1] === delayMs).map(({ value }) => value)
  return {
    get set() {
      return own().length
    },
    left: () => own().filter((timer) => !cleared.mock.calls.some(([given]) => given === timer)).length,
  }
}

describe('a listener', () => {
  test('tells who was lost, though the connection is gone', async () => {
    const { broker } = open()
    const ends: BrokerEvents['disconnect'][] = []
    // Nobody listens to anything else: nothing was told of this session before.
    broker.on('disconnect', (end) => ends.push(end))
    const listener = await listen(broker, { port: 0 })
    const one = await connected(listener)
    one.abort()
    await until(() => ends.length === 1, 'the end')
    const [{ session, reason }] = ends as [BrokerEvents['disconnect']]
    expect(reason.code).toBe('peer-lost')
    const ours = { localAddress: '127.0.0.1', localPort: listener.port }
    expect(session.connection).toMatchObject({ transport: 'tcp', remoteAddress: '127.0.0.1', ...ours })
    expect(session.connection.remotePort).toBeGreaterThan(0)
  })

  test('tells to which of its addresses a client came, where it listens on all', async () => {
    const { broker } = open()
    const listener = await listen(broker, { port: 0, host: '0.0.0.0' })
    await connected(listener)
    const [{ connection }] = [...broker.sessions()] as [SessionSnapshot]
    expect(connection).toMatchObject({ localAddress: '127.0.0.1', localPort: listener.port })
  })

  test('listens on IPv6', async () => {
    const { broker } = open()
    const listener = await listen(broker, { port: 0, host: '::1' })
    expect(listener.address).toBe('::1')
    await connected(listener)
  })

  test('gives a place to the next though those whom it turned away linger', async () => {
    const { broker } = open()
    const listener = await listen(broker, { port: 0, maxConnections: 1 })
    const first = await connected(listener)
    const sockets = Array.from({ length: 3 }, () => dialTo({ ...placeOf(listener), allowHalfOpen: true }))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
    })
    for (const socket of sockets) await once(socket, 'data')
    await first.disconnect()
    await until(() => listener.connections === 0, 'the first to be gone')
    await connected(listener)
    expect(broker.stats().sessions).toBe(4)
    for (const socket of sockets) socket.destroy()
    await until(() => broker.stats().sessions === 1, 'those to be gone')
  })

  test('replaces the socket file that a killed process has left', async () => {
    const path = join(await folder(), 's')
    const program = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    await once(spawn(process.execPath, ['-e', program, path]), 'exit')
    expect(existsSync(path)).toBe(true)
    const { broker } = open()
    const listener = await listen(broker, { path })
    await connected(listener)
    await listener.close()
    expect(existsSync(path)).toBe(false)
  })

  test('leaves a file that is no socket alone', async () => {
    const path = join(await folder(), 'notes')
    writeFileSync(path, 'mine')
    const { broker } = open()
    expect(await codeOf(listen(broker, { path }))).toBe('EADDRINUSE')
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('leaves the socket of another program alone', async () => {
    const path = join(await folder(), 's')
    const other = createServer((socket) => {
      // Somebody may only have looked whether it is there.
      socket.on('error', () => undefined)
      socket.end('other')
    }).listen(path)
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { broker } = open()
    expect(await codeOf(listen(broker, { path }))).toBe('EADDRINUSE')
    const [answer] = await once(dialTo({ path }), 'data')
    expect(String(answer)).toBe('other')
  })

  test('rejects where the folder does not exist', async () => {
    const { broker } = open()
    expect(await codeOf(listen(broker, { path: join(await folder(), 'nowhere', 's') }))).toBe('EACCES')
  })

  test('answers a client that begins TLS with an alert and an ERROR, and tells the log once', async () => {
    const warned: unknown[] = []
    const logger = { info: () => undefined, warn: (fields: unknown) => warned.push(fields), error: () => undefined }
    const { broker } = open({ logger })
    const reasons: string[] = []
    broker.on('close', ({ reason }) => reasons.push(reason.code))
    const listener = await listen(broker, { port: 0 })
    for (let time = 1; time <= 2; time++) {
      const socket = dialTo(placeOf(listener))
      socket.end(HELLO)
      const answer = Buffer.concat(await socket.toArray())
      expect([...answer.subarray(0, 7)]).toEqual([0x15, 3, 3, 0, 2, 2, 0x0a])
      expect(String(answer.subarray(7))).toContain('code:tls-unexpected')
      await until(() => reasons.length === time)
    }
    expect(reasons).toEqual(['tls-unexpected', 'tls-unexpected'])
    expect(warned).toEqual([{ remoteAddress: '127.0.0.1', localAddress: '127.0.0.1', localPort: listener.port }])
    // Within a frame the same octet is none of it.
    const plain = await connected(listener)
    await plain.confirm('SEND', { destination: '/queue/a' }, '\x16\x03\x01')
  })

  const wrong: [options: unknown, message: string][] = [
    [{ port: -1 }, 'port must be a whole number from 0 to 65535; given -1'],
    [{ port: 70_000 }, 'port must be a whole number from 0 to 65535; given 70000'],
    [{ port: 1.5 }, 'port must be a whole number from 0 to 65535; given 1.5'],
    [{ port: Number.NaN }, 'port must be a whole number from 0 to 65535; given NaN'],
    [{ port: 'x' }, "port must be a whole number from 0 to 65535; given 'x'"],
    [{ port: '61613' }, "port must be a whole number from 0 to 65535; given '61613'"],
    [{ port: null }, 'port must be a whole number from 0 to 65535; given null'],
    [{ host: '' }, "host must be a text that is not empty; given ''"],
    [{ host: 127 }, 'host must be a text that is not empty; given 127'],
    [{ path: '' }, "path must be a text that is not empty; given ''"],
    [{ path: '/s', port: 1 }, "path stands instead of port; given both, '/s' and 1"],
    [{ path: '/s', host: '::1' }, "path stands instead of host; given both, '/s' and '::1'"],
    [{ backlog: 0 }, 'backlog must be a whole number from 1 to 2147483647; given 0'],
    [{ maxConnections: -1 }, 'maxConnections must be a whole number, 0 or more; given -1'],
    [{ maxConnections: '5' }, "maxConnections must be a whole number, 0 or more; given '5'"],
    [{ lingerMs: Number.POSITIVE_INFINITY }, 'lingerMs must be a whole number from 0 to 2147483647; given Infinity'],
    [{ keepAliveMs: -1 }, 'keepAliveMs must be a whole number from 0 to 32767000; given -1'],
    [{ keepAliveMs: 32_767_001 }, 'keepAliveMs must be a whole number from 0 to 32767000; given 32767001'],
    [{ reusePort: 1 }, 'reusePort must be true or false; given 1'],
    [{ path: '/s', reusePort: true }, 'reusePort is for ports, and path is none'],
    [{ port: 0, reusePort: true }, 'reusePort needs a port that all know, and 0 is another for each'],
    [
      { lingerMS: 5 },
      'there is no option lingerMS (did you mean lingerMs?); there are port, backlog, maxConnections, lingerMs, keepAliveMs, reusePort, host, path',
    ],
    [
      { prt: 1 },
      'there is no option prt (did you mean port?); there are port, backlog, maxConnections, lingerMs, keepAliveMs, reusePort, host, path',
    ],
    [
      { maxConnectons: 1 },
      'there is no option maxConnectons (did you mean maxConnections?); there are port, backlog, maxConnections, lingerMs, keepAliveMs, reusePort, host, path',
    ],
    [
      { zebra: 1 },
      'there is no option zebra; there are port, backlog, maxConnections, lingerMs, keepAliveMs, reusePort, host, path',
    ],
  ]
  test.each(wrong)('rejects %j', async (options, message) => {
    const { broker } = open()
    await expect(listen(broker, options as ListenOptions)).rejects.toThrow(new TypeError(message))
  })

  test('rejects options that are none', async () => {
    const { broker } = open()
    await expect(listen(broker, null as unknown as ListenOptions)).rejects.toThrow(
      new TypeError('the options must be an object; given null'),
    )
  })

  test('takes options that are undefined as not given', async () => {
    const { broker } = open()
    const listener = await listen(broker, { port: 0, host: undefined, path: undefined, lingerMs: undefined })
    await connected(listener)
  })
})

/** A server that listens, which its door shows to nobody: Node tells of it with each socket. */
async function serverOf(port: number): Promise<Server> {
  const servers: Server[] = []
  const note = (message: unknown): void =>
    void servers.push((message as { socket: { _server: Server } }).socket._server)
  subscribe('net.server.socket', note)
  const socket = dialTo({ port, host: '127.0.0.1' })
  await until(() => servers.length > 0, 'it to be accepted')
  unsubscribe('net.server.socket', note)
  socket.destroy()
  return servers[0] as Server
}

describe('a connection that the system does not let be accepted', () => {
  test.each([
    ['a listener', listen],
    ['a WebSocket listener', listenWebSocket],
    ['a port for all', listenForAll],
  ])('harms nobody at %s, and is told to the log: the first, then how many in ten seconds', async (_, openDoor) => {
    const told: unknown[] = []
    const error = (fields: object, message: string): void => void told.push({ ...fields, message })
    const { broker, clock } = open({ logger: { info: () => undefined, warn: () => undefined, error } })
    const listener = await openDoor(broker, { port: 0 })
    const server = await serverOf(listener.port as number)
    const err = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })
    const on = `127.0.0.1:${listener.port}`
    const message = expect.stringContaining('a connection could not be accepted')
    for (let times = 0; times < 3; times++) server.emit('error', err)
    expect(told).toEqual([{ err, on, failures: 1, message }])
    await clock.advance(10_000)
    server.emit('error', err)
    expect(told.slice(1)).toEqual([{ err, on, failures: 3, message }])
  })
})
