/** The clients of browsers, unmodified, through the WebSocket in memory: what their authors test against a running broker. */

import type { IFrame, IMessage } from '@stomp/stompjs'
import { createTestBroker, type TestBroker } from '@xtomp/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { later } from '../support/later.js'
import { type Heard, type WebClient, type WebClientConfig, webClients } from './web-clients.js'

/** A broker that is closed when the test ends, with everything that was said in a failure's output. */
function opened(): TestBroker {
  const broker = createTestBroker()
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') console.log(broker.transcript())
    await broker.close()
    expect(Object.entries(broker.stats()).filter(([, count]) => count !== 0)).toEqual([])
    expect(broker.connections).toEqual([])
  })
  return broker
}

/** The receipt that a frame asks for. */
async function receiptOf(client: WebClient, send: (headers: { receipt: string }) => void): Promise<void> {
  const receipt = `r-${Math.random()}`
  const came = client.receipt(receipt)
  send({ receipt })
  await came
}

/** A subscription that is active, and the messages that it gets. */
async function subscribed(client: WebClient, destination: string, headers = {}) {
  const messages: IMessage[] = []
  const waiting: { count: number; resolve(): void }[] = []
  let unsubscribe = (): void => undefined
  await receiptOf(client, (receipt) => {
    const listener = (message: IMessage) => {
      messages.push(message)
      for (const { count, resolve } of waiting) if (messages.length >= count) resolve()
    }
    unsubscribe = client.subscribe(destination, listener, { ...headers, ...receipt })
  })
  const get = async (count: number): Promise<IMessage[]> => {
    const enough = later()
    waiting.push({ count, resolve: () => enough.resolve() })
    if (messages.length < count) await enough.promise
    return messages.slice(0, count)
  }
  return { messages, get, unsubscribe }
}

