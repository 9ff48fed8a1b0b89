/** Every limit of the broker, exactly at it and one beyond, with the code that tells of it. */

import { createBroker, type Limits, type Store } from '@xtomp/core'
import { describe, expect, it } from 'vitest'
import { settingsOf } from '../packages/core/src/broker/options.js'
import { conformance, type Env, overMemory } from './support/suite.js'
import { turn } from './support/variants.js'
import type { WireClient, WireFrame } from './support/wire-client.js'

const KIB = 1024
const MIB = KIB * KIB

/** Takes the ERROR, which must say which limit it is, and by which option it is moved. */
async function refused(client: WireClient, code: string, option: string, limit: number): Promise<void> {
  const error = await client.error(code)
  expect(error.text).toContain(option)
  expect(error.text).toContain(String(limit))
}

/** What waits until it is let go. */
function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

interface LimitCase {
  readonly says: string
  run(env: Env): Promise<void>
}

/** One case for each limit: a limit without one does not compile. */
const cases: { readonly [Name in keyof Limits]: LimitCase } = {
  connectBytes: {
    says: 'takes a CONNECT of as many octets as allowed, and refuses one more',
    run: async ({ open, client }) => {
      await open({ limits: { connectBytes: 200 } })
      // The lines and the blank line, without the NUL.
      const frame = (octets: number) => `${'CONNECT\naccept-version:1.2\nx:'.padEnd(octets - 2, 'v')}\n\n`
      expect(frame(200)).toHaveLength(200)
      const small = await client()
      small.write(`${frame(200)}\0`)
      await small.frame('CONNECTED')
      const large = await client()
      large.write(`${frame(201)}\0`)
      await refused(large, 'connect-too-large', 'limits.connectBytes', 200)
    },
  },
  headerLineBytes: {
    says: 'takes a header line of as many octets as allowed, and refuses one more',
    run: async ({ open, connect, topic }) => {
      await open({ limits: { headerLineBytes: 100 } })
      const destination = topic('a')
      for (const version of ['1.0', '1.1', '1.2']) {
        const client = await connect({}, version)
        // Octets, not characters: an é has two.
        for (const line of [`x:${'v'.repeat(98)}`, `x:${'é'.repeat(49)}`]) {
          await client.confirm('SEND', [
            ['destination', destination],
            ['x', line.slice(2)],
          ])
          await client.expectNothing()
        }
        client.send('SEND', { destination, x: `${'é'.repeat(49)}v` })
        await refused(client, 'header-too-long', 'limits.headerLineBytes', 100)
      }
    },
  },
  headers: {
    says: 'takes as many headers as allowed, and refuses one more',
    run: async ({ open, connect }) => {
      await open({ limits: { headers: 10 } })
      const client = await connect()
      const pairs = (count: number) => [
        ['destination', '/topic/a'] as const,
        ...Array.from({ length: count - 1 }, (_, at) => [`h${at}`, 'v'] as const),
      ]
      client.send('SEND', pairs(10))
      await client.expectNothing()
      client.send('SEND', pairs(11))
      await refused(client, 'headers-too-many', 'limits.headers', 10)
    },
  },
  bodyBytes: {
    says: 'takes a body of as many octets as allowed, and refuses one more',
    run: async ({ open, connect }) => {
      await open({ limits: { bodyBytes: 1_000 } })
      for (const length of [true, false]) {
        const client = await connect()
        const send = (octets: number) =>
          client.send(
            'SEND',
            [['destination', '/topic/a'] as const, ...(length ? [['content-length', octets] as const] : [])],
            'b'.repeat(octets),
          )
        send(1_000)
        await client.expectNothing()
        send(1_001)
        await refused(client, 'body-too-large', 'limits.bodyBytes', 1_000)
      }
    },
  },
  connectTimeoutMs: {
    says: 'waits for a CONNECT as long as allowed, and no longer',
    run: async ({ open, client, connect, clock, door }) => {
      await open({ limits: { connectTimeoutMs: 2_000 } })
      const slow = await client()
      slow.write('CONNECT\n')
      // Where first octets are waited for, another limit holds for who is silent: test/mux/listen.test.ts.
      const waiting = door === 'mux' ? [slow] : [slow, await client()]
      const other = await connect()
      await clock.advance(1_900)
      await other.roundTrip()
      for (const { received } of waiting) expect(received).toEqual([])
      await clock.advance(300)
      for (const each of waiting) await each.error('connect-timeout')
    },
  },
  subscriptions: {
    says: 'takes as many subscriptions as allowed, and refuses one more',
    run: async ({ open, connect, topic }) => {
      await open({ limits: { subscriptions: 3 } })
      const client = await connect()
      const destination = topic('a')
      for (const id of [0, 1, 2]) await client.confirm('SUBSCRIBE', { id, destination })
      await client.confirm('UNSUBSCRIBE', { id: 1 })
      await client.confirm('SUBSCRIBE', { id: 3, destination })
      const other = await connect()
      await other.confirm('SUBSCRIBE', { id: 0, destination })
      client.send('SUBSCRIBE', { id: 4, destination })
      await refused(client, 'subscriptions-too-many', 'limits.subscriptions', 3)
    },
  },
  unacknowledged: {
    says: 'gives a session as many unacknowledged deliveries as allowed, and the next one after an ACK',
    run: async ({ open, connect, queue, topic }) => {
      await open({ limits: { unacknowledged: 5 } })
      const [q, t] = [queue('a'), topic('a')]
      const producer = await connect()
      const consumer = await connect()
      await consumer.confirm('SUBSCRIBE', { id: 'q', destination: q, ack: 'client-individual' })
      await consumer.confirm('SUBSCRIBE', { id: 't', destination: t, ack: 'client-individual' })
      for (let count = 0; count < 4; count++) await producer.confirm('SEND', { destination: q }, `q${count}`)
      for (let count = 0; count < 3; count++) await producer.confirm('SEND', { destination: t }, `t${count}`)
      await producer.confirm('SEND', { destination: q }, 'q4')
      const messages = await consumer.messages(5)
      expect(messages.map(({ text }) => text)).toEqual(['q0', 'q1', 'q2', 'q3', 't0'])
      await consumer.expectNothing()
      for (const { headers } of messages.slice(0, 3)) await consumer.confirm('ACK', { id: headers.ack ?? '' })
      const rest = await consumer.messages(3)
      expect(rest.map(({ text }) => text).sort()).toEqual(['q4', 't1', 't2'])
      await consumer.expectNothing()
    },
  },
  transactions: {
    says: 'opens as many transactions as allowed, and refuses one more',
    run: async ({ open, connect }) => {
      await open({ limits: { transactions: 3 } })
      const client = await connect()
      for (const transaction of ['a', 'b', 'c']) await client.confirm('BEGIN', { transaction })
      await client.confirm('ABORT', { transaction: 'a' })
      await client.confirm('BEGIN', { transaction: 'd' })
      await client.confirm('COMMIT', { transaction: 'b' })
      await client.confirm('BEGIN', { transaction: 'e' })
      client.send('BEGIN', { transaction: 'f' })
      await refused(client, 'transactions-too-many', 'limits.transactions', 3)
    },
  },
  transactionBytes: {
    says: 'holds as many octets of open transactions as allowed, and refuses more',
    run: async ({ open, connect, queue }) => {
      const limit = 10_000
      await open({ limits: { transactionBytes: limit } })
      const destination = queue('a')
      const held = async (client: WireClient, body: number) => {
        for (const transaction of ['a', 'b']) {
          client.send('BEGIN', { transaction })
          client.send('SEND', { destination, transaction }, 'b'.repeat(body))
        }
      }
      // All transactions of a session count together; what a message costs beside its body is not said.
      const fits = await connect()
      await held(fits, limit / 2 - 1_000)
      await fits.expectNothing()
      await fits.confirm('ABORT', { transaction: 'a' })
      await fits.confirm('BEGIN', { transaction: 'c' })
      await fits.confirm('SEND', { destination, transaction: 'c' }, 'b'.repeat(limit / 2 - 1_000))
      for (const transaction of ['b', 'c']) await fits.confirm('COMMIT', { transaction })
      const large = await connect()
      await held(large, limit / 2 + 1)
      await refused(large, 'transaction-too-large', 'limits.transactionBytes', limit)
    },
  },
  unsentBytes: {
    says: 'delivers to a session that reads nothing until so many octets wait, and goes on when it reads again',
    run: async ({ open, connect, queue, until, door, skip }) => {
      if (door !== 'memory') skip('how many octets a socket takes without a reader is not ours to say')
      const count = 200
      const opened = await open({ limits: { unsentBytes: 10_000 } })
      const destination = queue('a')
      const producer = await connect()
      const consumer = await connect()
      for (let sent = 0; sent < count; sent++) producer.send('SEND', { destination }, 'b'.repeat(1_000))
      await producer.roundTrip()
      consumer.pause()
      consumer.send('SUBSCRIBE', { id: 0, destination, ack: 'client' })
      await until(() => opened.stats().unacknowledged > 0, 'deliveries')
      for (let trips = 0; trips < 3; trips++) await producer.roundTrip()
      // The connection itself takes 64 KiB for a client that has paused; a frame is a little longer than its body.
      const { unacknowledged } = opened.stats()
      expect(unacknowledged).toBeGreaterThanOrEqual(55)
      expect(unacknowledged).toBeLessThanOrEqual(65 + 2 * 10)
      consumer.resume()
      for (const { headers } of await consumer.messages(unacknowledged)) consumer.send('ACK', { id: headers.ack ?? '' })
      await consumer.messages(count - unacknowledged)
    },
  },
  unstoredBytes: {
    says: 'reads a session whose frames wait for the store until so many octets do, and goes on when they are stored',
    run: async ({ open, connect, queue, until }) => {
      const { opened, open: release } = gate()
      let stored = 0
      const store: Store = {
        apply: ({ appends }) => {
          stored += appends.length
          return opened
        },
        async *recover() {},
      }
      const broker = await open({ store, limits: { unstoredBytes: 10_000 } })
      const destination = queue('a')
      const producer = await connect()
      for (let count = 0; count < 50; count++) {
        producer.send('SEND', { destination, receipt: count }, 'b'.repeat(1_000))
        await turn()
      }
      await until(() => stored > 0, 'a batch')
      const other = await connect()
      for (let trips = 0; trips < 3; trips++) await other.roundTrip()
      expect(broker.stats().messages).toBeGreaterThanOrEqual(8)
      expect(broker.stats().messages).toBeLessThanOrEqual(11)
      expect(producer.received).toEqual([])
      release()
      for (let count = 0; count < 50; count++) await producer.frame('RECEIPT', { 'receipt-id': String(count) })
      expect(stored).toBe(50)
    },
  },
  stallMs: {
    says: 'waits for a peer that takes no octet as long as allowed, and no longer',
    run: async ({ open, connect, topic, clock, until }) => {
      const broker = await open({ limits: { stallMs: 5_000 } })
      const reasons: string[] = []
      broker.on('disconnect', ({ reason }) => {
        reasons.push(reason.code)
      })
      const destination = topic('a')
      const consumer = await connect()
      await consumer.confirm('SUBSCRIBE', { id: 0, destination })
      const producer = await connect()
      consumer.pause()
      // More than the buffers of any socket take.
      producer.send('SEND', { destination }, 'b'.repeat(16 * MIB))
      for (let trips = 0; trips < 5; trips++) await producer.roundTrip()
      await clock.advance(4_800)
      await producer.roundTrip()
      expect(reasons).toEqual([])
      await clock.advance(400)
      await until(() => reasons.length > 0, 'the end of the session')
      expect(reasons).toEqual(['stalled'])
      consumer.resume()
      await consumer.closed
      await producer.expectNothing()
    },
  },
  destinations: {
    says: 'keeps as many destinations as allowed, forgets the empty ones, and refuses one more',
    run: async ({ open, connect, queue, topic, until }) => {
      const broker = await open({ limits: { destinations: 3 } })
      const client = await connect()
      await client.confirm('SUBSCRIBE', { id: 'a', destination: topic('a') })
      await client.confirm('SUBSCRIBE', { id: 'b', destination: queue('b') })
      const kept = queue('kept')
      await client.confirm('SEND', { destination: kept }, 'kept')
      await until(() => broker.stats().destinations === 3)
      await client.confirm('SEND', { destination: kept }, 'too')
      await client.confirm('SEND', { destination: topic('nobody') }, 'is there')
      await client.confirm('UNSUBSCRIBE', { id: 'a' })
      await client.confirm('SUBSCRIBE', { id: 'a', destination: topic('other') })
      const sender = await connect()
      sender.send('SEND', { destination: queue('c') }, 'no room')
      await refused(sender, 'destinations-too-many', 'limits.destinations', 3)
      client.send('SUBSCRIBE', { id: 'd', destination: topic('d') })
      await refused(client, 'destinations-too-many', 'limits.destinations', 3)
    },
  },
  destinationLength: {
    says: 'takes a destination name as long as allowed, and refuses a longer one',
    run: async ({ open, connect }) => {
      await open({ limits: { destinationLength: 20 } })
      const name = (kind: string, length: number) => `/${kind}/`.padEnd(length, 'n')
      for (const kind of ['queue', 'topic']) {
        const client = await connect()
        await client.confirm('SUBSCRIBE', { id: 0, destination: name(kind, 20) })
        await client.confirm('SEND', { destination: name(kind, 20) }, 'x')
        await client.frame('MESSAGE')
        client.send('SUBSCRIBE', { id: 1, destination: name(kind, 21) })
        await refused(client, 'destination-too-long', 'limits.destinationLength', 20)
        const sender = await connect()
        sender.send('SEND', { destination: name(kind, 21) })
        await refused(sender, 'destination-too-long', 'limits.destinationLength', 20)
      }
    },
  },
  destinationSegments: {
    says: 'takes a destination name of as many segments as allowed, and refuses one more',
    run: async ({ open, connect }) => {
      await open({ limits: { destinationSegments: 4 } })
      for (const name of ['/topic/a.b', '/queue/a.b', 'a/b/c.d', '/topic/a.*', '/topic/**/']) {
        const client = await connect()
        await client.confirm('SUBSCRIBE', { id: 0, destination: name })
        client.send('SUBSCRIBE', { id: 1, destination: `${name}.x` })
        await refused(client, 'destination-too-long', 'limits.destinationSegments', 4)
        if (name.includes('*')) continue
        const sender = await connect()
        await sender.confirm('SEND', { destination: name }, 'x')
        sender.send('SEND', { destination: `${name}/x` })
        await refused(sender, 'destination-too-long', 'limits.destinationSegments', 4)
      }
    },
  },
  totalBytes: {
    says: 'holds as many octets in all as allowed, refuses a SEND beyond, and takes it when there is room again',
    run: async ({ open, connect, queue }) => {
      const limit = 100_000
      const broker = await open({ limits: { totalBytes: limit } })
      const destination = queue('a')
      let accepted = 0
      for (;;) {
        const producer = await connect()
        producer.send('SEND', { destination, receipt: 'r' }, 'b'.repeat(10_000))
        const answer = await producer.next()
        expect(broker.stats().bytes).toBeLessThanOrEqual(limit)
        if (answer.command === 'ERROR') {
          expect(answer.headers).toMatchObject({ code: 'memory-full', 'receipt-id': 'r' })
          expect(answer.text).toContain('limits.totalBytes')
          await producer.closed
          break
        }
        expect(++accepted).toBeLessThanOrEqual(9)
        await producer.disconnect()
      }
      expect(accepted).toBeGreaterThanOrEqual(8)
      const consumer = await connect()
      await consumer.confirm('SUBSCRIBE', { id: 0, destination })
      await consumer.messages(accepted)
      await consumer.confirm('SEND', { destination }, 'b'.repeat(10_000))
      await consumer.messages(1)
    },
  },
}

