/** What waits for a topic's slow subscription: how much, what becomes of the rest, and who gives way when the broker is full. */

import { createBroker, type SlowPolicy } from '@xtomp/core'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'
import type { WireClient } from '../support/wire-client.js'

const TOPIC = '/topic/fast'
const BODY = 'x'.repeat(100)

/** What a message with that body is counted as while it is held. */
async function octetsOf(body: string): Promise<number> {
  const broker = createBroker()
  broker.subscribe(TOPIC, { ack: 'client' }, () => undefined)
  broker.publish(TOPIC, body)
  const { bytes } = broker.stats()
  await broker.close()
  return bytes
}

/** A client whose subscription has room for one message, and has it: what comes next waits. */
async function busy({ connect, broker }: Env, destination = TOPIC, first = BODY): Promise<WireClient> {
  const client = await connect()
  await client.confirm('SUBSCRIBE', { id: destination, destination, ack: 'client', 'prefetch-count': 1 })
  broker.publish(destination, first)
  return client
}

/** Acknowledges one after the other; answers what was taken. */
async function take(client: WireClient, count: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) {
    const { headers, text } = await client.frame('MESSAGE')
    taken.push(text)
    await client.confirm('ACK', { id: headers.ack ?? '' })
  }
  await client.expectNothing()
  return taken
}

/** Bodies of one length, that can be told apart. */
function bodies(count: number): string[] {
  return Array.from({ length: count }, (_, at) => String(at).padEnd(BODY.length, '.'))
}

