/** SUBSCRIBE and UNSUBSCRIBE: catalogue lines 105 to 121. */

import { expect } from 'vitest'
import { conformance } from '../support/suite.js'

conformance('subscribe', (test) => {
  test('refuses SUBSCRIBE without a destination, or with an empty one [105]', async ({ connect }) => {
    for (const version of ['1.0', '1.1', '1.2']) {
      const without = await connect({}, version)
      without.send('SUBSCRIBE', { id: '0', receipt: 'r' })
      await without.error('header-missing', { 'receipt-id': 'r' })
      const empty = await connect({}, version)
      empty.send('SUBSCRIBE', { id: '0', destination: '' })
      await empty.error('header-missing')
    }
  })

  test('refuses SUBSCRIBE without an id in 1.1 and 1.2; in 1.0 the destination is the id [106]', async ({
    connect,
    topic,
  }) => {
    const destination = topic('a')
    for (const version of ['1.1', '1.2']) {
      const client = await connect({}, version)
      client.send('SUBSCRIBE', { destination })
      await client.error('header-missing')
    }
    const old = await connect({}, '1.0')
    await old.confirm('SUBSCRIBE', { destination })
    old.send('SEND', { destination }, 'one')
    const message = await old.frame('MESSAGE')
    expect(message.headers).not.toHaveProperty('subscription')
    await old.confirm('UNSUBSCRIBE', { destination })
    old.send('SEND', { destination }, 'two')
    await old.expectNothing()
  })

  test('refuses an id that is in use [107]', async ({ connect, topic }) => {
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: topic('a') })
    client.send('SUBSCRIBE', { id: '0', destination: topic('b'), receipt: 'r' })
    await client.error('subscription-duplicate', { 'receipt-id': 'r' })
    const old = await connect({}, '1.0')
    const destination = topic('c')
    await old.confirm('SUBSCRIBE', { destination })
    old.send('SUBSCRIBE', { destination })
    await old.error('subscription-duplicate')
  })

  test('delivers to each of two subscriptions of one session to one destination [108, 110]', async ({
    connect,
    topic,
  }) => {
    const destination = topic('a')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: 'first', destination })
    await client.confirm('SUBSCRIBE', { id: 'second', destination })
    client.send('SEND', { destination }, 'x')
    const messages = await client.messages(2)
    expect(messages.map(({ headers }) => headers.subscription).sort()).toEqual(['first', 'second'])
    await client.expectNothing()
  })

  test('keeps one id of two sessions apart [109]', async ({ connect, topic }) => {
    const [a, b] = [topic('a'), topic('b')]
    const one = await connect()
    const other = await connect()
    await one.confirm('SUBSCRIBE', { id: '0', destination: a })
    await other.confirm('SUBSCRIBE', { id: '0', destination: b })
    one.send('SEND', { destination: b }, 'for b')
    expect((await other.frame('MESSAGE', { subscription: '0' })).text).toBe('for b')
    await one.confirm('UNSUBSCRIBE', { id: '0' })
    one.send('SEND', { destination: b }, 'again')
    expect((await other.frame('MESSAGE')).text).toBe('again')
    await one.expectNothing()
  })

  test('delivers nothing after UNSUBSCRIBE, for queue and topic, with and without a receipt [111]', async ({
    connect,
    queue,
    topic,
  }) => {
    for (const name of [queue, topic]) {
      for (const headers of [{}, { receipt: 'gone' }]) {
        const destination = name('a')
        const client = await connect()
        await client.confirm('SUBSCRIBE', { id: '0', destination })
        client.send('UNSUBSCRIBE', { id: '0', ...headers })
        if ('receipt' in headers) await client.frame('RECEIPT', { 'receipt-id': 'gone' })
        client.send('SEND', { destination }, 'x')
        await client.expectNothing()
      }
    }
  })

  test('refuses UNSUBSCRIBE without an id, and of an id that is unknown [112]', async ({ connect }) => {
    for (const version of ['1.0', '1.1', '1.2']) {
      const without = await connect({}, version)
      without.send('UNSUBSCRIBE', {})
      await without.error('header-missing')
      const unknown = await connect({}, version)
      unknown.send('UNSUBSCRIBE', { id: 'nobody', receipt: 'r' })
      await unknown.error('subscription-unknown', { 'receipt-id': 'r' })
    }
  })

  test('ends in 1.0 by the destination a subscription that has an id, too, and the one without an id first', async ({
    connect,
    topic,
  }) => {
    const destination = topic('a')
    const client = await connect({}, '1.0')
    for (const headers of [{ id: 'one' }, { id: 'two' }, {}])
      await client.confirm('SUBSCRIBE', { ...headers, destination })
    const left = async () => {
      client.send('SEND', { destination }, 'x')
      await client.roundTrip()
      const ids = client.received.map(({ headers }) => headers.subscription ?? 'none')
      await client.messages(ids.length)
      return ids
    }
    expect(await left()).toEqual(['one', 'two', 'none'])
    await client.confirm('UNSUBSCRIBE', { destination })
    expect(await left()).toEqual(['one', 'two'])
    await client.confirm('UNSUBSCRIBE', { destination, id: 'two' })
    expect(await left()).toEqual(['one'])
    await client.confirm('UNSUBSCRIBE', { destination })
    expect(await left()).toEqual([])
    client.send('UNSUBSCRIBE', { destination })
    await client.error('subscription-unknown')
  })

  test('writes the RECEIPT of SUBSCRIBE before the first MESSAGE [114]', async ({ connect, queue }) => {
    const destination = queue('waiting')
    const producer = await connect()
    for (let at = 0; at < 5; at++) await producer.confirm('SEND', { destination }, String(at))
    const consumer = await connect()
    consumer.send('SEND', { destination: queue('other'), receipt: 'before' }, 'x')
    consumer.send('SUBSCRIBE', { id: '0', destination, receipt: 'active' })
    await consumer.frame('RECEIPT', { 'receipt-id': 'before' })
    await consumer.frame('RECEIPT', { 'receipt-id': 'active' })
    expect((await consumer.messages(5)).map(({ text }) => text)).toEqual(['0', '1', '2', '3', '4'])
  })

  test('refuses what authorize forbids, with and without a receipt [115]', async ({ open, connect, topic }) => {
    const forbidden = topic('forbidden')
    await open({ hooks: { authorize: ({ destination }) => destination !== forbidden } })
    for (const headers of [{}, { receipt: 'r' }]) {
      const client = await connect()
      client.send('SUBSCRIBE', { id: '0', destination: forbidden, ...headers })
      await client.error('access-refused', 'receipt' in headers ? { 'receipt-id': 'r' } : {})
    }
    const allowed = await connect()
    await allowed.confirm('SUBSCRIBE', { id: '0', destination: topic('allowed') })
  })

  test('takes as many subscriptions as the limit says, and refuses one more [116]', async ({
    open,
    connect,
    topic,
  }) => {
    await open({ limits: { subscriptions: 3 } })
    const client = await connect()
    for (let at = 0; at < 3; at++) await client.confirm('SUBSCRIBE', { id: at, destination: topic('a') })
    client.send('SUBSCRIBE', { id: '3', destination: topic('a') })
    expect((await client.error('subscriptions-too-many')).text).toContain('limits.subscriptions')
  })

  test('ends with a connection the subscriptions of that connection only [117]', async ({
    connect,
    topic,
    broker,
    until,
  }) => {
    const destination = topic('a')
    const leaving = await connect()
    await leaving.confirm('SUBSCRIBE', { id: '0', destination })
    const staying = await connect()
    await staying.confirm('SUBSCRIBE', { id: '0', destination })
    leaving.abort()
    await until(() => broker.stats().subscriptions === 1)
    staying.send('SEND', { destination }, 'still here')
    expect((await staying.frame('MESSAGE')).text).toBe('still here')
  })

  test('keeps the ack mode of what was delivered when its subscription id is used again [118]', async ({
    connect,
    queue,
  }) => {
    const [first, second] = [queue('first'), queue('second')]
    const client = await connect({}, '1.1')
    for (const body of ['one', 'two']) await client.confirm('SEND', { destination: first }, body)
    await client.confirm('SUBSCRIBE', { id: '0', destination: first, ack: 'client-individual' })
    const [one, two] = await client.messages(2)
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    await client.confirm('SUBSCRIBE', { id: '0', destination: second, ack: 'client' })
    // Cumulative by the new mode, this would settle both.
    await client.confirm('ACK', { 'message-id': two?.headers['message-id'] ?? '', subscription: '0' })
    await client.confirm('ACK', { 'message-id': one?.headers['message-id'] ?? '', subscription: '0' })
  })

  test('keeps exactly one subscription when UNSUBSCRIBE is followed by SUBSCRIBE at once [120]', async ({
    connect,
    topic,
  }) => {
    const destination = topic('a')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    client.write(`UNSUBSCRIBE\nid:0\n\n\0SUBSCRIBE\nid:0\ndestination:${destination}\n\n\0`)
    client.send('SEND', { destination }, 'once')
    expect((await client.frame('MESSAGE', { subscription: '0' })).text).toBe('once')
    await client.expectNothing()
  })

  test('suffers subscribing and unsubscribing while it delivers [121]', async ({ connect, topic, broker }) => {
    const destination = topic('a')
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect()))
    for (const client of clients) await client.confirm('SUBSCRIBE', { id: '0', destination })
    // Every other one leaves in the same turn in which messages come.
    for (const [at, client] of clients.entries()) {
      if (at % 2 === 0) client.send('UNSUBSCRIBE', { id: '0' })
      else client.send('SEND', { destination }, String(at))
    }
    for (const client of clients) await client.roundTrip()
    expect(broker.stats().subscriptions).toBe(10)
    const last = clients[19]
    const texts = last?.received.map(({ text }) => text) ?? []
    expect(texts).toEqual(['1', '3', '5', '7', '9', '11', '13', '15', '17', '19'])
  })
})
