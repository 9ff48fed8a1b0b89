/** Clients that are none, or that stop half-way: each is told what it can be told and closed, and nobody else notices. */

import { expect } from 'vitest'
import { target } from '../support/doors.js'
import { conformance, type Env } from '../support/suite.js'
import { octetsOf, type WireClient } from '../support/wire-client.js'

/** A producer and a consumer at work beside them. */
class Pair {
  readonly #producer: WireClient
  readonly #consumer: WireClient
  readonly #destination: string
  #sent = 0

  private constructor(producer: WireClient, consumer: WireClient, destination: string) {
    this.#producer = producer
    this.#consumer = consumer
    this.#destination = destination
  }

  static async of({ connect, topic }: Env): Promise<Pair> {
    const [producer, consumer, destination] = [await connect(), await connect(), topic('pair')]
    await consumer.confirm('SUBSCRIBE', { id: '0', destination })
    return new Pair(producer, consumer, destination)
  }

  /** Some messages go from one to the other, in order, and nothing else comes to either. */
  async goesOn(): Promise<void> {
    for (let count = 0; count < 5; count++)
      await this.#producer.confirm('SEND', { destination: this.#destination }, String(++this.#sent))
    const messages = await this.#consumer.messages(5)
    const expected = [4, 3, 2, 1, 0].map((before) => String(this.#sent - before))
    expect(messages.map(({ text }) => text)).toEqual(expected)
    await this.#consumer.expectNothing()
    await this.#producer.expectNothing()
  }
}

function sequence(count: number, octet: (at: number) => number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => octet(at) & 0xff)
}

/** The first octets of a TLS connection: a handshake record, its length, a ClientHello, its length, a version, chance. */
const CLIENT_HELLO = Uint8Array.from([
  ...[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03],
  ...sequence(501, (at) => at * 37 + 11),
])

/** Where TLS might be meant, and is not spoken: such clients are told so. Elsewhere it is as wrong as anything. */
const PLAIN_DOORS: readonly (string | undefined)[] = ['tcp', 'unix socket', 'mux', 'serve --workers 2', target?.name]

const NO_CLIENTS: readonly {
  readonly says: string
  readonly octets: string | Uint8Array
  readonly code: string
  readonly codeAtPlainDoors?: string
}[] = [
  { says: 'lines of text', octets: 'hello?\nis there anybody\n', code: 'bad-command' },
  { says: 'all octets there are', octets: sequence(256, (at) => at), code: 'bad-command' },
  { says: 'octets above 127 without an end', octets: sequence(100_000, (at) => 128 + (at % 128)), code: 'bad-command' },
  { says: 'a megabyte of one letter', octets: 'A'.repeat(1024 * 1024), code: 'bad-command' },
  { says: 'a TLS handshake', octets: CLIENT_HELLO, code: 'bad-frame', codeAtPlainDoors: 'tls-unexpected' },
  { says: 'the HTTP/2 preface', octets: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', code: 'bad-command' },
  { says: 'an MQTT CONNECT', octets: '\x10\x0e\x00\x04MQTT\x04\x02\x00<\x00\x02me', code: 'bad-frame' },
  { says: 'an AMQP header', octets: 'AMQP\x00\x00\x09\x01', code: 'bad-frame' },
  { says: 'a Redis PING', octets: '*1\r\n$4\r\nPING\r\n', code: 'bad-command' },
]

const REQUESTS = {
  GET: 'GET /stomp?x=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n',
  POST: `POST /stomp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n${'{}'.repeat(100_000)}`,
}

conformance('bad input', (test) => {
  for (const { says, octets, code, codeAtPlainDoors = code } of NO_CLIENTS) {
    test(`answers ${says} with an ERROR and closes [22]`, async (env) => {
      const pair = await Pair.of(env)
      const client = await env.client()
      client.write(octets)
      const error = await client.error(PLAIN_DOORS.includes(env.door) ? codeAtPlainDoors : code)
      expect(error.headers.message).toBeTruthy()
      expect(error.text).toMatch(/^[\x20-\x7e]+\n$/)
      await pair.goesOn()
    })
  }

  for (const [method, request] of Object.entries(REQUESTS)) {
    test(`tells whoever sends an HTTP ${method} that STOMP is spoken here, and closes`, async (env) => {
      if (env.door === 'mux') env.skip('HTTP is spoken here, too: test/mux/listen.test.ts')
      const pair = await Pair.of(env)
      const client = await env.client()
      client.write(request)
      const error = await client.error('bad-command')
      expect(error.text).toContain(`${method} /stomp`)
      expect(error.text).toContain('STOMP command')
      expect(error.text).toContain('CONNECT')
      await pair.goesOn()
    })
  }

  test('closes a client that never gets to its CONNECT, though it sends an octet a second', async (env) => {
    if (env.door === 'mux')
      env.skip('what says something here has the time for CONNECT from then on: test/mux/listen.test.ts')
    await env.open({ limits: { connectTimeoutMs: 5_000 } })
    const pair = await Pair.of(env)
    const [silent, slow, garbage] = [await env.client(), await env.client(), await env.client()]
    garbage.write('\xff\xfe')
    for (const octet of octetsOf('CONN')) {
      slow.write(Uint8Array.of(octet))
      await env.clock.advance(1_000)
      await pair.goesOn()
    }
    for (const client of [silent, slow, garbage]) expect(client.isClosed).toBe(false)
    slow.write('E')
    await env.clock.advance(1_200)
    for (const client of [silent, slow, garbage]) {
      const error = await client.error('connect-timeout')
      expect(error.text).toContain('limits.connectTimeoutMs')
    }
    await pair.goesOn()
  })

  test('waits for a client that sends an octet a second, as long as it does', async (env) => {
    await env.open({ heartBeat: { incomingMs: 5_000 } })
    const pair = await Pair.of(env)
    const client = await env.connect({ 'heart-beat': '1000,0' })
    const destination = env.topic('slow')
    const frame = octetsOf(`SEND\ndestination:${destination}\nreceipt:at-last\n\nbody\0`)
    for (const octet of frame) {
      client.write(Uint8Array.of(octet))
      await pair.goesOn()
      await env.clock.advance(1_000)
    }
    await client.frame('RECEIPT', { 'receipt-id': 'at-last' })
    client.write('SEND\n')
    await pair.goesOn()
    await env.clock.advance(10_500)
    await client.error('heart-beat-missed')
    await pair.goesOn()
  })

  test('reads no more from a client that asks for much and reads none of it, then cuts it', async (env) => {
    const broker = await env.open({ limits: { stallMs: 3_000 } })
    const reasons: string[] = []
    broker.on('disconnect', ({ reason }) => void reasons.push(reason.code))
    const pair = await Pair.of(env)
    const client = await env.connect()
    client.pause()
    // More RECEIPTs than any socket takes that nobody reads.
    const asking = { destination: env.topic('nobody'), receipt: 'r'.repeat(16_000) }
    for (let count = 0; count < 1_000; count++) client.send('SEND', asking)
    await env.until(() => broker.stats().alarms > 0, 'a connection that takes no more')
    await pair.goesOn()
    expect(broker.stats().bytes).toBeLessThan(1_000_000)
    expect(reasons).toEqual([])
    await env.clock.advance(3_500)
    await env.until(() => reasons.length > 0, 'the end of the session')
    expect(reasons).toEqual(['stalled'])
    await pair.goesOn()
  })

  test('delivers no more of a queue than a connection takes to a client that reads nothing, then cuts it', async (env) => {
    const broker = await env.open({ limits: { stallMs: 3_000 } })
    const reasons: string[] = []
    broker.on('disconnect', ({ reason }) => void reasons.push(reason.code))
    const destination = env.queue('much')
    for (let count = 0; count < 500; count++) broker.publish(destination, 'x'.repeat(50_000))
    const pair = await Pair.of(env)
    const client = await env.connect()
    client.pause()
    client.send('SUBSCRIBE', { id: '0', destination, ack: 'client' })
    await env.until(() => broker.stats().unacknowledged > 0, 'deliveries')
    await pair.goesOn()
    expect(broker.stats().unacknowledged).toBeLessThan(500)
    expect(reasons).toEqual([])
    await env.clock.advance(3_500)
    await env.until(() => reasons.length > 0, 'the end of the session')
    expect(reasons).toEqual(['stalled'])
    expect(broker.stats()).toMatchObject({ messages: 500, unacknowledged: 0 })
    await pair.goesOn()
  })
})