overMemory('the backlog of a topic subscription', (test) => {
  for (const [less, fits] of [
    [0, 3],
    [1, 2],
  ] as const) {
    const room = `${fits} messages where its octets are those of three${less === 0 ? '' : ', less one'}`

    const opened = async (env: Env, whenSlow: SlowPolicy | undefined) => {
      const backlogBytes = 3 * (await octetsOf(BODY)) - less
      const rule = { match: TOPIC, backlogBytes, ...(whenSlow === undefined ? {} : { whenSlow }) }
      const broker = await env.open({ destinations: [rule] })
      const client = await busy(env)
      return { broker, client, heard: new Heard(broker) }
    }

    test(`holds ${room}, and ends the session with the next by default`, async (env) => {
      const { broker, client, heard } = await opened(env, undefined)
      for (const body of bodies(fits)) broker.publish(TOPIC, body)
      await client.roundTrip()
      expect(heard.names).toEqual([])
      broker.publish(TOPIC, BODY)
      await client.frame('MESSAGE')
      expect((await client.error('slow-consumer')).text).toContain('destinations[].backlogBytes')
      expect(heard.names).toEqual(['slow-consumer', 'disconnect'])
    })

    test(`holds ${room}, the newest with drop-oldest`, async (env) => {
      const { broker, client } = await opened(env, 'drop-oldest')
      const sent = bodies(7)
      for (const body of sent) broker.publish(TOPIC, body)
      expect(await take(client, 1 + fits)).toEqual([BODY, ...sent.slice(-fits)])
    })

    test(`holds ${room}, the oldest with drop-newest`, async (env) => {
      const { broker, client } = await opened(env, 'drop-newest')
      const sent = bodies(7)
      for (const body of sent) broker.publish(TOPIC, body)
      expect(await take(client, 1 + fits)).toEqual([BODY, ...sent.slice(0, fits)])
    })
  }

  for (const whenSlow of ['disconnect', 'drop-oldest', 'drop-newest'] as const) {
    test(`takes one message of any size while it is empty, with ${whenSlow}`, async (env) => {
      const broker = await env.open({ destinations: [{ match: TOPIC, backlogBytes: 1, whenSlow }] })
      const client = await busy(env)
      const large = 'l'.repeat(100_000)
      for (let times = 0; times < 2; times++) {
        broker.publish(TOPIC, large)
        expect(await take(client, times === 0 ? 2 : 1)).toEqual(times === 0 ? [BODY, large] : [large])
        broker.publish(TOPIC, BODY)
        await client
          .frame('MESSAGE', { subscription: TOPIC })
          .then(({ headers }) => client.confirm('ACK', { id: headers.ack ?? '' }))
      }
    })
  }

  test('is treated, where it is a pattern’s, as the rule of the topic says whose message has no room', async (env) => {
    const backlogBytes = 3 * (await octetsOf(BODY))
    const broker = await env.open({
      destinations: [
        { match: '/topic/prices.**', backlogBytes, whenSlow: 'drop-oldest' },
        { match: '/topic/news', backlogBytes, whenSlow: 'drop-newest' },
        { match: '/topic/**', backlogBytes: 1 },
      ],
    })
    const heard = new Heard(broker)
    const client = await env.connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/**', ack: 'client', 'prefetch-count': 1 })
    broker.publish('/topic/prices.tea', BODY)
    const sent = bodies(7)
    for (const body of sent.slice(0, 5)) broker.publish('/topic/prices.tea', body)
    for (const body of sent.slice(5)) broker.publish('/topic/news', body)
    expect(await take(client, 4)).toEqual([BODY, ...sent.slice(2, 5)])
    broker.publish('/topic/prices.tea', BODY)
    for (const body of sent.slice(0, 2)) broker.publish('/topic/prices.tea', body)
    expect(heard.of('disconnect')).toEqual([])
    broker.publish('/topic/other', BODY)
    await client.frame('MESSAGE')
    await client.error('slow-consumer')
  })

  test('is handed over before what comes later, and in order', async (env) => {
    const broker = await env.open()
    const client = await busy(env)
    const sent = bodies(30)
    const taken: string[] = []
    for (const body of sent) {
      broker.publish(TOPIC, body)
      // One is taken for two that come at first; then all the rest.
      if (taken.length * 2 < Number.parseInt(body, 10)) {
        const { headers, text } = await client.frame('MESSAGE')
        taken.push(text)
        await client.confirm('ACK', { id: headers.ack ?? '' })
      }
    }
    expect([...taken, ...(await take(client, 31 - taken.length))]).toEqual([BODY, ...sent])
  })

  test('counts a message once, however many backlogs share it, until the last has given it up', async (env) => {
    const broker = await env.open()
    const octets = await octetsOf(BODY)
    const clients = []
    for (let count = 0; count < 10; count++) {
      const client = await env.connect()
      await client.confirm('SUBSCRIBE', { id: '0', destination: TOPIC, ack: 'client', 'prefetch-count': 1 })
      clients.push(client)
    }
    // What the subscriptions count themselves.
    const each = broker.stats().bytes / clients.length
    for (const body of bodies(4)) broker.publish(TOPIC, body)
    expect(broker.stats()).toMatchObject({ bytes: 10 * each + 4 * octets, unacknowledged: 10 })
    for (const [at, client] of clients.entries()) {
      expect(broker.stats().bytes).toBe(broker.stats().subscriptions * each + 4 * octets)
      if (at % 2 === 0) await take(client, 4)
      else {
        client.abort()
        await env.until(() => client.isClosed)
      }
    }
    expect(broker.stats()).toMatchObject({ bytes: 5 * each, unacknowledged: 0 })
  })

  test('gives way at totalBytes, the largest first, each as its rule says; then SENDs are refused', async (env) => {
    const broker = await env.open({
      limits: { totalBytes: 200_000 },
      destinations: [
        { match: '/topic/small', whenSlow: 'drop-newest' },
        { match: '/topic/large', whenSlow: 'drop-oldest' },
      ],
    })
    const heard = new Heard(broker)
    const names = ['/topic/small', '/topic/middle', '/topic/large'] as const
    const [small, middle, large] = [await busy(env, names[0]), await busy(env, names[1]), await busy(env, names[2])]
    for (const [at, name] of names.entries())
      for (let count = 0; count < 20 * (at + 1); count++) broker.publish(name, 'x'.repeat(750))
    expect(heard.of('slow-consumer')).toEqual([])
    const cut = () => heard.of('slow-consumer').map(({ subscription }) => subscription.destination)
    const cuts: string[][] = []
    while (heard.of('refuse').length === 0) {
      broker.publish('/queue/a', 'q'.repeat(5_000))
      expect(broker.stats().bytes).toBeLessThanOrEqual(200_000)
      if (cut().length > (cuts.at(-1)?.length ?? 0)) cuts.push(cut())
    }
    const [first, second, third] = ['/topic/large', '/topic/middle', '/topic/small']
    expect(cuts).toEqual([[first], [first, second], [first, second, third]])
    expect(heard.of('refuse')[0]?.error).toMatchObject({ code: 'memory-full' })
    const producer = await env.connect()
    producer.send('SEND', { destination: '/queue/a', receipt: 'r' }, 'q'.repeat(5_000))
    expect((await producer.error('memory-full', { 'receipt-id': 'r' })).text).toContain('limits.totalBytes')
    await middle.frame('MESSAGE')
    await middle.error('slow-consumer')
    for (const kept of [small, large]) expect(await take(kept, 1)).toEqual([BODY])
  })
})

overMemory('a broker that is full', (test) => {
  test('keeps nothing of a delivery for whose sake its own session was cut', async ({ open, connect, until }) => {
    const broker = await open({ limits: { totalBytes: 400_000, unsentBytes: 1_000_000 } })
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: TOPIC, ack: 'client' })
    client.pause()
    for (let sent = 0; broker.stats().subscriptions > 0 && sent < 4_000; sent++) {
      broker.publish(TOPIC, BODY)
      if (sent % 50 === 0) await turn()
    }
    client.abort()
    await until(() => broker.stats().sessions === 0)
    expect(broker.stats()).toMatchObject({ subscriptions: 0, unacknowledged: 0, bytes: 0 })
  })

  test('ends no session whose topic drops, and tells that it does', async (env) => {
    const broker = await env.open({
      limits: { totalBytes: 50_000 },
      destinations: [{ match: TOPIC, whenSlow: 'drop-newest' }],
    })
    const heard = new Heard(broker)
    const client = await env.connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: TOPIC, ack: 'client' })
    while (heard.of('refuse').length === 0) broker.publish('/queue/a', 'q'.repeat(1_000))
    for (const body of bodies(50)) broker.publish(TOPIC, body)
    expect(heard.of('slow-consumer')).toHaveLength(1)
    const given = broker.stats().unacknowledged
    expect(given).toBeLessThan(50)
    expect(await take(client, given)).toEqual(bodies(given))
    const consumer = await env.connect()
    consumer.send('SUBSCRIBE', { id: '0', destination: '/queue/a' })
    await env.until(() => broker.stats().messages === 0)
    broker.publish(TOPIC, BODY)
    expect(await take(client, 1)).toEqual([BODY])
    expect(heard.of('disconnect')).toEqual([])
  })
})

overMemory('a session that is ended for being slow', (test) => {
  for (const isPaused of [false, true]) {
    const how = isPaused ? 'takes nothing for a while' : 'settles nothing'
    test(`gets the RECEIPTs of what it has sent, where it ${how}`, async ({ open, connect, until }) => {
      const broker = await open({ destinations: [{ match: TOPIC, backlogBytes: 1 }] })
      const client = await connect()
      await client.confirm('SUBSCRIBE', { id: '0', destination: TOPIC, ack: 'client', 'prefetch-count': 1 })
      if (isPaused) {
        await client.confirm('SUBSCRIBE', { id: '1', destination: '/topic/large' })
        client.pause()
        for (let sent = 0; sent < 2; sent++) broker.publish('/topic/large', new Uint8Array(40_000))
        await turn()
      }
      const send = (receipt: number) => `SEND\ndestination:${TOPIC}\nreceipt:${receipt}\n\n${receipt}\0`
      client.write([1, 2, 3, 4].map(send).join(''))
      await until(() => broker.stats().subscriptions === 0)
      client.resume()
      await client.closed
      const receipts = client.received.filter(({ command }) => command === 'RECEIPT')
      // The third finds no room; of what it had for it the session hears no more.
      expect(receipts.map(({ headers }) => headers['receipt-id'])).toEqual(['1', '2'])
      expect(client.received.at(-1)).toMatchObject({ command: 'ERROR', headers: { code: 'slow-consumer' } })
    })
  }
})

overMemory('a session that is full', (test) => {
  test('gives each of its subscriptions a turn when it has room again', async ({ open, connect, queue, topic }) => {
    const broker = await open({ limits: { unacknowledged: 4 } })
    const names = [queue('a'), queue('b'), topic('c')]
    const client = await connect()
    for (const [id, destination] of names.entries())
      await client.confirm('SUBSCRIBE', { id, destination, ack: 'client-individual' })
    for (const destination of names) for (let sent = 0; sent < 20; sent++) broker.publish(destination, String(sent))
    const taken: string[][] = names.map(() => [])
    for (let count = 0; count < 30; count++) {
      const { headers, text } = await client.frame('MESSAGE')
      taken[Number(headers.subscription)]?.push(text)
      await client.confirm('ACK', { id: headers.ack ?? '' })
    }
    for (const texts of taken) {
      expect(texts.length).toBeGreaterThan(5)
      expect(texts).toEqual(texts.map((_, at) => String(at)))
    }
  })
})
