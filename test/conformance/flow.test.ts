/** Flow out: who has room gets messages, who has none holds nobody up; and what is too large is refused. */

import { createMemoryStore } from '@xtomp/core'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { conformance, type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'
import type { WireClient, WireFrame } from '../support/wire-client.js'

const KIB = 1024
const MIB = KIB * KIB

/** More of these than the buffers of any socket take: a client that reads nothing leaves some of them to the broker. */
const LARGE_BYTES = 64 * KIB
const LARGE_COUNT = 300

/** Sends so many large messages that begin with their number. */
async function sendLarge(producer: WireClient, destination: string): Promise<void> {
  for (let sent = 0; sent < LARGE_COUNT; sent++)
    await producer.confirm('SEND', { destination }, `${sent} `.padEnd(LARGE_BYTES, 'x'))
}

function numberOf({ text }: WireFrame): number {
  return Number.parseInt(text, 10)
}

const ALL = Array.from({ length: LARGE_COUNT }, (_, at) => at)

function acknowledge(client: WireClient, { headers }: WireFrame, command = 'ACK'): Promise<WireFrame> {
  return client.confirm(command, { id: headers.ack ?? '' })
}

conformance('flow out', (test) => {
  test('delivers of a topic as many as prefetch-count says, and the next for each that is settled [190]', async ({
    connect,
    topic,
  }) => {
    for (const ack of ['client', 'client-individual']) {
      const destination = topic('ten')
      const consumer = await connect()
      await consumer.confirm('SUBSCRIBE', { id: '0', destination, ack, 'prefetch-count': 5 })
      const producer = await connect()
      for (let sent = 0; sent < 10; sent++) await producer.confirm('SEND', { destination }, String(sent))
      const first = await consumer.messages(5)
      await consumer.expectNothing()
      // With `client` this settles two, otherwise one.
      await acknowledge(consumer, first[1] as WireFrame)
      const more = await consumer.messages(ack === 'client' ? 2 : 1)
      await consumer.expectNothing()
      await acknowledge(consumer, more.at(-1) as WireFrame, ack === 'client' ? 'NACK' : 'ACK')
      const rest = ack === 'client' ? await consumer.messages(3) : await consumer.messages(1)
      await consumer.expectNothing()
      const got = [...first, ...more, ...rest].map(({ text }) => text)
      expect(got).toEqual(Array.from({ length: ack === 'client' ? 10 : 7 }, (_, at) => String(at)))
    }
  })

  test('counts prefetch-count for each subscription by itself, of a pattern too [190]', async ({ connect, topic }) => {
    const destination = topic('a')
    const consumer = await connect()
    const ack = 'client-individual'
    await consumer.confirm('SUBSCRIBE', { id: 'one', destination, ack, 'prefetch-count': 1 })
    await consumer.confirm('SUBSCRIBE', { id: 'two', destination: `${destination}/*`, ack, 'prefetch-count': 2 })
    await consumer.confirm('SUBSCRIBE', { id: 'auto', destination, 'prefetch-count': 1 })
    const producer = await connect()
    for (let sent = 0; sent < 4; sent++) {
      await producer.confirm('SEND', { destination }, String(sent))
      await producer.confirm('SEND', { destination: `${destination}/${sent}` }, String(sent))
    }
    await consumer.roundTrip()
    const got = (id: string) => consumer.received.filter(({ headers }) => headers.subscription === id).length
    // With auto nothing is ever unacknowledged.
    expect([got('one'), got('two'), got('auto')]).toEqual([1, 2, 4])
  })

  test('delivers one at a time with prefetch-count 1, of a queue to whoever is free [191]', async ({
    connect,
    queue,
  }) => {
    for (const [ack, end] of [
      ['client', 'ACK'],
      ['client-individual', 'ACK'],
      ['client-individual', 'NACK'],
    ] as const) {
      const destination = queue('jobs')
      const producer = await connect()
      for (let sent = 0; sent < 10; sent++) await producer.confirm('SEND', { destination }, String(sent))
      const busy = await connect()
      await busy.confirm('SUBSCRIBE', { id: '0', destination, ack, 'prefetch-count': 1 })
      const held = await busy.frame('MESSAGE')
      await busy.expectNothing()
      const free = await connect()
      await free.confirm('SUBSCRIBE', { id: '0', destination, ack, 'prefetch-count': 1 })
      for (let at = 1; at < 10; at++) {
        const next = await free.frame('MESSAGE')
        expect(next.text).toBe(String(at))
        await free.expectNothing()
        await acknowledge(free, next)
      }
      await free.expectNothing()
      await acknowledge(busy, held, end)
      await producer.confirm('SEND', { destination }, 'last')
      const after = [await busy.frame('MESSAGE'), ...(end === 'NACK' ? [await free.frame('MESSAGE')] : [])]
      expect(after.map(({ text }) => text).sort()).toEqual(end === 'NACK' ? ['0', 'last'] : ['last'])
    }
  })

  test('delivers what was NACKed again with prefetch-count 1, though nobody else comes [191]', async ({
    connect,
    queue,
  }) => {
    const destination = queue('jobs')
    const client = await connect()
    for (const body of ['a', 'b', 'c']) await client.confirm('SEND', { destination }, body)
    await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client', 'prefetch-count': 1 })
    const first = await client.frame('MESSAGE')
    await acknowledge(client, first, 'NACK')
    const again = await client.frame('MESSAGE', { redelivered: 'true' })
    await client.confirm('BEGIN', { transaction: 't' })
    client.send('NACK', { id: again.headers.ack ?? '', transaction: 't' })
    await client.expectNothing()
    await client.confirm('COMMIT', { transaction: 't' })
    const last = await client.frame('MESSAGE', { redelivered: 'true' })
    expect([first.text, again.text, last.text]).toEqual(['a', 'a', 'a'])
    await acknowledge(client, last)
    expect((await client.frame('MESSAGE')).text).toBe('b')
  })

  test('takes a prefetch-count of 0 for no limit, and refuses what is no count [191]', async ({ connect, topic }) => {
    const unlimited = await connect()
    const destination = topic('a')
    await unlimited.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client', 'prefetch-count': 0 })
    for (let sent = 0; sent < 20; sent++) await unlimited.confirm('SEND', { destination }, String(sent))
    await unlimited.messages(20)
    for (const wrong of ['-1', '1.5', 'many', '']) {
      const client = await connect()
      client.send('SUBSCRIBE', { id: '0', destination, ack: 'client', 'prefetch-count': wrong })
      await client.error('header-invalid')
    }
  })

  test('leaves to a queue what a client does not take, until it does or another comes; it loses none', async ({
    connect,
    queue,
    broker,
    until,
  }) => {
    const destination = queue('large')
    const slow = await connect()
    await slow.confirm('SUBSCRIBE', { id: '0', destination })
    slow.pause()
    const producer = await connect()
    await sendLarge(producer, destination)
    const { messages: waiting } = broker.stats()
    expect(waiting).toBeGreaterThan(0)
    const other = await connect()
    other.send('SUBSCRIBE', { id: '0', destination, ack: 'client', 'prefetch-count': 10 })
    const tenth = (await other.messages(10)).at(-1) as WireFrame
    expect(numberOf(tenth)).toBe(LARGE_COUNT - waiting + 9)
    slow.resume()
    await until(() => broker.stats().messages === 10, 'all to be taken')
    await slow.roundTrip()
    expect(slow.received.map(numberOf)).toEqual(ALL.filter((at) => at < LARGE_COUNT - waiting || at > numberOf(tenth)))
    await acknowledge(other, tenth)
    await other.expectNothing()
  })

  test('gives of a queue to whoever has room, while another takes nothing', async ({ connect, queue, broker }) => {
    const destination = queue('large')
    const slow = await connect()
    const fast = await connect()
    for (const consumer of [slow, fast]) await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    slow.pause()
    const producer = await connect()
    await sendLarge(producer, destination)
    await fast.roundTrip()
    expect(broker.stats().messages).toBe(0)
    const fastOnes = fast.received.map(numberOf)
    expect(fastOnes.length).toBeGreaterThan(LARGE_COUNT / 2)
    slow.resume()
    const slowOnes = (await slow.messages(LARGE_COUNT - fastOnes.length)).map(numberOf)
    expect([...fastOnes, ...slowOnes].sort((one, other) => one - other)).toEqual(ALL)
    for (const numbers of [fastOnes, slowOnes]) expect(numbers).toEqual([...numbers].sort((one, other) => one - other))
  })

  test('gives a fast subscriber of a topic all at once, and a slow one all in its time, in order [195]', async ({
    open,
    connect,
    topic,
    until,
  }) => {
    const destination = topic('large')
    const broker = await open({ destinations: [{ match: destination, backlogBytes: 64 * MIB }] })
    const heard = new Heard(broker)
    const slow = await connect()
    const fast = await connect()
    for (const consumer of [slow, fast]) await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    const idle = broker.stats().bytes
    slow.pause()
    const producer = await connect()
    await sendLarge(producer, destination)
    expect((await fast.messages(LARGE_COUNT)).map(numberOf)).toEqual(ALL)
    const { bytes } = broker.stats()
    expect(bytes).toBeGreaterThan(LARGE_BYTES)
    expect(bytes).toBeLessThan(LARGE_COUNT * (LARGE_BYTES + KIB))
    expect(broker.stats()).toMatchObject({ sessions: 3, subscriptions: 2, messages: 0, unacknowledged: 0 })
    slow.resume()
    expect((await slow.messages(LARGE_COUNT)).map(numberOf)).toEqual(ALL)
    await until(() => broker.stats().bytes === idle, 'nothing to be held')
    expect(heard.of('send')).toHaveLength(LARGE_COUNT)
    expect(heard.of('slow-consumer')).toEqual([])
  })

  test('hands to a slow subscriber of queue and topic nothing out of order once it goes on [195]', async ({
    open,
    connect,
    topic,
  }) => {
    const destination = topic('large')
    await open({ destinations: [{ match: destination, backlogBytes: 64 * MIB }] })
    const slow = await connect()
    await slow.confirm('SUBSCRIBE', { id: '0', destination })
    slow.pause()
    const producer = await connect()
    await sendLarge(producer, destination)
    // What comes now comes while the backlog is handed over.
    slow.resume()
    for (let sent = LARGE_COUNT; sent < LARGE_COUNT + 200; sent++)
      await producer.confirm('SEND', { destination }, String(sent))
    const numbers = (await slow.messages(LARGE_COUNT + 200)).map(numberOf)
    expect(numbers).toEqual(numbers.map((_, at) => at))
  })

  test('serves all others while one takes nothing, and ends it after stallMs, whatever comes meanwhile [196]', async ({
    open,
    connect,
    topic,
    clock,
    until,
  }) => {
    const [large, small] = [topic('large'), topic('small')]
    const broker = await open({
      // With so much room every message is written for the frozen one, too: writing is not being read.
      limits: { stallMs: 10_000, unsentBytes: 64 * MIB },
    })
    const heard = new Heard(broker)
    const frozen = await connect()
    await frozen.confirm('SUBSCRIBE', { id: 'large', destination: large })
    await frozen.confirm('SUBSCRIBE', { id: 'small', destination: small })
    frozen.pause()
    const others = [await connect(), await connect()]
    const before = broker.stats().bytes
    for (const other of others) await other.confirm('SUBSCRIBE', { id: '0', destination: small })
    // What the subscriptions of the others count.
    const bytes = broker.stats().bytes - before
    const producer = await connect()
    await sendLarge(producer, large)
    for (let passed = 0; passed < 9_500; passed += 500) {
      await producer.confirm('SEND', { destination: small }, String(passed))
      for (const other of others) expect((await other.frame('MESSAGE')).text).toBe(String(passed))
      await clock.advance(500)
    }
    expect(heard.of('disconnect')).toEqual([])
    await clock.advance(800)
    await until(() => heard.of('disconnect').length > 0, 'the end of the frozen one')
    expect(heard.of('disconnect').map(({ reason }) => reason.code)).toEqual(['stalled'])
    expect(broker.stats()).toMatchObject({ subscriptions: 2, bytes })
    await producer.confirm('SEND', { destination: small }, 'after')
    for (const other of others) expect((await other.frame('MESSAGE')).text).toBe('after')
    frozen.resume()
    await frozen.closed
  })

  for (const whenSlow of ['drop-oldest', 'drop-newest'] as const) {
    const kept = whenSlow === 'drop-oldest' ? 'newest' : 'oldest'
    test(`keeps the ${kept} for a slow subscriber of a topic with ${whenSlow}, and the session with it [197]`, async ({
      open,
      connect,
      topic,
    }) => {
      const [destination, other] = [topic('fast'), topic('other')]
      await open({ destinations: [{ match: destination, backlogBytes: 10_000, whenSlow }] })
      const slow = await connect()
      await slow.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client', 'prefetch-count': 1 })
      await slow.confirm('SUBSCRIBE', { id: '1', destination: other })
      const fast = await connect()
      await fast.confirm('SUBSCRIBE', { id: '0', destination })
      const producer = await connect()
      const sent = Array.from({ length: 50 }, (_, at) => `${at} `.padEnd(1_000, 'x'))
      for (const body of sent) await producer.confirm('SEND', { destination }, body)
      expect((await fast.messages(50)).map(({ text }) => text)).toEqual(sent)
      const taken: string[] = []
      for (let count = 0; count < 8; count++) {
        const message = await slow.frame('MESSAGE', { subscription: '0' })
        taken.push(message.text)
        await acknowledge(slow, message)
      }
      await slow.expectNothing()
      const [first, ...rest] = sent
      expect(taken).toEqual([first, ...(whenSlow === 'drop-oldest' ? rest.slice(-7) : rest.slice(0, 7))])
      // Nothing else of the session was dropped, and it goes on.
      for (const name of [other, destination]) await producer.confirm('SEND', { destination: name }, 'after')
      expect((await slow.messages(2)).map(({ text }) => text)).toEqual(['after', 'after'])
    })
  }

  test('keeps the newest of a full queue with drop-oldest, and gives the others up [197]', async ({
    open,
    connect,
    queue,
    until,
  }) => {
    const [destination, deadLetter] = [queue('full'), queue('dropped')]
    const rule = { match: destination, maxMessages: 5, whenFull: 'drop-oldest', deadLetter } as const
    const broker = await open({ destinations: [rule] })
    const producer = await connect()
    for (let sent = 0; sent < 20; sent++) await producer.confirm('SEND', { destination }, String(sent))
    await until(() => broker.stats().messages === 20)
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', { id: 'kept', destination })
    expect((await consumer.messages(5)).map(numberOf)).toEqual([15, 16, 17, 18, 19])
    await consumer.confirm('SUBSCRIBE', { id: 'dropped', destination: deadLetter })
    expect((await consumer.messages(15)).map(numberOf)).toEqual(ALL.slice(0, 15))
    await consumer.expectNothing()
  })

  test('keeps the oldest of a full queue with reject, and refuses the others [197]', async ({
    open,
    connect,
    queue,
  }) => {
    const destination = queue('full')
    await open({ destinations: [{ match: destination, maxMessages: 5, whenFull: 'reject' }] })
    for (let sent = 0; sent < 8; sent++) {
      const producer = await connect()
      producer.send('SEND', { destination, receipt: 'r' }, String(sent))
      if (sent < 5) await producer.frame('RECEIPT')
      else await producer.error('queue-full', { 'receipt-id': 'r' })
    }
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await consumer.messages(5)).map(numberOf)).toEqual([0, 1, 2, 3, 4])
    await consumer.expectNothing()
  })
})