/** What is counted against the bound for the broker beside what waits in queues; the suite sees that none of it stays. */
conformance('limits.totalBytes', (test) => {
  test('counts the headers of a frame that is not whole', async ({ open, connect, until }) => {
    const broker = await open()
    const client = await connect()
    client.write(`SEND\ndestination:/queue/a\n${`x:${'v'.repeat(10_000)}\n`.repeat(20)}`)
    await until(() => broker.stats().bytes >= 200_000)
    client.write('\nbody')
    await until(() => broker.stats().bytes >= 200_000 + 'body'.length)
  })

  test('counts a message while a hook judges it', async ({ open, connect, until }) => {
    const judged = gate()
    const broker = await open({ hooks: { send: () => judged.opened } })
    const client = await connect()
    client.send('SEND', { destination: '/topic/a', receipt: 'r' }, 'b'.repeat(100_000))
    await until(() => broker.stats().bytes >= 100_000)
    judged.open()
    await client.frame('RECEIPT')
    expect(broker.stats().bytes).toBe(0)
  })

  test('refuses a message that no hook has judged when there is no room for it', async ({ open, connect }) => {
    await open({ limits: { totalBytes: 50_000 }, hooks: { send: () => true } })
    const client = await connect()
    client.send('SEND', { destination: '/topic/a', receipt: 'r' }, 'b'.repeat(50_000))
    const error = await client.error('memory-full')
    expect(error.text).toContain('limits.totalBytes')
  })

  test('ends nobody for what is refused nevertheless', async ({ open, connect, until }) => {
    const broker = await open({ limits: { totalBytes: 1_000_000 } })
    await broker.publishConfirmed('/queue/a', 'b'.repeat(850_000))
    const others = await Promise.all(Array.from({ length: 10 }, () => connect()))
    for (const client of others) client.write(`SEND\ndestination:/topic/a\n\n${'x'.repeat(5_000)}`)
    await until(() => broker.stats().bytes >= 900_000)
    await expect(broker.publishConfirmed('/queue/a', 'b'.repeat(200_000))).rejects.toMatchObject({
      code: 'memory-full',
    })
    for (const client of others) client.write('\0')
    for (const client of others) await client.roundTrip()
  })

  test('counts nothing of a session that is ended to make room for its own frame', async ({
    open,
    connect,
    topic,
    until,
    door,
    skip,
  }) => {
    if (door !== 'memory') skip('what the system holds for a socket is not the broker’s')
    const broker = await open({ limits: { totalBytes: 400_000, bodyBytes: 1_000_000 } })
    const destination = topic('a')
    const slow = await connect()
    await slow.confirm('SUBSCRIBE', { id: 0, destination })
    slow.pause()
    const producer = await connect()
    for (let sent = 0; sent < 20; sent++) await producer.confirm('SEND', { destination }, 'b'.repeat(10_000))
    const before = broker.stats().bytes
    expect(before).toBeGreaterThan(100_000)
    slow.write(`SEND\ndestination:/queue/a\ncontent-length:900000\n\n${'c'.repeat(150_000)}`)
    await until(() => broker.stats().subscriptions === 0)
    slow.abort()
    await until(() => broker.stats().sessions === 1)
    expect(broker.stats().bytes).toBe(0)
  })
})