describe.each(webClients)('$name', ({ make }) => {
  /** A client, active, and ended with the test; it does not beat unless it is asked to. */
  function active(broker: TestBroker, config: WebClientConfig = {}, heard: Heard = {}): WebClient {
    const defaults = { heartbeatIncoming: 0, heartbeatOutgoing: 0, reconnectDelay: 0 }
    const client = make({ webSocketFactory: () => broker.webSocket(), ...defaults, ...config }, heard)
    onTestFinished(() => client.deactivate({ force: true }))
    client.activate()
    return client
  }

  /** A client that is connected. */
  async function connected(broker: TestBroker, config: WebClientConfig = {}, heard: Heard = {}): Promise<WebClient> {
    const connect = later()
    const client = active(broker, config, { ...heard, onConnect: () => connect.resolve() })
    await connect.promise
    return client
  }

  test('connects, subscribes, sends and receives, with no port', async () => {
    const broker = opened()
    const client = await connected(broker, { connectHeaders: { login: 'ann', passcode: 'top secret' } })
    expect(client.stomp.connectedVersion).toBe('1.2')
    const { get } = await subscribed(client, '/topic/a')
    client.publish({ destination: '/topic/a', body: 'grüße', headers: { colour: 'blue: \\ \n' } })
    const [message] = await get(1)
    expect(message?.body).toBe('grüße')
    expect(message?.headers.colour).toBe('blue: \\ \n')
    const [sent] = await broker.received('/topic/a')
    expect(sent?.text()).toBe('grüße')
    expect(broker.transcript()).not.toContain('secret')
  })

  test('gets its receipts, the last for DISCONNECT', async () => {
    const broker = opened()
    const disconnect = later()
    const client = await connected(broker, { onDisconnect: () => disconnect.resolve() })
    await receiptOf(client, (headers) => client.publish({ destination: '/queue/a', headers }))
    await client.deactivate()
    await disconnect.promise
    expect(broker.connections).toEqual([])
  })

  test('sees nothing of a transaction before COMMIT, all of it then, and nothing of one that is aborted', async () => {
    const broker = opened()
    const client = await connected(broker)
    const { get, messages } = await subscribed(client, '/queue/a')
    for (const end of ['abort', 'commit'] as const) {
      const transaction = client.stomp.begin()
      for (const body of ['one', 'two'])
        client.publish({ destination: '/queue/a', body: `${body} ${end}`, headers: { transaction: transaction.id } })
      await receiptOf(client, (headers) => client.publish({ destination: '/topic/nobody', headers }))
      expect(messages).toEqual([])
      transaction[end]()
    }
    expect((await get(2)).map(({ body }) => body)).toEqual(['one commit', 'two commit'])
    expect((await broker.received('/queue/a', 2)).map((message) => message.text())).toEqual([
      'one commit',
      'two commit',
    ])
  })

  test('gets again what another client has nacked', async () => {
    const broker = opened()
    const [first, second] = [await connected(broker), await connected(broker)]
    const nacking = await subscribed(first, '/queue/a', { ack: 'client' })
    broker.publish('/queue/a', 'work')
    const [tried] = await nacking.get(1)
    const { get } = await subscribed(second, '/queue/a', { ack: 'client' })
    nacking.unsubscribe()
    tried?.nack()
    const [again] = await get(1)
    expect(again?.body).toBe('work')
    expect(again?.headers.redelivered).toBe('true')
    expect(again?.headers['message-id']).toBe(tried?.headers['message-id'])
    again?.ack()
  })

  test('sends large frames in pieces, and gets them in pieces', async () => {
    const broker = opened()
    const client = await connected(broker, { splitLargeFrames: true, maxWebSocketChunkSize: 1_000 })
    const { get } = await subscribed(client, '/topic/large')
    using _pieces = broker.faults.split(777)
    const body = 'ä€😀x'.repeat(20_000)
    client.publish({ destination: '/topic/large', body })
    expect((await get(1))[0]?.body).toBe(body)
  })

  test('sends and gets octets', async () => {
    const broker = opened()
    const client = await connected(broker)
    const { get } = await subscribed(client, '/topic/octets')
    const octets = Uint8Array.from({ length: 256 }, (_, octet) => octet)
    client.publish({ destination: '/topic/octets', binaryBody: octets })
    expect((await get(1))[0]?.binaryBody).toEqual(octets)
  })

  test('hears of each broker ERROR, with its code', async () => {
    const broker = opened()
    const error = later<{ [name: string]: string }>()
    const client = await connected(broker, {}, { onError: ({ headers }) => error.resolve(headers) })
    client.publish({ destination: '/topic/a', headers: { transaction: 'never begun', receipt: 'r' } })
    expect(await error.promise).toMatchObject({ code: 'transaction-unknown', 'receipt-id': 'r' })
  })

  test('may be told an ERROR that the broker knows nothing of', async () => {
    const broker = opened()
    const error = later<IFrame>()
    const close = later<number>()
    const client = await connected(broker, {}, { onError: error.resolve, onClose: close.resolve })
    broker.faults.answerNext({ to: 'SUBSCRIBE', code: 'access-refused', body: 'not you', headers: { hint: 'x' } })
    client.publish({ destination: '/topic/a', body: 'passes' })
    client.subscribe('/topic/b', () => undefined, { receipt: 'r' })
    const { headers, body } = await error.promise
    expect(headers).toMatchObject({ code: 'access-refused', 'receipt-id': 'r', hint: 'x' })
    expect(body).toBe('not you')
    expect(await close.promise).toBe(1002)
    await broker.received('/topic/a')
    expect(broker.subscriptions).toEqual([])
  })

  test('reconnects after a forced disconnect, when its ten seconds are over, and no sooner', async () => {
    const broker = opened()
    using _timers = broker.clock.install()
    let connects = 0
    const closes: number[] = []
    active(broker, { reconnectDelay: 10_000 }, { onConnect: () => connects++, onClose: (code) => closes.push(code) })
    await broker.clock.settled()
    expect(connects).toBe(1)
    broker.connections[0]?.faults.drop()
    await broker.clock.advance(9_999)
    expect([connects, closes]).toEqual([1, [1006]])
    await broker.clock.advance(1)
    expect(connects).toBe(2)
  })

  test('doubles its delay while it is refused, and is back when it is not any more', async () => {
    const broker = opened()
    using _timers = broker.clock.install()
    const refusal = broker.faults.refuse()
    const closes: [atMs: number, code: number][] = []
    const start = broker.clock.now()
    const client = active(
      broker,
      { reconnectDelay: 1_000, reconnectTimeMode: 1, maxReconnectDelay: 4_000 },
      { onClose: (code) => closes.push([broker.clock.now() - start, code]) },
    )
    await broker.clock.advance(8_000)
    expect(closes).toEqual([0, 1_000, 3_000, 7_000].map((atMs) => [atMs, 1006]))
    refusal.end()
    await broker.clock.advance(4_000)
    expect(client.isConnected).toBe(true)
  })

  test('gives up a CONNECTED that never comes, and connects with the next', async () => {
    const broker = opened()
    using _timers = broker.clock.install()
    broker.faults.swallow('CONNECTED', { times: 1 })
    let closes = 0
    const client = active(broker, { connectionTimeout: 5_000, reconnectDelay: 1_000 }, { onClose: () => closes++ })
    await broker.clock.advance(4_999)
    expect([client.isConnected, closes]).toEqual([false, 0])
    await broker.clock.advance(1_500)
    expect([client.isConnected, closes]).toEqual([true, 1])
    expect(broker.transcript()).toMatch(/^#1 < CONNECTED .*\(swallowed\)$/m)
  })

  test('beats, and is beaten to, for an hour that takes no time', async () => {
    const broker = opened()
    using _timers = broker.clock.install()
    let beats = 0
    const client = active(broker, {
      heartbeatIncoming: 10_000,
      heartbeatOutgoing: 10_000,
      onHeartbeatReceived: () => beats++,
    })
    await broker.clock.advance(3_600_000)
    expect(client.isConnected).toBe(true)
    expect(beats).toBeGreaterThan(300)
    expect(broker.transcript()).toContain('> (heart-beat)')
  })

  test('misses beats that do not come, and says so', async () => {
    const broker = opened()
    using _timers = broker.clock.install()
    let lost = 0
    const client = active(broker, {
      heartbeatIncoming: 10_000,
      heartbeatOutgoing: 10_000,
      reconnectDelay: 1_000,
      onHeartbeatLost: () => lost++,
    })
    await broker.clock.advance(15_000)
    const silence = broker.faults.missHeartBeats()
    await broker.clock.advance(35_000)
    expect(lost).toBe(1)
    silence.end()
    await broker.clock.advance(35_000)
    expect([lost, client.isConnected]).toEqual([1, true])
  })

  test('discards a socket whose end never comes, after a half-close', async () => {
    const broker = opened()
    using _timers = broker.clock.install()
    let closes = 0
    const client = active(
      broker,
      { heartbeatIncoming: 10_000, reconnectDelay: 1_000, discardWebsocketOnCommFailure: true },
      { onClose: () => closes++ },
    )
    await broker.clock.settled()
    broker.faults.halfClose()
    await broker.clock.advance(25_000)
    expect(closes).toBe(0)
    await broker.clock.advance(10_000)
    expect([client.isConnected, closes]).toEqual([true, 1])
    // The broker had no reason to think that the first was gone: its client was free not to beat.
    expect(broker.connections).toHaveLength(2)
  })

  test('waits for what is delayed, and gets it in its order', async () => {
    const broker = opened()
    const client = await connected(broker)
    const { messages } = await subscribed(client, '/topic/a')
    const delay = broker.faults.delay(500)
    for (const body of ['one', 'two']) broker.publish('/topic/a', body)
    await broker.clock.advance(499)
    expect(messages).toEqual([])
    await broker.clock.advance(1)
    expect(messages.map(({ body }) => body)).toEqual(['one', 'two'])
    broker.publish('/topic/a', 'three')
    await broker.clock.settled()
    delay.end()
    await broker.clock.settled()
    expect(messages.map(({ body }) => body)).toEqual(['one', 'two', 'three'])
  })

  test('reads two frames in one message, and one in as many messages as it has octets', async () => {
    const broker = opened()
    let sizes: number[] = []
    const client = await connected(broker, {
      logRawCommunication: true,
      debug: (line) => line.startsWith('<<< ') && line !== '<<< PONG' && sizes.push(line.length - 4),
    })
    const { get } = await subscribed(client, '/topic/a')
    const merge = broker.faults.merge(2)
    sizes = []
    broker.publish('/topic/a', 'one')
    await broker.clock.settled()
    expect(sizes).toEqual([])
    broker.publish('/topic/a', 'two')
    expect((await get(2)).map(({ body }) => body)).toEqual(['one', 'two'])
    expect(sizes).toHaveLength(1)
    merge.end()
    broker.connections[0]?.faults.split(1)
    sizes = []
    broker.publish('/topic/a', 'grüße')
    expect((await get(3))[2]?.body).toBe('grüße')
    expect(sizes.length).toBeGreaterThan(50)
    broker.faults.clear()
  })
})
