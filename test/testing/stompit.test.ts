/** The client of servers, unmodified, through the socket in memory; and the socket by itself. */

import { once } from 'node:events'
import { createTestBroker, type TestBroker } from '@xtomp/testing'
import stompit from 'stompit'
import { expect, onTestFinished, test } from 'vitest'

function opened(): TestBroker {
  const broker = createTestBroker()
  onTestFinished(async () => {
    await broker.close()
    expect(Object.entries(broker.stats()).filter(([, count]) => count !== 0)).toEqual([])
  })
  return broker
}

function connected(broker: TestBroker, heartBeat = '0,0'): Promise<stompit.Client> {
  return new Promise((resolve, reject) => {
    const options = {
      host: 'memory',
      port: 61613,
      connect: broker.socket,
      connectHeaders: { host: '/', 'heart-beat': heartBeat },
    }
    stompit.connect(options, (error, client) => {
      if (error !== null) return reject(error)
      // Its types want an error, and it tells of one.
      onTestFinished(() => Reflect.apply(client.destroy, client, []))
      resolve(client)
    })
  })
}

function nextMessage(client: stompit.Client, destination: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.subscribe({ destination, ack: 'client-individual' }, (error, message) => {
      if (error !== null) return reject(error)
      message.readString('utf-8', (failure, body) => {
        if (failure !== null) return reject(failure)
        client.ack(message)
        resolve(body ?? '')
      })
    })
  })
}

test('connects, sends, subscribes, acknowledges and disconnects, with no port', async () => {
  const broker = opened()
  const client = await connected(broker)
  const body = 'grüße '.repeat(20_000)
  client.send({ destination: '/queue/a', colour: 'blue' }).end(body)
  expect(await nextMessage(client, '/queue/a')).toBe(body)
  const [sent] = await broker.received('/queue/a')
  expect(sent?.headers.get('colour')).toBe('blue')
  await new Promise<void>((resolve, reject) =>
    client.disconnect((error) => (error === null ? resolve() : reject(error))),
  )
  expect(broker.stats().messages).toBe(0)
})

test('reads frames that come octet by octet, and many in one piece', async () => {
  const broker = opened()
  const client = await connected(broker)
  using _split = broker.faults.split(1)
  using _merge = broker.faults.merge(1)
  broker.publish('/queue/a', 'in pieces')
  expect(await nextMessage(client, '/queue/a')).toBe('in pieces')
})

test('fails when it is dropped, refused, or half-closed', async () => {
  const broker = opened()
  const client = await connected(broker)
  const failed = once(client, 'error')
  broker.faults.drop()
  expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
  const refusal = broker.faults.refuse()
  await expect(connected(broker)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  refusal.end()
  const other = await connected(broker)
  const over = once(other, 'error')
  broker.faults.halfClose()
  expect(String((await over)[0])).toContain('connection ended unexpectedly')
})

test('misses beats that do not come', async () => {
  const broker = opened()
  using _timers = broker.clock.install()
  const client = await connected(broker, '5000,5000')
  await broker.clock.advance(60_000)
  expect(broker.connections).toHaveLength(1)
  const failed = once(client, 'error')
  broker.faults.missHeartBeats()
  await broker.clock.advance(12_000)
  expect(String((await failed)[0])).toContain('connection timed out')
})

test('a socket that is not read holds the broker back, and is no hindrance to its end', async () => {
  const broker = opened()
  const socket = broker.socket()
  await once(socket, 'connect')
  socket.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0SUBSCRIBE\nid:0\ndestination:/queue/a\n\n\0')
  await broker.clock.settled()
  for (let count = 0; count < 100; count++) {
    broker.publish('/queue/a', new Uint8Array(10_000))
    await broker.clock.settled()
  }
  expect(broker.stats().messages).toBeGreaterThan(50)
  const cut = once(socket, 'error')
  await broker.close()
  expect((await cut)[0]).toMatchObject({ code: 'ECONNRESET' })
})

test('a socket ends as its client ends it, and gets what was said until then', async () => {
  const broker = opened()
  const socket = broker.socket()
  let text = ''
  socket.on('data', (octets: Buffer) => (text += octets.toString()))
  socket.end('CONNECT\naccept-version:1.2\nhost:/\n\n\0')
  await once(socket, 'close')
  expect(text).toContain('CONNECTED')
  expect(broker.connections).toEqual([])
  expect(socket.bytesRead).toBe(text.length)
})

test('tells its program of an ERROR, and ends nothing but its connection', async () => {
  const broker = createTestBroker({ hooks: { authenticate: ({ login }) => login === 'ann' && { name: login } } })
  onTestFinished(() => broker.close())
  const told = await new Promise<Error | null>((resolve) => {
    const options = { host: 'memory', port: 61613, connect: broker.socket, connectHeaders: { host: '/', login: 'bob' } }
    stompit.connect(options, resolve)
  })
  expect(String(told)).toContain('auth failed')
})