conformance('sizes', (test) => {
  for (const isTold of [true, false]) {
    const how = isTold ? 'with' : 'without'
    test(`takes a message of 16 MiB, refuses one octet more, and serves the others, ${how} content-length [194]`, async ({
      open,
      connect,
      topic,
    }) => {
      await open()
      const destination = topic('large')
      const other = await connect()
      await other.confirm('SUBSCRIBE', { id: '0', destination })
      for (const octets of [16 * MIB, 16 * MIB + 1]) {
        const client = await connect()
        client.write(`SEND\ndestination:${destination}\nreceipt:r\n${isTold ? `content-length:${octets}\n` : ''}\n`)
        for (let left = octets; left > 0; left -= MIB) client.write('x'.repeat(Math.min(left, MIB)))
        client.write('\0')
        if (octets === 16 * MIB) {
          await client.frame('RECEIPT', { 'receipt-id': 'r' })
          expect((await other.frame('MESSAGE')).body).toHaveLength(octets)
        } else expect((await client.error('body-too-large')).text).toContain('limits.bodyBytes')
      }
      await other.expectNothing()
    })

    test(`closes on a frame of 100 MB, and holds little of it, ${how} content-length [198]`, async ({
      open,
      connect,
      topic,
      until,
    }) => {
      const broker = await open()
      const huge = 100_000_000
      const client = await connect()
      const other = await connect()
      client.write(`SEND\ndestination:${topic('huge')}\n${isTold ? `content-length:${huge}\n` : ''}\n`)
      let most = 0
      for (let left = huge; left > 0 && !client.isClosed; left -= MIB) {
        client.write(new Uint8Array(Math.min(left, MIB)).fill(120))
        await turn()
        most = Math.max(most, broker.stats().bytes)
      }
      await client.error('body-too-large')
      expect(most).toBeLessThanOrEqual(isTold ? MIB : 17 * MIB)
      await until(() => broker.stats().sessions === 1 && broker.stats().bytes === 0)
      await other.expectNothing()
    })
  }

  test('closes on headers without end, and holds little of them [198]', async ({ open, connect, until }) => {
    const broker = await open()
    for (const endless of ['x'.repeat(KIB), `${'x'.repeat(99)}:${'y'.repeat(99)}\n`.repeat(10)]) {
      const client = await connect()
      client.write('SEND\n')
      for (let written = 0; written < 10_000 && !client.isClosed; written++) {
        client.write(endless)
        await turn()
        expect(broker.stats().bytes).toBeLessThan(MIB)
      }
      await client.closed
      expect(client.received.at(-1)?.headers.code).toMatch(/^header(s-too-many|-too-long)$/)
      await until(() => broker.stats().sessions === 0)
    }
  })
})

