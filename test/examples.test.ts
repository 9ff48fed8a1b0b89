/** The examples that serve: each is used as its users would, over HTTP and over STOMP, and ends as it should. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { get } from 'node:https'
import { type AddressInfo, connect as dialTo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Client } from '@stomp/stompjs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createAuthority } from './support/certificates.js'
import { dialWebSocket } from './support/dial-web-socket.js'
import { Example } from './support/example.js'
import { later } from './support/later.js'
import { firstThatWorks, freePort } from './support/programs.js'
import { root } from './support/sources.js'
import { WireClient } from './support/wire-client.js'

const MOST_LINES = 60

async function started(path: string, variables?: Readonly<Record<string, string>>): Promise<Example> {
  const example = await Example.start(path, variables)
  onTestFinished(() => example.stop())
  return example
}

/** A server of the test's own. */
async function serving(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Resolves when the application takes no more sessions: it has begun to end. */
async function hasBegunToEnd(example: Example, path: string): Promise<void> {
  while (
    await example.client(path).then(
      () => true,
      () => false,
    )
  );
}

/** A session with one unacknowledged delivery of a queue of its own. */
async function holding(client: WireClient): Promise<{ holder: WireClient; id: string }> {
  const destination = '/queue/of-the-test'
  await client.confirm('SUBSCRIBE', { id: 'held', destination, ack: 'client-individual' })
  await client.confirm('SEND', { destination }, 'to be settled')
  const { headers } = await client.frame('MESSAGE')
  return { holder: client, id: headers.ack ?? '' }
}

describe('a dashboard, with Express', () => {
  test('shows orders to all who look on, as they come in', async () => {
    const example = await started('express/dashboard.js')
    const page = await (await fetch(example.url)).text()
    expect(page).toContain('/topic/totals')
    expect(page).not.toMatch(/https?:/)
    expect(await (await fetch(`${example.url}/stompjs/index.js`)).text()).toContain('client.js')

    const seen = later<string>()
    const client = new Client({
      webSocketFactory: () => new WebSocket(`${example.url.replace('http', 'ws')}/stomp`),
      reconnectDelay: 0,
    })
    onTestFinished(() => client.deactivate({ force: true }))
    const subscribed = new Promise<void>((resolve) => {
      client.onConnect = () => {
        client.watchForReceipt('subscribed', () => resolve())
        client.subscribe('/topic/totals', ({ body }) => seen.resolve(body), { receipt: 'subscribed' })
      }
    })
    client.activate()
    await subscribed
    expect((await example.post('/orders', { item: 'tea', price: 4.2 })).status).toBe(201)
    expect(JSON.parse(await seen.promise)).toEqual({ orders: 1, revenue: 4.2 })
    expect(await (await fetch(`${example.url}/totals`)).json()).toEqual({ orders: 1, revenue: 4.2 })
    for (const price of ['', '"4.2"', '-1', '1e400', '[4.2]']) {
      const body = price === '' ? '{"item":"air"}' : `{"item":"air","price":${price}}`
      const headers = { 'content-type': 'application/json' }
      const { status } = await fetch(`${example.url}/orders`, { method: 'POST', headers, body })
      expect(status).toBe(400)
    }
    expect(await (await fetch(`${example.url}/totals`)).json()).toEqual({ orders: 1, revenue: 4.2 })
  })

  test('lets pages look on and no more, and pages of this origin only', async () => {
    const example = await started('express/dashboard.js')
    const page = await example.connected('/stomp', { origin: example.url })
    page.send('SEND', { destination: '/topic/totals' }, '{"orders":1000000}')
    await page.error('access-refused')
    await expect(example.client('/stomp', { origin: 'https://example.org' })).rejects.toThrow('403')
  })

  test('tells pages that it is over, and ends', async () => {
    const example = await started('express/dashboard.js')
    const page = await example.connected('/stomp')
    example.terminate()
    await page.error('broker-closing')
    expect(await example.exit()).toBe(0)
    expect(example.output).toContain('closed')
  })
})

describe('webhooks, with plain http', () => {
  test('tells another server what happened, again where it was not heard, and keeps what was never heard', async () => {
    const heard: string[] = []
    const other = await serving(async (request, response) => {
      const event = await text(request)
      heard.push(event)
      const isHeard = event === 'order.paid' && heard.filter((one) => one === event).length > 1
      response.writeHead(isHeard ? 204 : 500).end()
    })
    const example = await started('http/webhooks.js')
    expect((await example.post('/events', { url: other, event: 'order.paid' })).status).toBe(202)
    await example.prints('not told order.paid')
    await example.prints('\ntold order.paid')
    // Whoever speaks STOMP adds events, too.
    const producer = await example.connected('/stomp')
    await producer.confirm('SUBSCRIBE', { id: '0', destination: '/topic/unused' })
    await producer.confirm('SEND', { destination: '/queue/hooks' }, JSON.stringify({ url: other, event: 'order.lost' }))
    let failed: unknown[] = []
    while (failed.length === 0) failed = (await (await fetch(`${example.url}/failed`)).json()) as unknown[]
    expect(failed).toEqual([{ url: other, event: 'order.lost', tries: 3 }])
    expect(heard).toEqual(['order.paid', 'order.paid', 'order.lost', 'order.lost', 'order.lost'])
  })

  test('takes no event that is none, and gives up what others put into its queue that cannot be read', async () => {
    const heard: string[] = []
    const other = await serving(async (request, response) => {
      heard.push(await text(request))
      response.end()
    })
    const example = await started('http/webhooks.js')
    const nonsense = ['not json', 'null', '{}', '{"url":"nowhere","event":"order.paid"}', `{"url":"${other}"}`]
    for (const body of nonsense) {
      const { status } = await fetch(`${example.url}/events`, { method: 'POST', body })
      expect(status).toBe(400)
    }
    // Nor does one that ends half-way do any harm.
    const half = dialTo(Number(new URL(example.url).port), '127.0.0.1')
    half.end('POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"url')
    await once(half.resume(), 'close')
    const producer = await example.connected('/stomp')
    await producer.confirm('SEND', { destination: '/queue/hooks' }, 'not json')
    await example.post('/events', { url: other, event: 'order.paid' })
    await example.prints('told order.paid')
    expect(heard).toEqual(['order.paid'])
    expect(await (await fetch(`${example.url}/failed`)).json()).toEqual([{ unread: 'not json', tries: 1 }])
  })

  test('takes no WebSocket of a page of another site', async () => {
    const example = await started('http/webhooks.js')
    await example.connected('/stomp', { origin: example.url })
    await expect(example.client('/stomp', { origin: 'https://example.org' })).rejects.toThrow('403')
  })

  test('finishes what its worker is at before it ends', async () => {
    const asked = later<IncomingMessage>()
    const answer = later()
    const other = await serving(async (request, response) => {
      asked.resolve(request)
      await answer.promise
      response.end()
    })
    const example = await started('http/webhooks.js')
    await example.post('/events', { url: other, event: 'order.paid' })
    await asked.promise
    example.terminate()
    await hasBegunToEnd(example, '/stomp')
    answer.resolve()
    expect(await example.exit()).toBe(0)
    expect(example.output).toMatch(/\ntold order.paid\nclosed\n$/)
  })
})

describe('a chat, with Fastify', () => {
  async function cookieOf(example: Example, name: string): Promise<string> {
    const { status, headers } = await example.post('/login', { name })
    expect(status).toBe(200)
    return headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }

  test('knows its members by the cookie of the application, and lets each into the rooms that are theirs', async () => {
    const example = await started('fastify/chat.js')
    expect(await (await fetch(example.url)).text()).not.toMatch(/https?:/)
    expect((await fetch(`${example.url}/stomp.js`)).headers.get('content-type')).toContain('javascript')
    expect((await example.post('/login', { name: 'eve' })).status).toBe(403)
    const ann = await example.connected('/chat', { headers: { cookie: await cookieOf(example, 'ann') } })
    const bob = await example.connected('/chat', { headers: { cookie: await cookieOf(example, 'bob') } })
    await ann.confirm('SUBSCRIBE', { id: '0', destination: '/topic/rooms.tea' })
    await bob.confirm('SEND', { destination: '/topic/rooms.tea', from: 'ann' }, 'who is there?')
    const { headers, text: said } = await ann.frame('MESSAGE')
    expect([headers.from, said]).toEqual(['bob', 'who is there?'])
    bob.send('SUBSCRIBE', { id: '0', destination: '/topic/rooms.office' })
    await bob.error('access-refused')
  })

  test('takes no cookie that it has not signed, and none of a page of another site', async () => {
    const example = await started('fastify/chat.js')
    const cookie = await cookieOf(example, 'bob')
    for (const forged of ['', cookie.replace('bob', 'ann'), 'member=ann']) {
      const stranger = await example.client('/chat', { headers: { cookie: forged } })
      stranger.send('CONNECT', { 'accept-version': '1.2', host: '/' })
      await stranger.error('auth-failed')
    }
    await expect(example.client('/chat', { origin: 'https://example.org', headers: { cookie } })).rejects.toThrow('403')
  })

  test('ends the sessions of who logs out, and of nobody else', async () => {
    const example = await started('fastify/chat.js')
    const [hers, his] = [await cookieOf(example, 'ann'), await cookieOf(example, 'bob')]
    const [ann, bob] = [
      await example.connected('/chat', { headers: { cookie: hers } }),
      await example.connected('/chat', { headers: { cookie: his } }),
    ]
    await example.post('/logout', {})
    await example.post('/logout', {}, { cookie: hers })
    await ann.error('logged-out')
    await bob.roundTrip()
  })

  test('tells its members that it is over, and ends', async () => {
    const example = await started('fastify/chat.js')
    const bob = await example.connected('/chat', { headers: { cookie: await cookieOf(example, 'bob') } })
    example.terminate()
    await bob.error('broker-closing')
    expect(await example.exit()).toBe(0)
    expect(example.output).toContain('closed')
  })
})

describe('orders, with NestJS', () => {
  test('works on orders that come by HTTP or by STOMP, and tells that they are done', async () => {
    const example = await started('nestjs/orders.ts')
    const client = await example.connected('/stomp')
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/done' })
    expect(await (await example.post('/orders', { item: 'tea' })).json()).toEqual({ accepted: true })
    expect((await client.frame('MESSAGE')).text).toBe('{"item":"tea"}')
    client.send('SEND', { destination: '/queue/orders' }, '{"item":"bread"}')
    expect((await client.frame('MESSAGE')).text).toBe('{"item":"bread"}')
  })

  test('takes no WebSocket of a page of another site', async () => {
    const example = await started('nestjs/orders.ts')
    await example.connected('/stomp', { origin: example.url })
    await expect(example.client('/stomp', { origin: 'https://example.org' })).rejects.toThrow('403')
  })

  test('lets sessions settle what they hold when the application is closed', async () => {
    const example = await started('nestjs/orders.ts')
    const { holder, id } = await holding(await example.connected('/stomp'))
    example.terminate()
    await hasBegunToEnd(example, '/stomp')
    await holder.confirm('ACK', { id })
    await holder.error('broker-closing')
    expect(await example.exit()).toBe('SIGTERM')
  })
})

describe('a service behind nginx', () => {
  const missing = firstThatWorks(['nginx', '/usr/sbin/nginx'], ['-v']) === undefined ? 'needs nginx' : undefined

  test('knows who truly sent what, over TLS, and believes nobody but the proxy', async ({ skip }) => {
    if (missing !== undefined && process.env.XTOMP_REQUIRE_INTEROP !== '1') skip(missing)
    const example = await started('behind-a-proxy/service.js')
    const { url, ca } = await nginxBefore(example)
    const dial = dialWebSocket(`${url.replace('https', 'wss')}/stomp`, {
      ca,
      localAddress: '127.0.0.2',
      origin: url,
      headers: { 'x-forwarded-for': '192.0.2.66' },
    })
    const client = await WireClient.dial(dial)
    await client.connect()
    await client.confirm('SEND', { destination: '/topic/readings' }, '21.5')
    await example.prints('127.0.0.2 (by way of 127.0.0.1) sent 21.5\n')
    const [response] = (await once(get(`${url}/readings`, { ca }), 'response')) as [IncomingMessage]
    expect(await text(response)).toBe('21.5\n')
    example.terminate()
    await client.error('broker-closing')
    expect(await example.exit()).toBe(0)
  })

  test('takes the word of nobody who is no proxy', async () => {
    const example = await started('behind-a-proxy/service.js', { PROXIES: '192.0.2.1' })
    const client = await example.connected('/stomp', { headers: { 'x-forwarded-for': '192.0.2.66' } })
    await client.confirm('SEND', { destination: '/topic/readings' }, '99')
    await example.prints('127.0.0.1 (by way of no proxy) sent 99\n')
  })
})

/** nginx with the configuration of the example, but for the ports; a certificate is made for it. */
async function nginxBefore(example: Example): Promise<{ url: string; ca: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'xtomp-'))
  const port = await freePort()
  const authority = await createAuthority()
  const { cert, key } = await authority.issue({
    subject: 'CN=localhost',
    altNames: [{ type: 'ip', value: '127.0.0.1' }],
  })
  const configuration = readFileSync(join(root, 'examples/behind-a-proxy/nginx.conf'), 'utf8')
    .replace('listen 443', `listen 127.0.0.1:${port}`)
    .replace('http://127.0.0.1:3000', example.url)
  for (const [name, content] of Object.entries({ 'cert.pem': cert, 'key.pem': key, 'nginx.conf': configuration }))
    await writeFile(join(folder, name), content)
  const command = firstThatWorks(['nginx', '/usr/sbin/nginx'], ['-v']) ?? 'nginx'
  const nginx = spawn(command, ['-p', folder, '-c', 'nginx.conf'], { stdio: 'inherit' })
  onTestFinished(async () => {
    const ended = once(nginx, 'close')
    nginx.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  })
  const url = `https://127.0.0.1:${port}`
  const isThere = (): Promise<boolean> =>
    once(get(url, { ca: authority.ca }), 'response').then(
      () => true,
      () => false,
    )
  while (!(await isThere()) && nginx.exitCode === null);
  return { url, ca: authority.ca }
}

describe('the examples', () => {
  const programs = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /^[\w-]+\/[\w-]+\.(js|ts)$/.test(path))
    .filter((path) => !path.startsWith('node_modules'))

  test.each(programs)('%s is short, and says at its beginning how it is started', (path) => {
    const lines = readFileSync(join(root, 'examples', path), 'utf8')
      .trimEnd()
      .split('\n')
    expect(lines.length).toBeLessThan(MOST_LINES)
    const command = path.endsWith('.ts') ? 'npx tsx' : 'node'
    expect(lines.slice(0, 6)).toContain(` *   ${command} examples/${path}`)
  })

  test.each(programs)('%s is named in the README', (path) => {
    const isNamed = readFileSync(join(root, 'README.md'), 'utf8').includes(`(examples/${path})`)
    expect(isNamed).toBe(true)
  })
})
