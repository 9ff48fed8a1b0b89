/** `xtomp pub` and `xtomp sub`, against brokers in the test's process, over TCP and over WebSocket. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import { type Broker, type BrokerOptions, connectMemory, createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { type PubRequest, pub } from '../../packages/cli/src/pub.js'
import { type SubRequest, sub } from '../../packages/cli/src/sub.js'
import { until } from '../support/suite.js'
import { turn } from '../support/variants.js'
import { type TestStreams, testStreams } from './streams.js'

interface Served {
  readonly broker: Broker
  readonly url: URL
}

type Serve = (options?: BrokerOptions) => Promise<Served>

async function serveTcp(options: BrokerOptions = {}): Promise<Served> {
  const broker = createBroker(options)
  const { port } = await listen(broker, { port: 0 })
  onTestFinished(() => broker.close())
  return { broker, url: new URL(`stomp://127.0.0.1:${port}`) }
}

/** A broker whose connections in memory are carried by a WebSocket server. */
async function serveWebSocket(options: BrokerOptions = {}): Promise<Served & { readonly upgrades: unknown[] }> {
  const upgrades: unknown[] = []
  const broker = createBroker(options)
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: ([first]) => first ?? false })
  onTestFinished(async () => {
    await broker.close()
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  await once(server, 'listening')
  server.on('connection', (socket, { url, headers }) => {
    upgrades.push({ url, headers })
    const resume = () => {
      if (socket.bufferedAmount === 0) client.resume()
    }
    const receive = (octets: Uint8Array) => {
      socket.send(octets, resume)
      if (socket.bufferedAmount > 0) client.pause()
    }
    const client = connectMemory(broker, { receive, closed: () => socket.close() })
    socket.on('message', (octets: Buffer) => client.write(octets))
    socket.on('close', () => client.abort())
  })
  const { port } = server.address() as AddressInfo
  return { broker, upgrades, url: new URL(`ws://127.0.0.1:${port}/stomp`) }
}

/** A command that runs, and what it was given. */
interface Running {
  readonly streams: TestStreams
  readonly stop: AbortController
  readonly code: Promise<number>
}

function publishing(url: URL, more: Partial<PubRequest> = {}, input?: string, isTTY = false): Running {
  const request = {
    url,
    vhost: '/',
    destination: '/queue/a',
    headers: {},
    isJson: false,
    isWhole: false,
    isConfirmed: false,
  }
  const streams = testStreams(input === undefined ? { isTTY } : { input, isTTY })
  const stop = new AbortController()
  return { streams, stop, code: pub({ ...request, ...more }, streams, stop.signal) }
}

function hearing(url: URL, more: Partial<SubRequest> = {}, streams = testStreams()): Running {
  const request = {
    url,
    vhost: '/',
    destination: '/queue/a',
    headers: {},
    ack: 'client-individual',
    isJson: false,
    isConfirmed: false,
  }
  const stop = new AbortController()
  return { streams, stop, code: sub({ ...request, ...more }, streams, stop.signal) }
}

/** A message that was taken from a queue. */
interface Taken {
  readonly body: Buffer
  readonly headers: Record<string, string>
}

/** What waits in a queue, taken from it. */
async function taken(broker: Broker, destination = '/queue/a'): Promise<Taken[]> {
  const { messages: count } = broker.stats()
  const messages: Taken[] = []
  const subscription = broker.subscribe(destination, {}, ({ message }) => {
    messages.push({ body: Buffer.from(message.body), headers: Object.fromEntries(message.headers) })
  })
  await until(() => messages.length === count)
  subscription.unsubscribe()
  return messages
}

/** The bodies of what waits in a queue. */
async function bodies(broker: Broker): Promise<string[]> {
  return (await taken(broker)).map(({ body }) => body.toString())
}

const doors: [name: string, serve: Serve][] = [
  ['TCP', serveTcp],
  ['WebSocket', serveWebSocket],
]

describe.each(doors)('over %s', (_, serve) => {
  test('pub sends the body that is given, with its headers', async () => {
    const { broker, url } = await serve()
    const { code, streams } = publishing(url, { body: 'grüße\n', headers: { type: 'a:b\nc' } })
    expect(await code).toBe(0)
    expect(await taken(broker)).toMatchObject([{ body: Buffer.from('grüße\n'), headers: { type: 'a:b\nc' } }])
    expect(streams.stdout.text + streams.stderr.text).toBe('')
  })

  test('pub sends each line of stdin, the empty ones too', async () => {
    const { broker, url } = await serve()
    expect(await publishing(url, {}, 'one\r\ntwo\n\nthree').code).toBe(0)
    expect(await bodies(broker)).toEqual(['one', 'two', '', 'three'])
  })

  test('pub sends all of stdin as one, octet by octet', async () => {
    const { broker, url } = await serve()
    const running = publishing(url, { isWhole: true })
    const octets = Buffer.from([0, 255, 10, 13, 0, 10])
    running.streams.stdin.end(octets)
    expect(await running.code).toBe(0)
    expect((await taken(broker)).map(({ body }) => body)).toEqual([octets])
  })

  test('pub with receipts waits for each, and says of the first that is refused which it was', async () => {
    const { broker, url } = await serve({ destinations: [{ match: '/queue/a', maxMessages: 2 }] })
    const { code, streams } = publishing(url, { isConfirmed: true }, 'one\ntwo\nthree\nfour\n')
    expect(await code).toBe(1)
    expect(broker.stats().messages).toBe(2)
    expect(streams.stderr.text).toMatch(/^xtomp: the broker refuses: queue full: .*maxMessages.*\n$/)
  })

  test('pub has exit code 1 for a refusal without receipts, too', async () => {
    const { url } = await serve({ destinations: [{ match: '/queue/a', maxMessages: 0 }] })
    const { code, streams } = publishing(url, { body: 'x' })
    expect(await code).toBe(1)
    expect(streams.stderr.text).toContain('queue full')
  })

  test('sub writes a line for each message, acknowledges it, and ends after so many', async () => {
    const { broker, url } = await serve()
    for (const body of ['one', 'two', 'three']) broker.publish('/queue/a', body)
    const { code, streams } = hearing(url, { count: 2 })
    expect(await code).toBe(0)
    expect(streams.stdout.text).toBe('one\ntwo\n')
    await until(() => broker.stats().sessions === 0)
    expect(await bodies(broker)).toEqual(['three'])
  })

  test('sub that wants so many takes one at a time, and leaves the others to others', async () => {
    const { broker, url } = await serve()
    for (const body of ['one', 'two', 'three']) broker.publish('/queue/a', body)
    const held: (() => void)[] = []
    const stdout = new Writable({ write: (_chunk, _encoding, done) => void held.push(done) })
    const { code } = hearing(url, { count: 1 }, { ...testStreams(), stdout: Object.assign(stdout, { text: '' }) })
    await until(() => held.length === 1)
    expect(broker.stats().unacknowledged).toBe(1)
    held[0]?.()
    expect(await code).toBe(0)
  })

  test('pub sends nothing on that names a delivery, a receipt or a transaction of somebody else', async () => {
    const { broker, url } = await serve()
    const headers = { a: 'b', receipt: 'x', transaction: 't', 'message-id': '1', ack: '2', destination: '/queue/c' }
    const { code, streams } = publishing(url, { isJson: true }, JSON.stringify({ headers, body: 'x' }))
    expect(await code).toBe(0)
    expect(streams.stderr.text).toBe('')
    expect(await taken(broker)).toMatchObject([{ headers: { a: 'b' } }])
  })

  test('pub sends the headers that are given in place of those that each message brings', async () => {
    const { broker, url } = await serve()
    const input = JSON.stringify({ headers: { type: 'a', colour: 'blue' }, body: 'x' })
    expect(await publishing(url, { isJson: true, headers: { type: 'b' } }, input).code).toBe(0)
    expect(await taken(broker)).toMatchObject([{ headers: { type: 'b', colour: 'blue' } }])
  })

  test.each(['auto', 'client'])('sub in the ack mode %s leaves nothing of what it wrote', async (ack) => {
    const { broker, url } = await serve()
    broker.publish('/queue/a', 'one')
    expect(await hearing(url, { ack, count: 1 }).code).toBe(0)
    await until(() => broker.stats().sessions === 0)
    expect(broker.stats().messages).toBe(0)
  })

  test('sub writes JSON that pub sends on as it was, binary bodies too', async () => {
    const { broker, url } = await serve()
    broker.publish('/queue/a', 'text', { headers: { type: 'a', colour: 'blue' } })
    broker.publish('/queue/a', new Uint8Array([0xff, 0, 0xfe]))
    const { code, streams } = hearing(url, { isJson: true, count: 2 })
    expect(await code).toBe(0)
    const lines = streams.stdout.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(lines).toMatchObject([
      { destination: '/queue/a', headers: { type: 'a', colour: 'blue' }, body: 'text' },
      { destination: '/queue/a', base64: '/wD+' },
    ])
    expect(await publishing(url, { destination: '/queue/b', isJson: true }, streams.stdout.text).code).toBe(0)
    const [text, octets] = await taken(broker, '/queue/b')
    expect([text?.body, octets?.body]).toEqual([Buffer.from('text'), Buffer.from([0xff, 0, 0xfe])])
    expect(text?.headers).toEqual({ type: 'a', colour: 'blue' })
  })

  test('sub says on stderr that it is subscribed, where a receipt is asked for', async () => {
    const { broker, url } = await serve()
    const { code, streams } = hearing(url, { destination: '/topic/a', isConfirmed: true, count: 1 })
    await until(() => streams.stderr.text === 'xtomp: subscribed to /topic/a\n')
    broker.publish('/topic/a', 'now')
    expect(await code).toBe(0)
    expect(streams.stdout.text).toBe('now\n')
  })

  test('sub that is told to stop unsubscribes and disconnects', async () => {
    const { broker, url } = await serve()
    const facts: string[] = []
    broker.on('unsubscribe', ({ subscription }) => facts.push(`unsubscribe ${subscription.destination}`))
    broker.on('disconnect', ({ reason }) => facts.push(reason.code))
    const { code, stop, streams } = hearing(url)
    await until(() => broker.stats().subscriptions === 1)
    stop.abort()
    expect(await code).toBe(0)
    expect(facts).toEqual(['unsubscribe /queue/a', 'disconnect'])
    expect(streams.stderr.text).toBe('')
  })

  test('sub that is told to stop before it has enough says so, with exit code 1', async () => {
    const { broker, url } = await serve()
    const { code, stop, streams } = hearing(url, { count: 2 })
    broker.publish('/queue/a', 'one')
    await until(() => streams.stdout.text === 'one\n')
    stop.abort()
    expect(await code).toBe(1)
    expect(streams.stderr.text).toBe('xtomp: 1 of 2 messages came\n')
  })

  test('pub that is told to stop ends its session, though stdin is still open', async () => {
    const { broker, url } = await serve()
    const reasons: string[] = []
    broker.on('disconnect', ({ reason }) => reasons.push(reason.code))
    const { code, stop, streams } = publishing(url)
    streams.stdin.write('one\n')
    await until(() => broker.stats().messages === 1)
    stop.abort()
    expect(await code).toBe(1)
    expect(streams.stderr.text).toBe('xtomp: stopped after 1 messages\n')
    expect(reasons).toEqual(['disconnect'])
    expect(streams.stdin.destroyed).toBe(true)
  })

  test('both say so when the broker goes away, with exit code 1', async () => {
    const { broker, url } = await serve()
    const [one, other] = [hearing(url), publishing(url)]
    await until(() => broker.stats().subscriptions === 1 && broker.stats().sessions === 2)
    await broker.close()
    for (const { code, streams } of [one, other]) {
      expect(await code).toBe(1)
      expect(streams.stderr.text).toMatch(/^xtomp: the broker refuses: broker closing: .*\n$/)
    }
  })

  test('both log in as the URL says, and show no passcode when that is refused', async () => {
    const asked: unknown[] = []
    const { url } = await serve({
      hooks: {
        authenticate: ({ login, passcode, host }) => {
          asked.push([login, passcode, host])
          return passcode === 'hunter2@:/' && { login }
        },
      },
    })
    Object.assign(url, { username: 'änn', password: 'hunter2@:/' })
    expect(await publishing(url, { body: 'x', vhost: 'v' }).code).toBe(0)
    expect(asked).toEqual([['änn', 'hunter2@:/', 'v']])
    url.password = 'hunter3'
    for (const { code, streams } of [publishing(url, { body: 'x' }), hearing(url)]) {
      expect(await code).toBe(1)
      expect(streams.stderr.text).toMatch(/^xtomp: \w+:\/\/127.*: the broker refuses: auth failed: .*\n$/)
      expect(streams.stderr.text).not.toContain('hunter')
    }
  })

  test('sub ends in peace when nobody reads it any more, and what nobody read goes back', async () => {
    const { broker, url } = await serve()
    const reasons: string[] = []
    broker.on('disconnect', ({ reason }) => reasons.push(reason.code))
    for (let count = 0; count < 100; count++) broker.publish('/queue/a', `${count}`)
    let lines = 0
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => {
        if (++lines < 3) done()
        else done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      },
    })
    stdout.on('error', () => undefined)
    const { code, streams } = hearing(url, {}, { ...testStreams(), stdout: Object.assign(stdout, { text: '' }) })
    expect(await code).toBe(0)
    expect(streams.stderr.text).toBe('')
    expect(reasons).toEqual(['disconnect'])
    await until(() => broker.stats().sessions === 0)
    expect(await taken(broker)).toHaveLength(98)
  })

  test('sub reads no faster than it is read', async () => {
    const { broker, url } = await serve()
    const held: (() => void)[] = []
    const stdout = new Writable({ write: (_chunk, _encoding, done) => void held.push(done) })
    const { code, stop } = hearing(url, {}, { ...testStreams(), stdout: Object.assign(stdout, { text: '' }) })
    await until(() => broker.stats().subscriptions === 1)
    const body = 'b'.repeat(100_000)
    for (let count = 0; count < 300; count++) {
      broker.publish('/queue/a', body)
      await turn()
    }
    // What does not fit into pipes and buffers on the way stays in the queue.
    expect(held).toHaveLength(1)
    expect(broker.stats().unacknowledged).toBeLessThan(250)
    stop.abort()
    for (;;) {
      const done = held.shift()
      if (done === undefined) break
      done()
    }
    await code
    await until(() => broker.stats().sessions === 0)
    expect(broker.stats().messages).toBe(299)
  })
})