overMemory('limits.totalBytes', (test) => {
  test('counts each subscription with its text, until it has ended and settled what it was given', async (env) => {
    const { open, connect, queue, topic } = env
    const broker = await open()
    const client = await connect()
    const held = () => broker.stats().bytes
    const id = 'i'.repeat(10_000)
    for (const destination of [queue('a'), topic('b')]) {
      await client.confirm('SUBSCRIBE', { id, destination, ack: 'client' })
      expect(held()).toBeGreaterThanOrEqual(10_000 + destination.length)
      expect(held()).toBeLessThan(11_000)
      broker.publish(destination, 'x')
      const { headers } = await client.frame('MESSAGE')
      await client.confirm('UNSUBSCRIBE', { id })
      // Whoever may still be acknowledged to is not forgotten.
      expect(held()).toBeGreaterThan(10_000)
      await client.confirm('ACK', { id: headers.ack ?? '' })
      expect(held()).toBe(0)
      await client.confirm('SUBSCRIBE', { id, destination })
      await client.confirm('UNSUBSCRIBE', { id })
      expect(held()).toBe(0)
    }
  })

  test('counts the segments of patterns, and those that they share once', async ({ open, connect, topic }) => {
    const broker = await open()
    const base = topic('deep')
    const client = await connect()
    const added: number[] = []
    const subscribe = async (id: string, destination: string) => {
      const { bytes } = broker.stats()
      await client.confirm('SUBSCRIBE', { id, destination })
      added.push(broker.stats().bytes - bytes)
    }
    await subscribe('1', `${base}.a.b.c.*`)
    await subscribe('2', `${base}.a.b.c.*`)
    await subscribe('3', `${base}.a.b.d.*`)
    const [first = 0, same = 0, half = 0] = added
    expect(first - same).toBeGreaterThanOrEqual(7 * 256)
    expect(half).toBeGreaterThan(same)
    expect(half).toBeLessThan(first)
    for (const id of ['1', '2', '3']) await client.confirm('UNSUBSCRIBE', { id })
    expect(broker.stats().bytes).toBe(0)
  })

  test('refuses a SUBSCRIBE for which there is no room, and makes no destination for it', async (env) => {
    const broker = await env.open({ limits: { totalBytes: 50_000 } })
    const client = await env.connect()
    let refusal: WireFrame | undefined
    for (let at = 0; at < 10 && refusal === undefined; at++) {
      client.send('SUBSCRIBE', { id: `${at}${'i'.repeat(10_000)}`, destination: `/queue/${at}`, receipt: at })
      const answer = await client.next()
      if (answer.command === 'ERROR') refusal = answer
      expect(broker.stats().bytes).toBeLessThanOrEqual(50_000)
    }
    expect(refusal?.headers).toMatchObject({ code: 'memory-full' })
    expect(refusal?.text).toContain('limits.totalBytes')
    await env.until(() => broker.stats().sessions === 0)
    expect(broker.stats()).toMatchObject({ bytes: 0, subscriptions: 0, destinations: 0 })
  })

  test('counts transactions and what they settle, until they end', async ({ open, connect, queue }) => {
    const broker = await open()
    const destination = queue('a')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client-individual' })
    for (let sent = 0; sent < 100; sent++) broker.publish(destination, '')
    const ids = (await client.messages(100)).map(({ headers }) => headers.ack ?? '')
    const { bytes } = broker.stats()
    const transaction = 't'.repeat(10_000)
    for (const end of ['ABORT', 'COMMIT']) {
      await client.confirm('BEGIN', { transaction })
      const begun = broker.stats().bytes - bytes
      expect(begun).toBeGreaterThan(10_000)
      for (const id of ids) client.send('ACK', { id, transaction })
      await client.confirm('BEGIN', { transaction: 'other' })
      expect(broker.stats().bytes - bytes - begun).toBeGreaterThan(100 * 64)
      await client.confirm('ABORT', { transaction: 'other' })
      await client.confirm(end, { transaction })
      if (end === 'ABORT') expect(broker.stats().bytes).toBe(bytes)
    }
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    expect(broker.stats().bytes).toBe(0)
  })
})

