/** DISCONNECT and every other way for a connection to end. */

import { expect } from 'vitest'
import { conformance } from '../support/suite.js'

const VERSIONS = ['1.0', '1.1', '1.2']

conformance('disconnect', (test) => {
  test('answers a DISCONNECT with its RECEIPT, then closes [81]', async ({ connect, queue }) => {
    for (const version of VERSIONS) {
      const client = await connect({}, version)
      for (let count = 0; count < 20; count++) client.send('SEND', { destination: queue('q'), receipt: count }, 'x')
      client.send('DISCONNECT', { receipt: 'bye' })
      for (let count = 0; count < 20; count++) await client.frame('RECEIPT', { 'receipt-id': String(count) })
      await client.frame('RECEIPT', { 'receipt-id': 'bye' })
      await client.expectClosed()
    }
  })

  test('closes after a DISCONNECT without a receipt [82]', async ({ connect }) => {
    for (const version of VERSIONS) {
      const client = await connect({}, version)
      client.send('DISCONNECT')
      await client.expectClosed()
    }
  })

  test('does nothing that follows a DISCONNECT [83]', async ({ connect, topic, queue }) => {
    // A queue may have to wait for its store, and a topic does not: neither changes what comes last.
    for (const destination of [topic('late'), queue('late')]) {
      const consumer = await connect()
      await consumer.confirm('SUBSCRIBE', { id: '0', destination })
      for (const late of [
        `SEND\ndestination:${destination}\nreceipt:late\n\nlate\0`,
        'NONSENSE\n\n\0',
        'CONNECT\n\n\0',
      ]) {
        const client = await connect()
        client.write(`SEND\ndestination:${destination}\n\nin time\0DISCONNECT\nreceipt:bye\n\n\0${late}`)
        await client.frame('RECEIPT', { 'receipt-id': 'bye' })
        await client.expectClosed()
        expect((await consumer.frame('MESSAGE')).text).toBe('in time')
      }
      await consumer.expectNothing()
    }
  })

  test('loses none of 10,000 messages that a close follows [84]', async ({ connect, queue }) => {
    const destination = queue('many')
    const producer = await connect()
    const count = 10_000
    const frames = Array.from({ length: count }, (_, at) => `SEND\ndestination:${destination}\n\n${at}\0`)
    producer.write(frames.join(''))
    producer.end()
    await producer.expectClosed()
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    const messages = await consumer.messages(count)
    expect(messages.findIndex(({ text }, at) => text !== String(at))).toBe(-1)
    await consumer.expectNothing()
  })

  test('holds an ACK good that a close follows, with and without DISCONNECT [85]', async ({ connect, queue }) => {
    for (const leave of ['disconnect', 'end'] as const) {
      const destination = queue('acked')
      const producer = await connect()
      for (const body of ['one', 'two']) await producer.confirm('SEND', { destination }, body)
      const consumer = await connect()
      await consumer.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client-individual' })
      const [one] = await consumer.messages(2)
      consumer.send('ACK', { id: one?.headers.ack ?? '' })
      if (leave === 'disconnect') consumer.send('DISCONNECT')
      else consumer.end()
      await consumer.expectClosed()
      const next = await connect()
      await next.confirm('SUBSCRIBE', { id: '0', destination })
      const rest = await next.frame('MESSAGE', { redelivered: 'true' })
      expect(rest.text).toBe('two')
      await next.expectNothing()
    }
  })

  test('ends a session with many subscriptions at once [86]', async ({ connect, broker, queue, topic, until }) => {
    const other = await connect()
    const client = await connect()
    const names = Array.from({ length: 250 }, (_, at) => [topic(`t${at}`), queue(`q${at}`)]).flat()
    names.forEach((destination, id) => {
      client.send('SUBSCRIBE', { id, destination, ack: 'client' })
    })
    await client.roundTrip()
    for (const destination of names) other.send('SEND', { destination }, 'x')
    await other.roundTrip()
    expect(broker.stats().subscriptions).toBe(500)
    await client.messages(500)
    await client.disconnect()
    await until(() => broker.stats().sessions === 1, 'one session')
    expect(broker.stats()).toMatchObject({ subscriptions: 0, unacknowledged: 0 })
    await other.expectNothing()
  })

  test('frees the subscriptions of a client that leaves without UNSUBSCRIBE [87]', async (env) => {
    const { connect, broker, queue, topic, until } = env
    const [q, t] = [queue('left'), topic('left')]
    const producer = await connect()
    for (const leave of ['disconnect', 'end', 'abort'] as const) {
      const client = await connect()
      await client.confirm('SUBSCRIBE', { id: 'q', destination: q })
      await client.confirm('SUBSCRIBE', { id: 't', destination: t })
      expect(broker.stats().subscriptions).toBe(2)
      if (leave === 'disconnect') await client.disconnect()
      else client[leave]()
      await until(() => broker.stats().sessions === 1, 'one session')
      expect(broker.stats()).toMatchObject({ subscriptions: 0, destinations: 0 })
    }
    // Nobody is there: the topic forgets it, the queue keeps it for whoever comes next.
    await producer.confirm('SEND', { destination: t }, 'lost')
    await producer.confirm('SEND', { destination: q }, 'kept')
    const next = await connect()
    await next.confirm('SUBSCRIBE', { id: 't', destination: t })
    await next.confirm('SUBSCRIBE', { id: 'q', destination: q })
    expect((await next.frame('MESSAGE', { destination: q })).text).toBe('kept')
    await next.expectNothing()
  })

  test('suffers a second close [88]', async ({ connect, client, open, until }) => {
    const broker = await open()
    const reasons: string[] = []
    broker.on('disconnect', ({ reason }) => {
      reasons.push(reason.code)
    })
    const polite = await connect()
    polite.send('DISCONNECT')
    polite.send('DISCONNECT')
    polite.end()
    await polite.expectClosed()
    polite.abort()
    const lost = await connect()
    lost.end()
    lost.end()
    lost.abort()
    await lost.closed
    const silent = await client()
    silent.end()
    await silent.expectClosed()
    await until(() => broker.stats().sessions === 0, 'no session')
    expect(reasons.filter((code) => code === 'disconnect')).toHaveLength(1)
    expect(reasons.length).toBeLessThanOrEqual(3)
    await Promise.all([broker.close(), broker.close()])
    await broker.close()
  })

  test('closes the broker in time although a client reads nothing [88]', async (env) => {
    const { connect, topic, clock, door } = env
    if (door !== 'memory') env.skip('the time that a socket lingers is real')
    const broker = await env.open()
    const destination = topic('unread')
    const stuck = await connect()
    await stuck.confirm('SUBSCRIBE', { id: '0', destination })
    stuck.pause()
    const producer = await connect()
    for (let count = 0; count < 5; count++) await producer.confirm('SEND', { destination }, 'x'.repeat(100_000))
    let isClosed = false
    const closed = broker.close({ drainMs: 1_000 }).then(() => {
      isClosed = true
    })
    for (let looks = 0; looks < 50 && !isClosed; looks++) await clock.advance(100)
    // A client that reads nothing is cut after the drain and a linger of two seconds; nobody waits for it longer.
    const inTime = isClosed
    await clock.advance(60_000)
    await closed
    await producer.error('broker-closing')
    stuck.resume()
    await stuck.closed
    expect(inTime).toBe(true)
  })
})