test.each(['stomp', 'ws'])('both are stopped while a broker at %s:// has not answered', async (protocol) => {
  const silent = createServer().listen(0, '127.0.0.1')
  const sockets: Socket[] = []
  silent.on('connection', (socket) => sockets.push(socket.resume()))
  onTestFinished(() => void silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const url = new URL(`${protocol}://127.0.0.1:${port}`)
  for (const { code, stop, streams } of [publishing(url), hearing(url)]) {
    await until(() => sockets.length > 0)
    const [socket] = sockets.splice(0)
    stop.abort()
    expect(await code).toBe(1)
    expect(streams.stderr.text).toBe(`xtomp: ${protocol}://127.0.0.1:${port}: stopped while connecting\n`)
    await until(() => socket?.destroyed === true)
  }
})

describe('pub', () => {
  const wrong: [line: string, says: string][] = [
    ['no', 'message 1: this is not JSON'],
    ['[]', 'message 1: a message must be an object: {"body":"…","headers":{…}}'],
    ['{"bdoy":"x"}', 'message 1: there is no bdoy in a message; there are headers, body, base64'],
    ['{"body":1}', 'message 1: body must be a text, and so must base64'],
    ['{"headers":{"a":1}}', 'message 1: headers.a must be a text'],
    ['{"headers":[]}', 'message 1: headers must be an object of texts'],
    ['{"body":"a","base64":"b"}', 'message 1: body cannot stand beside base64'],
  ]
  test.each(wrong)('says of the line %j what is wrong with it', async (line, says) => {
    const { url } = await serveTcp()
    const { code, streams } = publishing(url, { isJson: true }, `${line}\n`)
    expect(await code).toBe(1)
    expect(streams.stderr.text).toBe(`xtomp: ${says}\n`)
  })
})

test('sub that is cut without an ERROR says where the reason may stand', async () => {
  const cutting = createServer((socket) => {
    socket.on('data', (octets: Buffer) => {
      if (octets.includes('SUBSCRIBE')) socket.resetAndDestroy()
      else socket.write('CONNECTED\nversion:1.2\n\n\0')
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void cutting.close())
  await once(cutting, 'listening')
  const { port } = cutting.address() as AddressInfo
  const { code, streams } = hearing(new URL(`stomp://127.0.0.1:${port}`))
  expect(await code).toBe(1)
  expect(streams.stderr.text).toMatch(
    /^xtomp: .*ECONNRESET; no ERROR came: a broker that has cut a slow consumer says so in its log\n$/,
  )
})

test('over WebSocket login and passcode are in CONNECT alone, and in no header of HTTP', async () => {
  const { url, upgrades } = await serveWebSocket()
  Object.assign(url, { username: 'ann', password: 'hunter2' })
  expect(await publishing(url, { body: 'x' }).code).toBe(0)
  expect(upgrades).toHaveLength(1)
  expect(JSON.stringify(upgrades)).not.toMatch(/authorization|hunter2/)
})

describe('on a terminal', () => {
  test('pub says of a name that may have been meant as a queue that it is a topic; in a script it says nothing', async () => {
    const { url } = await serveTcp()
    const said = async (destination: string, isTTY: boolean) => {
      const { code, streams } = publishing(url, { destination, body: 'x' }, undefined, isTTY)
      expect(await code).toBe(0)
      return streams.stderr.text
    }
    expect(await said('orders', true)).toBe(
      'xtomp: in xtomp orders is a topic, which reaches only those who are subscribed now; /queue/orders is a queue\n',
    )
    expect([await said('orders', false), await said('/queue/orders', true), await said('/topic/orders', true)]).toEqual(
      ['', '', ''],
    )
  })

  test('sub shows where a message was sent, in colour, and lets no message move the cursor', async () => {
    const { broker, url } = await serveTcp()
    broker.publish('/queue/a', 'a\u001b[2Jb\tc')
    const { code, streams } = hearing(url, { count: 1 }, testStreams({ isTTY: true }))
    expect(await code).toBe(0)
    expect(streams.stdout.text).toBe('\u001b[36m/queue/a\u001b[39m  a\\x1b[2Jb\tc\n')
  })
})
