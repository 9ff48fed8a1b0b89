/** RECEIPT: each frame that asks for one gets it, by its id, when it is done. */

import { expect } from 'vitest'
import { conformance } from '../support/suite.js'
import type { WireClient } from '../support/wire-client.js'

const VERSIONS = ['1.0', '1.1', '1.2']

/** Sends a frame with a receipt, and takes the RECEIPT, which must be the next frame. */
async function answered(client: WireClient, command: string, headers: Record<string, string>): Promise<void> {
  client.send(command, { ...headers, receipt: `of ${command}` })
  const receipt = await client.frame('RECEIPT', { 'receipt-id': `of ${command}` })
  expect(receipt.lines).toEqual([`receipt-id:of ${command}`])
  expect(receipt.body).toHaveLength(0)
}

conformance('receipts', (test) => {
  test('answers the receipt of every frame that a client may send, in every version [183]', async ({
    connect,
    queue,
  }) => {
    for (const version of VERSIONS) {
      const destination = queue('all')
      const client = await connect({}, version)
      const named = version === '1.0' ? { destination } : { id: '0' }
      await answered(client, 'SEND', { destination })
      await answered(client, 'SUBSCRIBE', { ...named, destination, ack: 'client' })
      const settle = async (command: string, headers: Record<string, string> = {}) => {
        const message = await client.frame('MESSAGE')
        const id = version === '1.2' ? 'ack' : 'message-id'
        const subscription = version === '1.1' ? { subscription: '0' } : {}
        const naming = { [version === '1.2' ? 'id' : id]: message.headers[id] ?? '', ...subscription }
        await answered(client, command, { ...naming, ...headers })
      }
      // What it had was given up: nothing comes again.
      if (version !== '1.0') await settle('NACK', { requeue: 'false' })
      else await settle('ACK')
      client.send('SEND', { destination })
      await settle('ACK')
      await answered(client, 'UNSUBSCRIBE', named)
      for (const end of ['COMMIT', 'ABORT']) {
        await answered(client, 'BEGIN', { transaction: 't' })
        await answered(client, 'SEND', { destination: queue('other'), transaction: 't' })
        await answered(client, end, { transaction: 't' })
      }
      await answered(client, 'DISCONNECT', {})
      await client.expectClosed()
    }
  })

  test('answers no receipt of CONNECT, where the specification has none [183]', async ({ client }) => {
    for (const command of ['CONNECT', 'STOMP']) {
      const asking = await client()
      asking.send(command, { 'accept-version': '1.2', host: 'localhost', receipt: 'r' })
      const connected = await asking.frame('CONNECTED')
      expect(connected.headers).not.toHaveProperty('receipt-id')
      await asking.expectNothing()
    }
  })

  /** Ids as they stand on the wire: what is escaped comes back escaped. */
  const ids: Readonly<Record<string, readonly string[]>> = {
    '1.0': ['a:b', 'a b', ':', '-', 'größe 😀', 'a;b="c"', 'x'.repeat(4_000)],
    '1.1': ['a\\cb', '\\n\\c\\\\', 'a\\\\nb', ' a ', '\t', 'größe 😀', 'x'.repeat(4_000)],
    '1.2': ['a\\cb', '\\r\\n\\c\\\\', 'a\\\\rb', ' a ', '\t', 'größe 😀', 'x'.repeat(4_000)],
  }
  for (const [version, written] of Object.entries(ids)) {
    test(`hands receipt ids with special characters back as they were written in ${version} [184]`, async ({
      connect,
      topic,
    }) => {
      const client = await connect({}, version)
      for (const id of written) {
        client.send('SEND', { destination: topic('a'), receipt: id })
        const receipt = await client.frame('RECEIPT')
        expect(receipt.lines).toEqual([`receipt-id:${id}`])
      }
      for (const id of written) {
        const failing = await connect({}, version)
        failing.send('UNSUBSCRIBE', { id: 'nobody', destination: 'nobody', receipt: id })
        const error = await failing.error('subscription-unknown')
        expect(error.lines).toContain(`receipt-id:${id}`)
      }
    })
  }

  test('reads no more of a producer that never reads its receipts, and serves the others [187]', async ({
    connect,
    broker,
    topic,
    until,
  }) => {
    const heard: string[] = []
    const [evil, good] = [topic('evil'), topic('good')]
    broker.on('send', ({ message }) => {
      if (message.destination === evil) heard.push(message.text())
    })
    // More receipts than any socket takes for a reader that does not read.
    const count = 1_600
    const id = 'r'.repeat(15_000)
    const producer = await connect()
    producer.pause()
    for (let sent = 0; sent < count; sent++)
      producer.send('SEND', { destination: evil, receipt: `${id}${sent}` }, String(sent))
    const other = await connect()
    await other.confirm('SUBSCRIBE', { id: '0', destination: good })
    // It is read as long as the connection takes its receipts, and then no more: many turns make no difference.
    let taken = -1
    await until(() => heard.length > 0, 'a first SEND')
    while (taken < heard.length) {
      taken = heard.length
      for (let trips = 0; trips < 100; trips++) await other.roundTrip()
    }
    expect(taken).toBeLessThan(count)
    expect(broker.stats().bytes).toBeLessThan(1_000_000)
    for (let sent = 0; sent < 20; sent++) {
      await other.confirm('SEND', { destination: good }, String(sent))
      expect((await other.frame('MESSAGE')).text).toBe(String(sent))
    }
    expect(heard).toHaveLength(taken)
    producer.resume()
    for (let sent = 0; sent < count; sent++) await producer.frame('RECEIPT', { 'receipt-id': `${id}${sent}` })
    expect(heard).toEqual(Array.from({ length: count }, (_, at) => String(at)))
    await producer.expectNothing()
  })
})
