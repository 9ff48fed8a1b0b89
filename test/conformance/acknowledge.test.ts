/** Acknowledgement: catalogue lines 145 to 164. */

import { expect } from 'vitest'
import { conformance, type Env } from '../support/suite.js'
import type { WireClient, WireFrame } from '../support/wire-client.js'

/** Fills a queue, subscribes to it, and takes what comes. */
async function consume({ connect, queue }: Env, ack: string, bodies: readonly string[], version = '1.2') {
  const destination = queue('work')
  const producer = await connect()
  for (const body of bodies) await producer.confirm('SEND', { destination }, body)
  const consumer = await connect({}, version)
  await consumer.confirm('SUBSCRIBE', { id: '0', destination, ack })
  return { destination, consumer, messages: await consumer.messages(bodies.length) }
}

/** The headers by which a message is settled in a version. */
function naming(message: WireFrame | undefined, version = '1.2'): Record<string, string> {
  const { ack = '', 'message-id': id = '', subscription = '' } = message?.headers ?? {}
  if (version === '1.2') return { id: ack }
  return version === '1.1' ? { 'message-id': id, subscription } : { 'message-id': id }
}

/** What another consumer gets once the first has gone. */
async function leftAfter({ connect }: Env, consumer: WireClient, destination: string): Promise<string[]> {
  await consumer.disconnect()
  const next = await connect()
  await next.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client' })
  await next.roundTrip()
  return next.received.map(({ text, headers }) => (headers.redelivered === 'true' ? `${text}, again` : text))
}