/** Workers that come, take some, and go in every way there is; what they were told of is checked off. */
async function work(
  { connect }: Env,
  { destination, done }: { destination: string; done: Set<string> },
): Promise<void> {
  for (let round = 0; round < 6; round++) {
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', {
      id: '0',
      destination,
      ack: round % 2 === 0 ? 'client' : 'client-individual',
      'prefetch-count': 3 + round,
    })
    for (let count = 0; count < 10; count++) {
      await consumer.roundTrip()
      const message = consumer.received.length > 0 ? await consumer.frame('MESSAGE') : undefined
      if (message === undefined) continue
      await acknowledge(consumer, message)
      expect(done).not.toContain(message.text)
      done.add(message.text)
    }
    if (round % 3 === 0) await consumer.disconnect()
    else if (round % 3 === 1) consumer.end()
    else consumer.abort()
  }
}

conformance('loops of producers and consumers', (test) => {
  for (const isKept of [false, true]) {
    test(`never miss a message, nor settle one twice${isKept ? ', with a store' : ''} [237]`, async (env) => {
      const { open, connect, queue, until } = env
      // The names of a test are its own, and what a rule says holds for a lost client: none of them is given up.
      const destination = queue('loop')
      const broker = await open({
        destinations: [{ match: destination, maxDeliveries: 1_000 }],
        ...(isKept ? { store: createMemoryStore() } : {}),
      })
      const sent = new Set<string>()
      const produce = async (name: string): Promise<void> => {
        for (let round = 0; round < 4; round++) {
          const producer = await connect()
          for (let count = 0; count < 25; count++) {
            const body = `${name}-${round}-${count}`
            sent.add(body)
            await producer.confirm('SEND', { destination }, body)
          }
          await producer.disconnect()
        }
      }
      const done = new Set<string>()
      const workers = Array.from({ length: 4 }, () => work(env, { destination, done }))
      await Promise.all([...workers, produce('a'), produce('b'), produce('c')])
      const last = await connect()
      await last.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client-individual' })
      for (let left = sent.size - done.size; left > 0; left--) {
        const message = await last.frame('MESSAGE')
        await acknowledge(last, message)
        expect(done).not.toContain(message.text)
        done.add(message.text)
      }
      expect([...done].sort()).toEqual([...sent].sort())
      await last.expectNothing()
      await until(() => broker.stats().messages === 0)
    })
  }

  test('miss none of a topic between SUBSCRIBE and UNSUBSCRIBE, however often [237]', async ({ connect, topic }) => {
    const destination = topic('loop')
    const producer = await connect()
    const consumer = await connect()
    for (let round = 0; round < 100; round++) {
      await consumer.confirm('SUBSCRIBE', { id: round, destination })
      for (let count = 0; count < 3; count++) producer.send('SEND', { destination }, `${round} ${count}`)
      expect((await consumer.messages(3)).map(({ text, headers }) => `${headers.subscription}: ${text}`)).toEqual(
        [0, 1, 2].map((count) => `${round}: ${round} ${count}`),
      )
      await consumer.confirm('UNSUBSCRIBE', { id: round })
      await producer.confirm('SEND', { destination }, 'missed')
    }
    await consumer.expectNothing()
  })
})

