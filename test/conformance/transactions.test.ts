/** Transactions: catalogue lines 165 to 182. */

import { expect } from 'vitest'
import { conformance, type Env } from '../support/suite.js'

/** A queue with messages, and a consumer that has them all and has settled none. */
async function holding({ connect, queue }: Env, ack: string, bodies: readonly string[]) {
  const destination = queue('held')
  const consumer = await connect()
  for (const body of bodies) await consumer.confirm('SEND', { destination }, body)
  await consumer.confirm('SUBSCRIBE', { id: '0', destination, ack })
  const messages = await consumer.messages(bodies.length)
  const ids = messages.map(({ headers }) => headers.ack ?? '')
  return { destination, consumer, ids }
}

conformance('transactions', (test) => {
  test('delivers at COMMIT and not before; what is not in it is delivered at once [165]', async ({
    connect,
    queue,
  }) => {
    const destination = queue('a')
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    const producer = await connect()
    await producer.confirm('BEGIN', { transaction: 't' })
    await producer.confirm('SEND', { destination, transaction: 't' }, 'first')
    await producer.confirm('SEND', { destination, transaction: 't' }, 'second')
    await producer.confirm('SEND', { destination }, 'outside')
    expect((await consumer.frame('MESSAGE')).text).toBe('outside')
    await consumer.expectNothing()
    await producer.confirm('COMMIT', { transaction: 't' })
    const messages = await consumer.messages(2)
    expect(messages.map(({ text }) => text)).toEqual(['first', 'second'])
    expect(messages[0]?.headers).not.toHaveProperty('transaction')
  })

  test('forgets at ABORT [166]', async ({ connect, queue }) => {
    const destination = queue('a')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    await client.confirm('BEGIN', { transaction: 't' })
    await client.confirm('SEND', { destination, transaction: 't' }, 'never')
    await client.confirm('ABORT', { transaction: 't' })
    await client.expectNothing()
  })

  test('refuses a transaction that is not open [167]', async (env) => {
    const frames: [string, Record<string, string>][] = [
      ['SEND', { destination: env.queue('a') }],
      ['COMMIT', {}],
      ['ABORT', {}],
    ]
    for (const [command, headers] of frames) {
      const client = await env.connect()
      client.send(command, { ...headers, transaction: 'nobody', receipt: 'r' })
      await client.error('transaction-unknown', { 'receipt-id': 'r' })
    }
    for (const command of ['ACK', 'NACK']) {
      const { consumer, ids } = await holding(env, 'client', ['x'])
      consumer.send(command, { id: ids[0], transaction: 'nobody' })
      await consumer.error('transaction-unknown')
    }
  })

  test('refuses BEGIN, COMMIT and ABORT without a transaction [168]', async ({ connect }) => {
    for (const command of ['BEGIN', 'COMMIT', 'ABORT']) {
      const client = await connect()
      client.send(command, {})
      await client.error('header-missing')
    }
  })

  test('refuses to begin a transaction that is open [169]', async ({ connect }) => {
    const client = await connect()
    await client.confirm('BEGIN', { transaction: 't' })
    client.send('BEGIN', { transaction: 't' })
    await client.error('transaction-duplicate')
  })

  test('takes an id again after COMMIT and after ABORT [170]', async ({ connect, queue }) => {
    const destination = queue('a')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    for (const end of ['COMMIT', 'ABORT', 'COMMIT']) {
      await client.confirm('BEGIN', { transaction: 't' })
      await client.confirm('SEND', { destination, transaction: 't' }, end)
      await client.confirm(end, { transaction: 't' })
      if (end === 'COMMIT') await client.frame('MESSAGE')
    }
    await client.expectNothing()
  })

  test('aborts what is open when the session ends, with and without DISCONNECT [171]', async ({
    connect,
    queue,
    broker,
    until,
  }) => {
    const destination = queue('a')
    for (const leave of ['disconnect', 'end', 'abort'] as const) {
      const client = await connect()
      await client.confirm('BEGIN', { transaction: 't' })
      await client.confirm('SEND', { destination, transaction: 't' }, 'never')
      await client[leave]()
      await until(() => broker.stats().sessions === 0)
    }
    const consumer = await connect()
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    await consumer.expectNothing()
  })

  test('keeps several transactions and destinations apart [172]', async ({ connect, queue }) => {
    const [a, b] = [queue('a'), queue('b')]
    const client = await connect()
    for (const [id, destination] of [
      ['a', a],
      ['b', b],
    ])
      await client.confirm('SUBSCRIBE', { id, destination })
    for (const transaction of ['one', 'two']) await client.confirm('BEGIN', { transaction })
    for (const transaction of ['one', 'two']) {
      for (const destination of [a, b])
        await client.confirm('SEND', { destination, transaction }, `${transaction} ${destination}`)
    }
    await client.confirm('ABORT', { transaction: 'one' })
    await client.confirm('COMMIT', { transaction: 'two' })
    expect((await client.messages(2)).map(({ text }) => text)).toEqual([`two ${a}`, `two ${b}`])
    await client.expectNothing()
  })

  test('takes as many open transactions as the limit says, and refuses one more [173]', async ({ connect }) => {
    const client = await connect()
    for (let at = 0; at < 16; at++) await client.confirm('BEGIN', { transaction: at })
    client.send('BEGIN', { transaction: '16' })
    expect((await client.error('transactions-too-many')).text).toContain('limits.transactions')
  })

  test('settles at COMMIT what was ACKed in it; ABORT makes the ids good again [174]', async (env) => {
    const { consumer, ids, destination } = await holding(env, 'client-individual', ['a', 'b'])
    await consumer.confirm('BEGIN', { transaction: 't' })
    await consumer.confirm('ACK', { id: ids[0], transaction: 't' })
    await consumer.confirm('ABORT', { transaction: 't' })
    await consumer.confirm('BEGIN', { transaction: 't' })
    await consumer.confirm('ACK', { id: ids[0], transaction: 't' })
    await consumer.confirm('COMMIT', { transaction: 't' })
    await consumer.disconnect()
    const next = await env.connect()
    await next.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await next.frame('MESSAGE')).text).toBe('b')
    await next.expectNothing()
  })

  test('gives back at COMMIT what was NACKed in it, and not before [175]', async (env) => {
    const { consumer, ids } = await holding(env, 'client-individual', ['a'])
    await consumer.confirm('BEGIN', { transaction: 't' })
    await consumer.confirm('NACK', { id: ids[0], transaction: 't' })
    await consumer.expectNothing()
    await consumer.confirm('ABORT', { transaction: 't' })
    await consumer.confirm('BEGIN', { transaction: 't' })
    await consumer.confirm('NACK', { id: ids[0], transaction: 't' })
    consumer.send('COMMIT', { transaction: 't' })
    await consumer.frame('MESSAGE', { redelivered: 'true' })
  })

  test('takes ACKs out of order in a transaction, in both modes [176]', async (env) => {
    for (const [ack, left] of [
      ['client', ['d']],
      ['client-individual', ['b', 'd']],
    ] as const) {
      const { consumer, ids, destination } = await holding(env, ack, ['a', 'b', 'c', 'd'])
      await consumer.confirm('BEGIN', { transaction: 't' })
      await consumer.confirm('ACK', { id: ids[2], transaction: 't' })
      await consumer.confirm('ACK', { id: ids[0], transaction: 't' })
      await consumer.confirm('COMMIT', { transaction: 't' })
      await consumer.disconnect()
      const next = await env.connect()
      await next.confirm('SUBSCRIBE', { id: '0', destination })
      expect((await next.messages(left.length)).map(({ text }) => text)).toEqual(left)
      await next.expectNothing()
    }
  })

  test('refuses to COMMIT two ends of one delivery, and then does nothing of it [177]', async (env) => {
    const { consumer, ids, destination } = await holding(env, 'client', ['a', 'b'])
    await consumer.confirm('BEGIN', { transaction: 't' })
    await consumer.confirm('SEND', { destination, transaction: 't' }, 'never')
    // With client it is for the first, too.
    await consumer.confirm('ACK', { id: ids[1], transaction: 't' })
    await consumer.confirm('NACK', { id: ids[0], transaction: 't' })
    consumer.send('COMMIT', { transaction: 't', receipt: 'r' })
    await consumer.error('transaction-conflict', { 'receipt-id': 'r' })
    const next = await env.connect()
    await next.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await next.messages(2)).map(({ text }) => text)).toEqual(['a', 'b'])
    await next.expectNothing()
  })

  test('refuses at once to settle in a transaction what that settles already, and settles nothing [177]', async (env) => {
    for (const second of ['ACK', 'NACK']) {
      const { consumer, ids, destination } = await holding(env, 'client-individual', ['a'])
      for (const transaction of ['t', 'other']) {
        await consumer.confirm('BEGIN', { transaction })
        await consumer.confirm('ACK', { id: ids[0], transaction })
      }
      consumer.send(second, { id: ids[0], transaction: 't', receipt: 'r' })
      await consumer.error('transaction-conflict', { 'receipt-id': 'r' })
      const next = await env.connect()
      await next.confirm('SUBSCRIBE', { id: '0', destination })
      expect((await next.messages(1)).map(({ text }) => text)).toEqual(['a'])
    }
  })

  test('refuses to COMMIT what was settled outside in the meantime [177]', async (env) => {
    const { consumer, ids } = await holding(env, 'client-individual', ['a'])
    await consumer.confirm('BEGIN', { transaction: 't' })
    await consumer.confirm('ACK', { id: ids[0], transaction: 't' })
    await consumer.confirm('ACK', { id: ids[0] })
    consumer.send('COMMIT', { transaction: 't' })
    await consumer.error('ack-unknown')
  })

  test('answers a receipt in a transaction at once [178]', async ({ connect, queue }) => {
    const client = await connect()
    client.send('BEGIN', { transaction: 't', receipt: 'b' })
    await client.frame('RECEIPT', { 'receipt-id': 'b' })
    client.send('SEND', { destination: queue('a'), transaction: 't', receipt: 's' }, 'x')
    await client.frame('RECEIPT', { 'receipt-id': 's' })
    client.send('ABORT', { transaction: 't', receipt: 'a' })
    await client.frame('RECEIPT', { 'receipt-id': 'a' })
  })

  test('takes a COMMIT of ACKs after UNSUBSCRIBE [179]', async (env) => {
    const { consumer, ids, destination } = await holding(env, 'client', ['a', 'b'])
    await consumer.confirm('BEGIN', { transaction: 't' })
    await consumer.confirm('ACK', { id: ids[1], transaction: 't' })
    await consumer.confirm('UNSUBSCRIBE', { id: '0' })
    await consumer.confirm('COMMIT', { transaction: 't' })
    await consumer.disconnect()
    const next = await env.connect()
    await next.confirm('SUBSCRIBE', { id: '0', destination })
    await next.expectNothing()
  })

  test('holds nothing after many transactions [180]', async ({ connect, queue, broker, until }) => {
    const destination = queue('a')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    const { bytes } = broker.stats()
    for (let at = 0; at < 200; at++) {
      client.send('BEGIN', { transaction: at })
      client.send('SEND', { destination, transaction: at }, 'x')
      client.send(at % 2 === 0 ? 'COMMIT' : 'ABORT', { transaction: at })
    }
    await client.messages(100)
    await client.roundTrip()
    await until(() => broker.stats().bytes === bytes)
    expect(broker.stats().messages).toBe(0)
  })

  test('keeps a transaction to its own session [181]', async ({ connect }) => {
    const one = await connect()
    await one.confirm('BEGIN', { transaction: 't' })
    const other = await connect()
    other.send('COMMIT', { transaction: 't' })
    await other.error('transaction-unknown')
    await one.confirm('COMMIT', { transaction: 't' })
  })

  test('delivers transactions in the order of their COMMITs [182]', async ({ connect, queue }) => {
    const destination = queue('a')
    const [one, other] = [await connect(), await connect()]
    for (const client of [one, other]) await client.confirm('BEGIN', { transaction: 't' })
    await one.confirm('SEND', { destination, transaction: 't' }, 'sent first')
    await other.confirm('SEND', { destination, transaction: 't' }, 'committed first')
    await other.confirm('COMMIT', { transaction: 't' })
    await one.confirm('COMMIT', { transaction: 't' })
    await one.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await one.messages(2)).map(({ text }) => text)).toEqual(['committed first', 'sent first'])
  })
})