conformance('acknowledgement', (test) => {
  test('delivers nothing twice with auto, and refuses its ACK [145]', async (env) => {
    const { consumer, messages, destination } = await consume(env, 'auto', ['one'], '1.1')
    consumer.send('ACK', naming(messages[0], '1.1'))
    await consumer.error('ack-unexpected')
    const next = await env.connect()
    await next.confirm('SUBSCRIBE', { id: '0', destination })
    await next.expectNothing()
  })

  test('delivers again what a client left unacknowledged, and says so [146]', async (env) => {
    for (const ack of ['client', 'client-individual']) {
      const { consumer, destination } = await consume(env, ack, ['one', 'two'])
      expect(await leftAfter(env, consumer, destination)).toEqual(['one, again', 'two, again'])
    }
  })

  test('acknowledges with client all before it, of that subscription [147]', async (env) => {
    for (const version of ['1.0', '1.1', '1.2']) {
      const { consumer, messages, destination } = await consume(env, 'client', ['a', 'b', 'c', 'd'], version)
      await consumer.confirm('ACK', naming(messages[2], version))
      expect(await leftAfter(env, consumer, destination)).toEqual(['d, again'])
    }
  })

  test('acknowledges with client nothing of another subscription of the session [147, 157]', async ({
    connect,
    queue,
  }) => {
    const [a, b] = [queue('a'), queue('b')]
    const consumer = await connect()
    for (const destination of [a, b]) await consumer.confirm('SEND', { destination }, destination)
    await consumer.confirm('SUBSCRIBE', { id: 'a', destination: a, ack: 'client' })
    await consumer.confirm('SUBSCRIBE', { id: 'b', destination: b, ack: 'client' })
    const [, second] = await consumer.messages(2)
    await consumer.confirm('ACK', naming(second))
    await consumer.disconnect()
    const next = await connect()
    await next.confirm('SUBSCRIBE', { id: 'a', destination: a })
    await next.frame('MESSAGE', { redelivered: 'true' })
    await next.confirm('SUBSCRIBE', { id: 'b', destination: b })
    await next.expectNothing()
  })

  test('acknowledges with client-individual one message only, in any order, and keeps the rest in order [148]', async (env) => {
    for (const version of ['1.1', '1.2']) {
      const { consumer, messages, destination } = await consume(
        env,
        'client-individual',
        ['a', 'b', 'c', 'd', 'e'],
        version,
      )
      await consumer.confirm('ACK', naming(messages[3], version))
      await consumer.confirm('ACK', naming(messages[1], version))
      expect(await leftAfter(env, consumer, destination)).toEqual(['a, again', 'c, again', 'e, again'])
    }
  })

  test('wants in 1.2 the id that the MESSAGE named in ack, and nothing else [149]', async (env) => {
    const { consumer, messages } = await consume(env, 'client', ['one'])
    consumer.send('ACK', naming(messages[0], '1.1'))
    await consumer.error('header-missing')
    const other = await consume(env, 'client', ['one'])
    other.consumer.send('ACK', { id: other.messages[0]?.headers['message-id'] ?? '' })
    await other.consumer.error('ack-unknown')
  })

  test('takes in 1.2 an id as it was written, and no other way to write that number', async (env) => {
    for (const change of [(id: string) => `0${id}`, (id: string) => `${id}.0`, (id: string) => ` ${id}`, () => '0x1']) {
      const { consumer, messages } = await consume(env, 'client', ['one'])
      consumer.send('ACK', { id: change(messages[0]?.headers.ack ?? '') })
      await consumer.error('ack-unknown')
    }
  })

  test('wants in 1.1 message-id and the right subscription [150]', async (env) => {
    const wrong = [
      { change: { subscription: 'other' }, code: 'ack-unknown' },
      { change: { subscription: '' }, code: 'header-missing' },
      { change: { 'message-id': '' }, code: 'header-missing' },
      { change: { 'message-id': 'nobody-1' }, code: 'ack-unknown' },
    ]
    for (const { change, code } of wrong) {
      const { consumer, messages } = await consume(env, 'client', ['one'], '1.1')
      consumer.send('ACK', { ...naming(messages[0], '1.1'), ...change })
      await consumer.error(code)
    }
  })

  test('wants in 1.0 message-id alone, and takes the oldest such delivery [151]', async ({ connect, topic }) => {
    const destination = topic('twice')
    const consumer = await connect({}, '1.0')
    for (const id of ['a', 'b']) await consumer.confirm('SUBSCRIBE', { id, destination, ack: 'client-individual' })
    consumer.send('SEND', { destination }, 'x')
    const [one, two] = await consumer.messages(2)
    expect(one?.headers['message-id']).toBe(two?.headers['message-id'])
    await consumer.confirm('ACK', naming(one, '1.0'))
    await consumer.confirm('ACK', naming(one, '1.0'))
    consumer.send('ACK', naming(one, '1.0'))
    await consumer.error('ack-unknown')
  })

  test('refuses an ACK of nothing, and a second one of the same [152]', async (env) => {
    const client = await env.connect()
    client.send('ACK', { id: '17', receipt: 'r' })
    await client.error('ack-unknown', { 'receipt-id': 'r' })
    const { consumer, messages } = await consume(env, 'client', ['one'])
    await consumer.confirm('ACK', naming(messages[0]))
    consumer.send('ACK', naming(messages[0]))
    await consumer.error('ack-unknown')
  })

  test('takes an ACK after UNSUBSCRIBE [153]', async (env) => {
    const { consumer, messages, destination } = await consume(env, 'client', ['one', 'two'])
    await consumer.confirm('UNSUBSCRIBE', { id: '0' })
    await consumer.confirm('ACK', naming(messages[0]))
    expect(await leftAfter(env, consumer, destination)).toEqual(['two, again'])
  })

  test('answers the receipt of an ACK [154]', async (env) => {
    const { consumer, messages } = await consume(env, 'client', ['one'])
    consumer.send('ACK', { ...naming(messages[0]), receipt: 'acked' })
    await consumer.frame('RECEIPT', { 'receipt-id': 'acked' })
  })

  test('writes the ack header in 1.2 only, and only where there is something to acknowledge [155]', async (env) => {
    for (const version of ['1.0', '1.1', '1.2']) {
      for (const ack of ['auto', 'client', 'client-individual']) {
        const { messages } = await consume(env, ack, ['x'], version)
        expect('ack' in (messages[0]?.headers ?? {})).toBe(version === '1.2' && ack !== 'auto')
      }
    }
  })

  test('finds under an ack id what its own session was given, and nothing of another [156]', async (env) => {
    const { consumer, messages, destination } = await consume(env, 'client-individual', ['a', 'b'])
    const other = await env.connect()
    other.send('ACK', naming(messages[0]))
    await other.error('ack-unknown')
    expect(await leftAfter(env, consumer, destination)).toEqual(['a, again', 'b, again'])
  })

  test('delivers a NACKed message again, to the same or to another consumer [158]', async (env) => {
    const { consumer, messages, destination } = await consume(env, 'client-individual', ['one'])
    consumer.send('NACK', naming(messages[0]))
    const again = await consumer.frame('MESSAGE', { redelivered: 'true' })
    expect(again.headers['message-id']).toBe(messages[0]?.headers['message-id'])
    expect(again.headers.ack).not.toBe(messages[0]?.headers.ack)
    const other = await env.connect()
    await other.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client' })
    await consumer.confirm('UNSUBSCRIBE', { id: '0' })
    await consumer.confirm('NACK', naming(again))
    expect((await other.frame('MESSAGE', { redelivered: 'true' })).text).toBe('one')
  })

  test('gives a message up that is NACKed with requeue:false [159]', async (env) => {
    const { consumer, messages, destination } = await consume(env, 'client', ['one'])
    await consumer.confirm('NACK', { ...naming(messages[0]), requeue: 'false' })
    expect(await leftAfter(env, consumer, destination)).toEqual([])
    const dead = await env.connect()
    await dead.confirm('SUBSCRIBE', { id: '0', destination: '/queue/dead-letter' })
    const id = messages[0]?.headers['message-id']
    // A broker that runs elsewhere may hold other dead letters, too.
    let letter = await dead.frame('MESSAGE')
    while (letter.headers['message-id'] !== id) letter = await dead.frame('MESSAGE')
    expect(letter.headers).toMatchObject({
      'dead-letter-origin': destination,
      'dead-letter-reason': 'rejected',
      destination: '/queue/dead-letter',
    })
  })

  test('takes a NACK with client for all before it [160]', async (env) => {
    const { consumer, messages } = await consume(env, 'client', ['a', 'b', 'c'])
    consumer.send('NACK', naming(messages[1]))
    const again = await consumer.messages(2)
    expect(again.map(({ text, headers }) => `${text} ${headers.redelivered}`)).toEqual(['a true', 'b true'])
    await consumer.expectNothing()
  })

  test('refuses a NACK of what is unknown, and any in 1.0 [161]', async (env) => {
    for (const change of [{ subscription: 'other' }, { 'message-id': 'nobody-1' }]) {
      const { consumer, messages } = await consume(env, 'client', ['one'], '1.1')
      consumer.send('NACK', { ...naming(messages[0], '1.1'), ...change })
      await consumer.error('ack-unknown')
    }
    const old = await consume(env, 'client', ['one'], '1.0')
    old.consumer.send('NACK', naming(old.messages[0], '1.0'))
    await old.consumer.error('nack-unsupported')
  })

  test('settles mixed ACKs and NACKs as they say [162]', async (env) => {
    const each = await consume(env, 'client-individual', ['a', 'b', 'c', 'd'])
    await each.consumer.confirm('ACK', naming(each.messages[0]))
    await each.consumer.confirm('UNSUBSCRIBE', { id: '0' })
    await each.consumer.confirm('NACK', naming(each.messages[2]))
    await each.consumer.confirm('ACK', naming(each.messages[3]))
    expect(await leftAfter(env, each.consumer, each.destination)).toEqual(['b, again', 'c, again'])
    const all = await consume(env, 'client', ['a', 'b', 'c', 'd'])
    await all.consumer.confirm('UNSUBSCRIBE', { id: '0' })
    await all.consumer.confirm('ACK', naming(all.messages[1]))
    await all.consumer.confirm('NACK', naming(all.messages[3]))
    expect(await leftAfter(env, all.consumer, all.destination)).toEqual(['c, again', 'd, again'])
  })

  test('gives another consumer what a dropped one had not acknowledged, ahead of newer messages [163]', async ({
    connect,
    queue,
  }) => {
    const [work, mark] = [queue('work'), queue('mark')]
    const [producer, consumer, other, watcher] = [await connect(), await connect(), await connect(), await connect()]
    const send = (destination: string, body: string) => producer.confirm('SEND', { destination }, body)
    await consumer.confirm('SUBSCRIBE', { id: '0', destination: work, ack: 'client', 'prefetch-count': 2 })
    for (const body of ['a', 'b']) await send(work, body)
    await consumer.messages(2)
    await other.confirm('SUBSCRIBE', { id: '0', destination: work, ack: 'client', 'prefetch-count': 1 })
    await send(work, 'x')
    const got = [await other.frame('MESSAGE')]
    // What a lost client had is given back in the order in which it came: whoever sees the last of it back sees it all.
    await consumer.confirm('SUBSCRIBE', { id: '1', destination: mark, ack: 'client' })
    await send(mark, 'mark')
    await consumer.frame('MESSAGE', { subscription: '1' })
    await watcher.confirm('SUBSCRIBE', { id: '0', destination: mark, ack: 'client' })
    for (const body of ['c', 'd']) await send(work, body)
    consumer.abort()
    await watcher.frame('MESSAGE', { redelivered: 'true' })
    await other.expectNothing()
    while (got.length < 5) {
      other.send('ACK', naming(got.at(-1)))
      got.push(await other.frame('MESSAGE'))
    }
    expect(got.map(({ text, headers }) => (headers.redelivered === 'true' ? `${text}, again` : text))).toEqual([
      'x',
      'a, again',
      'b, again',
      'c',
      'd',
    ])
  })

  test('delivers with auto what a client before it left, with and without DISCONNECT [164]', async (env) => {
    for (const leave of ['disconnect', 'abort'] as const) {
      const { consumer, destination } = await consume(env, 'client', ['one'])
      await consumer[leave]()
      const next = await env.connect()
      await next.confirm('SUBSCRIBE', { id: '0', destination })
      await next.frame('MESSAGE', { redelivered: 'true' })
      await next.expectNothing()
    }
  })
})