/** Once is enough for so many: `limits.unacknowledged` is tried over every door with fewer. */
overMemory('flow out by default', (test) => {
  test('limits by default the unacknowledged of a session to 65,536, of queue and topic together [191]', async ({
    open,
    connect,
    queue,
    topic,
    until,
  }) => {
    const broker = await open()
    const limit = 65_536
    const [q, t] = [queue('many'), topic('few')]
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', { id: 'q', destination: q, ack: 'client' })
    await consumer.confirm('SUBSCRIBE', { id: 't', destination: t, ack: 'client' })
    const publish = (destination: string, count: number) => {
      for (let sent = 0; sent < count; sent++) broker.publish(destination, 'x')
    }
    publish(q, limit - 10)
    publish(t, 13)
    publish(q, 7)
    await until(() => consumer.received.length >= limit, 'as many as may be')
    await consumer.roundTrip()
    expect(consumer.received).toHaveLength(limit)
    expect(broker.stats().unacknowledged).toBe(limit)
    const messages = await consumer.messages(limit)
    for (const id of ['q', 't']) {
      const last = messages.filter(({ headers }) => headers.subscription === id).at(-1)
      await acknowledge(consumer, last as WireFrame)
    }
    const all = [...messages, ...(await consumer.messages(10))].map(({ headers }) => headers.subscription)
    expect(all.filter((id) => id === 't')).toHaveLength(13)
    await consumer.expectNothing()
  }, 30_000)
})