conformance('limits', (test) => {
  for (const [name, { says, run }] of Object.entries(cases)) test(`${says} (limits.${name})`, run)

  test('takes as many messages into a queue as its rule allows, and refuses one more', async ({
    open,
    connect,
    queue,
  }) => {
    const destination = queue('small')
    await open({ destinations: [{ match: destination, maxMessages: 3 }] })
    const producer = await connect()
    for (const body of ['1', '2', '3']) await producer.confirm('SEND', { destination }, body)
    producer.send('SEND', { destination, receipt: 'r' }, '4')
    const error = await producer.error('queue-full', { 'receipt-id': 'r' })
    expect(error.text).toContain('maxMessages')
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', { id: 0, destination, ack: 'client-individual' })
    const [first] = await consumer.messages(3)
    // Unacknowledged ones are held too.
    const early = await connect()
    early.send('SEND', { destination }, '4')
    await early.error('queue-full')
    await consumer.confirm('ACK', { id: first?.headers.ack ?? '' })
    await consumer.confirm('SEND', { destination }, '4')
    expect((await consumer.frame('MESSAGE')).text).toBe('4')
  })

  test('takes as many octets into a queue as its rule allows, and refuses more', async ({ open, connect, queue }) => {
    const destination = queue('small')
    await open({ destinations: [{ match: destination, maxBytes: 10_000 }] })
    const producer = await connect()
    await producer.confirm('SEND', { destination }, 'b'.repeat(9_000))
    producer.send('SEND', { destination, receipt: 'r' }, 'b'.repeat(1_000))
    const error = await producer.error('queue-full', { 'receipt-id': 'r' })
    expect(error.text).toContain('maxBytes')
  })
})

