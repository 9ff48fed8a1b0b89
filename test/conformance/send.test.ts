/** SEND and routing: catalogue lines 122 to 139. */

import { expect } from 'vitest'
import { conformance } from '../support/suite.js'

conformance('send', (test) => {
  test('refuses SEND without a destination, with and without other headers [122]', async ({ connect }) => {
    for (const headers of [{}, { 'content-type': 'text/plain', receipt: 'r' }]) {
      const client = await connect()
      client.send('SEND', headers, 'x')
      await client.error('header-missing', 'receipt' in headers ? { 'receipt-id': 'r' } : {})
    }
  })

  test('keeps what is sent to a queue until a consumer comes, though the sender has gone [124]', async ({
    connect,
    queue,
  }) => {
    const destination = queue('patient')
    const producer = await connect()
    for (const body of ['one', 'two']) producer.send('SEND', { destination }, body)
    await producer.disconnect()
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await consumer.messages(2)).map(({ text }) => text)).toEqual(['one', 'two'])
  })

  test('gives each message of a queue to one of its consumers, in turn [125]', async ({ connect, queue }) => {
    const destination = queue('shared')
    const consumers = [await connect(), await connect(), await connect()]
    for (const consumer of consumers) await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    const producer = await connect()
    for (let at = 0; at < 9; at++) await producer.confirm('SEND', { destination }, String(at))
    const got = []
    for (const consumer of consumers) got.push((await consumer.messages(3)).map(({ text }) => Number(text)))
    expect(got).toEqual([
      [0, 3, 6],
      [1, 4, 7],
      [2, 5, 8],
    ])
  })

  test('gives each message of a topic to all of its consumers, and none from before they came [126]', async ({
    connect,
    topic,
  }) => {
    const destination = topic('news')
    const producer = await connect()
    await producer.confirm('SEND', { destination }, 'too early')
    const consumers = [await connect(), await connect()]
    for (const consumer of consumers) await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    await producer.confirm('SEND', { destination }, 'now')
    for (const consumer of consumers) {
      expect((await consumer.frame('MESSAGE')).text).toBe('now')
      await consumer.expectNothing()
    }
  })

  test('keeps the order of a producer, through queue and topic [127]', async ({ connect, queue, topic }) => {
    for (const destination of [queue('ordered'), topic('ordered')]) {
      const consumer = await connect()
      await consumer.confirm('SUBSCRIBE', { id: '0', destination })
      const producer = await connect()
      const wanted = Array.from({ length: 500 }, (_, at) => String(at))
      producer.write(wanted.map((text) => `SEND\ndestination:${destination}\n\n${text}\0`).join(''))
      expect((await consumer.messages(500)).map(({ text }) => text)).toEqual(wanted)
    }
  })

  test('answers fifty receipts, each by its id and in order, among frames that ask for none [128]', async ({
    connect,
    queue,
  }) => {
    const destination = queue('receipts')
    for (const every of [1, 2, 5]) {
      const producer = await connect()
      const wanted: string[] = []
      for (let at = 0; at < 50; at++) {
        const headers = at % every === 0 ? { destination, receipt: `r-${at}` } : { destination }
        if ('receipt' in headers) wanted.push(headers.receipt as string)
        producer.send('SEND', headers, 'x')
      }
      for (const receipt of wanted) await producer.frame('RECEIPT', { 'receipt-id': receipt })
      await producer.expectNothing()
    }
  })

  test('delivers by pattern: * is one segment, ** any number; a SEND to a pattern is refused [135]', async ({
    connect,
  }) => {
    const matched: Readonly<Record<string, readonly string[]>> = {
      '/topic/p/*': ['/topic/p/a', '/topic/p/b'],
      '/topic/p/**': ['/topic/p', '/topic/p/a', '/topic/p/b', '/topic/p/a/c', '/topic/p.a.c'],
      '/topic/*/a': ['/topic/p/a'],
      '/topic/**/c': ['/topic/p/a/c', '/topic/p.a.c'],
      '/topic/p*': [],
    }
    const names = ['/topic/p', '/topic/p/a', '/topic/p/b', '/topic/p/a/c', '/topic/p.a.c', '/topic/q/z']
    for (const [pattern, wanted] of Object.entries(matched)) {
      const consumer = await connect()
      await consumer.confirm('SUBSCRIBE', { id: '0', destination: pattern })
      const producer = await connect()
      for (const destination of names) await producer.confirm('SEND', { destination }, destination)
      expect((await consumer.messages(wanted.length)).map(({ headers }) => headers.destination)).toEqual(wanted)
      await consumer.expectNothing()
      await consumer.disconnect()
    }
    const sender = await connect()
    sender.send('SEND', { destination: '/topic/p/*', receipt: 'r' }, 'x')
    await sender.error('pattern-refused', { 'receipt-id': 'r' })
    const queues = await connect()
    queues.send('SUBSCRIBE', { id: '0', destination: '/queue/**' })
    await queues.error('pattern-refused')
  })

  test('refuses to send what authorize forbids, and says the name as it was sent [139]', async ({
    open,
    connect,
    topic,
  }) => {
    const asked: string[] = []
    const forbidden = topic('a.*b')
    await open({
      hooks: {
        authenticate: ({ login }) => ({ name: login ?? '' }),
        authorize: ({ user, action, destination, isPattern }) => {
          asked.push(`${(user as { name: string }).name} ${action} ${destination} ${isPattern}`)
          return destination !== forbidden
        },
      },
    })
    const client = await connect({ login: '.*' })
    client.send('SEND', { destination: forbidden, receipt: 'r' }, 'x')
    await client.error('access-refused', { 'receipt-id': 'r' })
    expect(asked).toEqual([`.* send ${forbidden} false`])
  })
})
