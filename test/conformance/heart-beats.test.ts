/** Heart-beats: what is agreed, what is sent, what is expected, and when nobody is to blame. */

import type { HeartBeatOptions } from '@xtomp/core'
import { expect } from 'vitest'
import { conformance, type Env } from '../support/suite.js'
import type { WireClient } from '../support/wire-client.js'

/** Deadlines are looked at every 100 ms; two looks are enough for any. */
const LOOKS_MS = 200

/** Lets time pass in which the client says something every so often. */
async function talkFor(env: Env, client: WireClient, ms: number, everyMs: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += everyMs) {
    client.write('\n')
    await client.roundTrip()
    await env.clock.advance(everyMs)
  }
}

/** After how many milliseconds of silence, in steps of 100, a client is dropped; undefined when it never is. */
async function droppedAfter(env: Env, client: WireClient, mostMs: number): Promise<number | undefined> {
  const other = await env.connect()
  for (let passed = 100; passed <= mostMs; passed += 100) {
    await env.clock.advance(100)
    // Judged after one more poll of the sockets, and written after one more.
    await other.roundTrip()
    if (client.received.length > 0 || client.isClosed) {
      await client.error('heart-beat-missed')
      return passed
    }
  }
  return undefined
}

conformance('heart-beats', (test) => {
  test('neither sends nor expects beats where the client asks for none [90]', async (env) => {
    const clients = [
      await env.connect(),
      await env.connect({ 'heart-beat': '0,0' }),
      await env.connect({}, '1.0'),
      await env.connect({}, '1.1'),
    ]
    await env.clock.advance(300_000)
    for (const client of clients) {
      await client.expectNothing()
      expect(client.beats).toBe(0)
    }
    expect(env.clock.timers).toBe(0)
  })

  test('expects beats as rarely as the slower of both sides wants [91]', async (env) => {
    await env.open({ heartBeat: { incomingMs: 3_000, outgoingMs: 0 } })
    for (const [offered, agreed] of [
      [1_000, 3_000],
      [3_000, 3_000],
      [5_000, 5_000],
    ] as const) {
      const client = await env.connect({ 'heart-beat': `${offered},0` })
      const dropped = await droppedAfter(env, client, 2 * agreed + 1_000)
      expect(dropped, `offered ${offered}`).toBeGreaterThanOrEqual(2 * agreed)
      expect(dropped, `offered ${offered}`).toBeLessThanOrEqual(2 * agreed + LOOKS_MS)
    }
  })

  test('sends beats as rarely as the slower of both sides wants [91]', async (env) => {
    await env.open({ heartBeat: { incomingMs: 0, outgoingMs: 3_000 } })
    for (const [wanted, agreed] of [
      [1_000, 3_000],
      [3_000, 3_000],
      [5_000, 5_000],
    ] as const) {
      const client = await env.connect({ 'heart-beat': `0,${wanted}` })
      await env.clock.advance(agreed / 2)
      await client.expectNothing()
      expect(client.beats, `wanted ${wanted}`).toBe(0)
      await env.clock.advance(10 * agreed + LOOKS_MS)
      await client.beat(10)
      await client.roundTrip()
      expect(client.beats, `wanted ${wanted}`).toBeLessThanOrEqual(15)
    }
  })

  const offers: [Partial<HeartBeatOptions>, string][] = [
    [{}, '10000,10000'],
    [{ outgoingMs: 0 }, '0,10000'],
    [{ incomingMs: 0 }, '10000,0'],
    [{ outgoingMs: 2_000, incomingMs: 60_000 }, '2000,60000'],
  ]
  for (const [heartBeat, told] of offers) {
    test(`tells in CONNECTED that it offers and wants ${told} [91]`, async ({ open, client }) => {
      await open({ heartBeat })
      const known = await client()
      const { headers } = await known.connect({ 'heart-beat': '20000,20000' })
      expect(headers['heart-beat']).toBe(told)
    })
  }

  test('refuses a malformed heart-beat header [92]', async ({ client }) => {
    for (const value of ['0', 'T,0', '100,10,50', '', ',', '-1,0', '0,-1', '1.5,0', '1e3,0', '0;0', '10000']) {
      const wrong = await client()
      wrong.send('CONNECT', { 'accept-version': '1.2', host: 'localhost', 'heart-beat': value })
      const error = await wrong.error('header-invalid')
      expect(error.text).toContain('heart-beat')
    }
  })

  test('sends beats in time while it has nothing to say [93]', async (env) => {
    const client = await env.connect({ 'heart-beat': '0,10000' })
    for (let count = 1; count <= 12; count++) {
      await env.clock.advance(10_000 + (count === 1 ? LOOKS_MS : 0))
      await client.beat(count)
    }
    await client.expectNothing()
    expect(client.beats).toBeLessThanOrEqual(15)
  })

  test('drops a client that promised beats and is silent, after twice the interval [94]', async (env) => {
    for (const version of ['1.1', '1.2']) {
      const client = await env.connect({ 'heart-beat': '10000,0' }, version)
      const reasons: string[] = []
      const note = ({ reason }: { reason: { code: string } }) => {
        reasons.push(reason.code)
      }
      env.broker.on('disconnect', note)
      const dropped = await droppedAfter(env, client, 25_000)
      expect(dropped).toBeGreaterThanOrEqual(20_000)
      expect(dropped).toBeLessThanOrEqual(20_000 + LOOKS_MS)
      await env.until(() => reasons.length > 0, 'the disconnect event')
      expect(reasons).toEqual(['heart-beat-missed'])
      env.broker.off('disconnect', note)
    }
  })

  test('beats in 1.0, too, where a CONNECT asks for it', async (env) => {
    const hearing = await env.client()
    hearing.write('CONNECT\nheart-beat: 0,10000\n\n\0')
    await hearing.frame('CONNECTED', { version: '1.0', 'heart-beat': '10000,10000' })
    const silent = await env.connect({ 'heart-beat': '10000,0' }, '1.0')
    expect(await droppedAfter(env, silent, 25_000)).toBeGreaterThanOrEqual(20_000)
    await hearing.beat(2)
  })

  test('keeps a client that beats and says nothing else [95]', async (env) => {
    const client = await env.connect({ 'heart-beat': '10000,0' })
    for (let count = 0; count < 20; count++) {
      await env.clock.advance(10_000)
      client.write(count % 2 === 0 ? '\n' : '\r\n')
      const other = await env.connect()
      await other.roundTrip()
      expect(client.received).toEqual([])
    }
    await client.expectNothing()
  })

  test('takes any octet for a beat: a part of a frame too [96]', async (env) => {
    const topic = env.topic('beats')
    const client = await env.connect({ 'heart-beat': '10000,0' })
    await client.confirm('SUBSCRIBE', { id: '0', destination: topic })
    const other = await env.connect()
    for (const octet of `SEND\ndestination:${topic}\n\nslow\0`) {
      client.write(octet)
      // Over a socket the octet is on its way until somebody's later one has been answered.
      for (let trips = 0; trips < 2; trips++) await other.roundTrip()
      await env.clock.advance(15_000)
    }
    expect((await client.frame('MESSAGE')).text).toBe('slow')
    await client.expectNothing()
  })

  test('sends no beats while it sends frames [96]', async (env) => {
    const destination = env.topic('busy')
    const consumer = await env.connect({ 'heart-beat': '0,10000' })
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    const producer = await env.connect()
    for (let count = 0; count < 20; count++) {
      await env.clock.advance(5_000)
      await producer.confirm('SEND', { destination }, String(count))
      expect((await consumer.frame('MESSAGE')).text).toBe(String(count))
    }
    expect(consumer.beats).toBe(0)
    await env.clock.advance(10_000 + LOOKS_MS)
    await consumer.beat(1)
  })

  test('does nothing that comes after a missed beat [97]', async (env) => {
    const destination = env.topic('late')
    const consumer = await env.connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    const late = await env.connect({ 'heart-beat': '1000,0' })
    await env.clock.advance(60_000)
    await late.frame('ERROR', { code: 'heart-beat-missed' })
    late.send('SEND', { destination }, 'late')
    await late.closed
    await consumer.expectNothing()
  })

  test('agrees on no interval below its least [98]', async (env) => {
    await env.open({ heartBeat: { incomingMs: 1, outgoingMs: 1, leastMs: 1_000 } })
    const eager = await env.connect({ 'heart-beat': '0,1' })
    await env.clock.advance(10_000 + LOOKS_MS)
    await eager.beat(9)
    await eager.roundTrip()
    expect(eager.beats).toBeLessThanOrEqual(13)
    const promising = await env.connect({ 'heart-beat': '1,0' })
    const dropped = await droppedAfter(env, promising, 3_000)
    expect(dropped).toBeGreaterThanOrEqual(2_000)
    expect(dropped).toBeLessThanOrEqual(2_000 + LOOKS_MS)
  })

  test('waits as many intervals as the grace factor says [99]', async (env) => {
    await env.open({ heartBeat: { graceFactor: 5 } })
    const client = await env.connect({ 'heart-beat': '10000,0' })
    const dropped = await droppedAfter(env, client, 55_000)
    expect(dropped).toBeGreaterThanOrEqual(50_000)
    expect(dropped).toBeLessThanOrEqual(50_000 + LOOKS_MS)
  })

  test('stops beating when a connection ends, whatever comes late [101]', async (env) => {
    const { clock, until } = env
    for (const leave of ['disconnect', 'end', 'abort'] as const) {
      const client = await env.connect({ 'heart-beat': '10000,10000' })
      await client.roundTrip()
      expect(clock.timers).toBeGreaterThan(0)
      if (leave === 'disconnect') {
        client.write('DISCONNECT\nreceipt:bye\n\n\0\n\nSEND\ndestination:/topic/a\n\nlate\0\n')
        await client.frame('RECEIPT', { 'receipt-id': 'bye' })
        await client.closed
      } else client[leave]()
      await until(() => env.broker.stats().sessions === 0, 'no session')
      expect(env.broker.stats().alarms).toBe(0)
      await clock.advance(30_000)
      expect(clock.timers).toBe(0)
    }
  })

  test('beats in one direction where the other is not wanted [102]', async (env) => {
    const hearing = await env.connect({ 'heart-beat': '0,10000' })
    const beating = await env.connect({ 'heart-beat': '10000,0' })
    await talkFor(env, beating, 100_000, 10_000)
    await hearing.beat(9)
    await hearing.expectNothing()
    expect(beating.beats).toBe(0)
    await env.clock.advance(20_000 + LOOKS_MS)
    await beating.error('heart-beat-missed')
    await hearing.expectNothing()
  })

  test('neither sends nor expects what the broker itself does not want [102]', async (env) => {
    await env.open({ heartBeat: { incomingMs: 0, outgoingMs: 0 } })
    const client = await env.connect({ 'heart-beat': '1000,1000' })
    await env.clock.advance(120_000)
    await client.expectNothing()
    expect(client.beats).toBe(0)
    expect(env.clock.timers).toBe(0)
  })

  test('does not count the time in which it does not read a session [104]', async (env) => {
    let allow: () => void = () => undefined
    const allowed = new Promise<void>((resolve) => {
      allow = resolve
    })
    let asked = false
    await env.open({
      hooks: {
        send: async () => {
          asked = true
          await allowed
        },
      },
    })
    const client = await env.connect({ 'heart-beat': '10000,0' })
    client.send('SEND', { destination: '/topic/a', receipt: 'sent' }, 'x')
    await env.until(() => asked, 'the question')
    await env.clock.advance(120_000)
    expect(client.received).toEqual([])
    expect(client.isClosed).toBe(false)
    allow()
    await client.frame('RECEIPT', { 'receipt-id': 'sent' })
    await client.expectNothing()
    const dropped = await droppedAfter(env, client, 25_000)
    expect(dropped).toBeGreaterThanOrEqual(20_000 - LOOKS_MS)
    expect(dropped).toBeLessThanOrEqual(20_000 + LOOKS_MS)
  })

  test('does not count the time in which a producer is held by a full queue [104]', async (env) => {
    const destination = env.queue('full')
    await env.open({ destinations: [{ match: destination, maxMessages: 1, whenFull: 'hold' }] })
    const producer = await env.connect({ 'heart-beat': '10000,0' })
    await producer.confirm('SEND', { destination }, 'one')
    producer.send('SEND', { destination, receipt: 'two' }, 'two')
    const consumer = await env.connect()
    await consumer.roundTrip()
    await consumer.roundTrip()
    await env.clock.advance(120_000)
    await consumer.roundTrip()
    expect(producer.received).toEqual([])
    expect(producer.isClosed).toBe(false)
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await consumer.messages(2)).map(({ text }) => text)).toEqual(['one', 'two'])
    await producer.frame('RECEIPT', { 'receipt-id': 'two' })
    await producer.expectNothing()
  })
})