describe('the options of limits', () => {
  it('have the defaults that the handbook tells', () => {
    expect(settingsOf({}).limits).toEqual({
      connectBytes: 64 * KIB,
      headerLineBytes: 16 * KIB,
      headers: 128,
      bodyBytes: 16 * MIB,
      connectTimeoutMs: 10_000,
      subscriptions: 1_000,
      unacknowledged: 65_536,
      transactions: 16,
      transactionBytes: 16 * MIB,
      unsentBytes: 64 * KIB,
      unstoredBytes: MIB,
      stallMs: 30_000,
      destinations: 10_000,
      destinationLength: KIB,
      destinationSegments: 32,
      totalBytes: 256 * MIB,
    } satisfies Limits)
  })

  it('refuses an option that does not exist, or is no number, by its name', () => {
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ header: 3 }, /limits\.header\b/],
      [{ headers: -1 }, /limits\.headers\b/],
      [{ headers: Number.NaN }, /limits\.headers\b/],
      [{ bodyBytes: '16 MiB' }, /limits\.bodyBytes/],
    ]
    for (const [limits, message] of wrong) {
      expect(() => createBroker({ limits: limits as Partial<Limits> })).toThrow(TypeError)
      expect(() => createBroker({ limits: limits as Partial<Limits> })).toThrow(message)
    }
  })
})
