/** Bodies: how their length is told, which frames have one, and that they arrive octet for octet. */

import { expect } from 'vitest'
import { echo } from '../support/echo.js'
import { conformance } from '../support/suite.js'
import { octetsOf, type WireClient } from '../support/wire-client.js'

const VERSIONS = ['1.0', '1.1', '1.2']
const MIB = 1024 * 1024

function writeSend(client: WireClient, destination: string, body: Uint8Array): void {
  client.write(octetsOf(`SEND\ndestination:${destination}\ncontent-length:${body.length}\n\n`))
  client.write(body)
  client.write('\0')
}

/** Whether two bodies are the same, without a failure message that shows megabytes. */
function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

conformance('bodies', (test) => {
  test('delivers a body with NULs intact, whatever its size [47]', async (env) => {
    const { client, topic } = await echo(env)
    for (const size of [1, 2, 47, 48, 49, 127, 128, 129, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 200_000]) {
      const body = Uint8Array.from({ length: size }, (_, at) => (at % 7 === 0 ? 0 : at % 256))
      writeSend(client, topic, body)
      const message = await client.frame('MESSAGE', { 'content-length': String(size) })
      expect(areEqual(message.body, body), `${size} octets`).toBe(true)
    }
  })

  test('keeps nothing of the octets that it was given for one call [47]', async ({
    connect,
    queue,
    topic,
    door,
    skip,
  }) => {
    if (door !== 'memory') skip('a socket hands over octets that nobody else has')
    const [q, t] = [queue('kept'), topic('kept')]
    const producer = await connect()
    const consumer = await connect()
    const bodies = [10, 1_000, 5_000, 100_000].map((size) => 'b'.repeat(size))
    const lend = (text: string) => {
      const octets = octetsOf(text)
      producer.write(octets)
      octets.fill(0x58)
    }
    await consumer.confirm('SUBSCRIBE', { id: 't', destination: t })
    for (const body of bodies) {
      lend(`SEND\ndestination:${q}\n\n${body}\0SEND\ndestination:${t}\n\n${body}\0`)
      lend(`BEGIN\ntransaction:t\n\n\0SEND\ndestination:${q}\ntransaction:t\n\n${body}\0`)
      lend('COMMIT\ntransaction:t\nreceipt:r\n\n\0')
      await producer.frame('RECEIPT', { 'receipt-id': 'r' })
    }
    await consumer.confirm('SUBSCRIBE', { id: 'q', destination: q })
    const texts = (await consumer.messages(3 * bodies.length)).map(({ text }) => text)
    expect(texts.slice(0, bodies.length).map((text) => bodies.indexOf(text))).toEqual([0, 1, 2, 3])
    expect(texts.slice(bodies.length).map((text) => bodies.indexOf(text))).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
  })

  test('ends a body without content-length at the first NUL [48]', async (env) => {
    for (const version of VERSIONS) {
      const { client, topic } = await echo(env, version)
      client.write(`SEND\ndestination:${topic}\n\none\0SEND\ndestination:${topic}\n\ntwo\0`)
      expect((await client.messages(2)).map(({ text }) => text)).toEqual(['one', 'two'])
    }
  })

  test('takes content-length 0 with an empty body [49]', async (env) => {
    const { client, topic, send } = await echo(env)
    const message = await send('content-length:0\n')
    expect(message.body).toHaveLength(0)
    await client.confirm('SEND', { destination: topic, 'content-length': 0 })
    await client.frame('MESSAGE')
    client.write('BEGIN\ntransaction:t\ncontent-length:0\nreceipt:r\n\n\0')
    await client.frame('RECEIPT', { 'receipt-id': 'r' })
  })

  test('refuses a negative content-length [50]', async ({ connect }) => {
    for (const version of VERSIONS) {
      const client = await connect({}, version)
      client.write('SEND\ndestination:/topic/a\ncontent-length:-1\n\n\0')
      await client.error('bad-content-length')
    }
  })

  test('refuses a content-length that is not a number [51]', async ({ connect }) => {
    for (const length of ['five', '', '1e3', '0x10', '+5', '5.0', '5,5', '99999999999999999999']) {
      const client = await connect()
      client.write(`SEND\ndestination:/topic/a\ncontent-length:${length}\n\nhello\0`)
      await client.error('bad-content-length')
    }
  })

  test('takes a content-length with spaces around it [52]', async (env) => {
    for (const version of VERSIONS) {
      const { send } = await echo(env, version)
      expect((await send('content-length: 5 \n', 'h\0llo')).text).toBe('h\0llo')
    }
  })

  test('refuses a body whose content-length does not end on a NUL [53]', async ({ connect }) => {
    for (const length of [0, 1, 4]) {
      const client = await connect()
      client.write(`SEND\ndestination:/topic/a\ncontent-length:${length}\n\nhello\0`)
      await client.error('bad-content-length')
    }
  })

  test('waits for a body shorter than its content-length [54]', async (env) => {
    const { client, topic } = await echo(env)
    client.write(`SEND\ndestination:${topic}\ncontent-length:10\n\n1234\0`)
    const other = await env.connect()
    await other.roundTrip()
    await other.roundTrip()
    expect(client.received).toEqual([])
    client.write('6789')
    await other.roundTrip()
    expect(client.received).toEqual([])
    client.write('0\0')
    expect((await client.frame('MESSAGE')).text).toBe('1234\x006789' + '0')
    await client.expectNothing()
  })

  test('refuses a content-length over the limit before the body comes [55]', async (env) => {
    const client = await env.connect()
    client.write(`SEND\ndestination:/topic/a\ncontent-length:${16 * MIB + 1}\n\n`)
    const error = await client.error('body-too-large')
    expect(error.text).toContain('limits.bodyBytes')
    expect(error.text).toContain(String(16 * MIB))
  })

  test('refuses a body on a frame that must have none; 1.0 ignores it [56]', async ({ client, connect, queue }) => {
    const destination = queue('q')
    const frames = [
      `SUBSCRIBE\nid:0\ndestination:${destination}\n`,
      'UNSUBSCRIBE\nid:known\n',
      'BEGIN\ntransaction:t\n',
      'COMMIT\ntransaction:open\n',
      'ABORT\ntransaction:open\n',
      'DISCONNECT\nreceipt:r\n',
    ]
    for (const version of VERSIONS) {
      for (const frame of frames) {
        for (const [length, body] of [
          ['', 'body'],
          ['content-length:1\n', '\0'],
        ]) {
          const late = await connect({}, version)
          await late.confirm('SUBSCRIBE', { id: 'known', destination })
          await late.confirm('BEGIN', { transaction: 'open' })
          late.write(`${frame}${length}\n${body}\0`)
          if (version !== '1.0') await late.error('unexpected-body')
          else if (frame.startsWith('DISCONNECT')) await late.frame('RECEIPT', { 'receipt-id': 'r' })
          else await late.expectNothing()
        }
      }
    }
    for (const command of ['ACK', 'NACK']) {
      const late = await connect()
      late.write(`${command}\nid:a\n\nbody\0`)
      await late.error('unexpected-body')
    }
    const early = await client()
    early.write('CONNECT\naccept-version:1.2\nhost:localhost\n\nbody\0')
    await early.error('unexpected-body')
    const oldest = await client()
    oldest.write('CONNECT\n\nbody\0')
    await oldest.frame('CONNECTED')
  })

  test('counts octets in content-length, not characters [57]', async (env) => {
    const { client, topic, send } = await echo(env)
    const text = 'äöü 値 😀'
    const { length } = octetsOf(text)
    expect((await send('', text)).headers['content-length']).toBe(String(length))
    client.write(`SEND\ndestination:${topic}\ncontent-length:${length}\n\n${text}\0`)
    expect((await client.frame('MESSAGE', { 'content-length': String(length) })).text).toBe(text)
    client.write(`SEND\ndestination:${topic}\ncontent-length:${text.length}\n\n${text}\0`)
    await client.error('bad-content-length')
  })

  test('hands content-type on, and invents none [58]', async (env) => {
    for (const version of VERSIONS) {
      const { send } = await echo(env, version)
      const type = 'application/vnd.x+json;charset=utf-16'
      expect((await send(`content-type:${type}\n`, '{}')).headers['content-type']).toBe(type)
      expect((await send('', '{}')).headers['content-type']).toBeUndefined()
    }
  })

  test('delivers 16 MiB to two subscribers [59]', async ({ connect, topic }) => {
    const destination = topic('large')
    const consumers = [await connect(), await connect({}, '1.1')]
    for (const consumer of consumers) await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    const producer = await connect()
    const body = new Uint8Array(16 * MIB)
    for (let at = 0; at < body.length; at += 1_021) body[at] = at % 251
    writeSend(producer, destination, body)
    for (const consumer of consumers) {
      const message = await consumer.frame('MESSAGE', { 'content-length': String(16 * MIB) })
      expect(areEqual(message.body, body)).toBe(true)
      await consumer.expectNothing()
    }
    await producer.expectNothing()
  })

  test('delivers a message without a body [60]', async (env) => {
    for (const version of VERSIONS) {
      const { send } = await echo(env, version)
      const message = await send()
      expect(message.body).toHaveLength(0)
      expect(message.headers['content-length']).toBe('0')
    }
  })

  test('writes content-length in every MESSAGE [62]', async (env) => {
    const queue = env.queue('lengths')
    const { client, topic, send } = await echo(env)
    await client.confirm('SUBSCRIBE', { id: 'q', destination: queue, ack: 'client' })
    for (const body of ['', 'a', 'a\nb', 'x'.repeat(10_000)]) {
      expect((await send('', body)).headers['content-length']).toBe(String(body.length))
      await client.confirm('SEND', { destination: queue }, body)
      await client.frame('MESSAGE', { subscription: 'q', 'content-length': String(body.length) })
    }
    const oldest = await env.connect({}, '1.0')
    await oldest.confirm('SUBSCRIBE', { destination: topic })
    await send('content-length:3\n', 'a\0b')
    await oldest.frame('MESSAGE', { 'content-length': '3' })
  })
})
