/** Events: each with its payload, once, told last; and what becomes of listeners that fail. */

import type { Broker, BrokerEvents, BrokerStats, HostDelivery } from '@xtomp/core'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'
import type { WireClient } from '../support/wire-client.js'

/** Notes down what `stats` says while an event is told. */
function statsAt(broker: Broker, event: keyof BrokerEvents): BrokerStats[] {
  const seen: BrokerStats[] = []
  broker.on(event, () => seen.push(broker.stats()))
  return seen
}

/** A session with one unacknowledged delivery of a queue. */
async function holding({ connect, queue }: Env) {
  const destination = queue('held')
  const client = await connect()
  await client.confirm('SEND', { destination, colour: 'blue' }, 'held')
  await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client' })
  const message = await client.frame('MESSAGE')
  return { destination, client, id: message.headers.ack ?? '', messageId: message.headers['message-id'] }
}

overMemory('events', (test) => {
  test('tell of a session, from CONNECTED to its end', async ({ open, connect, client }) => {
    const broker = await open({ hooks: { authenticate: ({ login }) => login } })
    const heard = new Heard(broker)
    const connecting = statsAt(broker, 'connect')
    const known = await connect({ login: 'ann' }, '1.1')
    const session = {
      id: expect.stringMatching(/^[0-9A-Za-z-]+$/),
      version: '1.1',
      user: 'ann',
      host: 'localhost',
      connection: { transport: 'memory' },
      close: expect.any(Function),
    }
    expect(heard.of('connect')).toEqual([{ session }])
    await known.disconnect()
    expect(heard.of('disconnect')).toEqual([{ session, reason: { code: 'disconnect', message: expect.any(String) } }])
    expect(heard.of('disconnect')[0]?.session.id).toBe(heard.of('connect')[0]?.session.id)
    // Whoever was never CONNECTED neither comes nor goes.
    const stranger = await client()
    stranger.send('CONNECT', { 'accept-version': '1.2', host: 'a' })
    await stranger.error('auth-failed')
    expect(heard.names).toEqual(['connect', 'disconnect'])
    expect(connecting).toMatchObject([{ sessions: 1 }])
  })

  test('tell of a subscription once it is there, and once its client has ended it', async ({ open, connect }) => {
    const broker = await open()
    const heard = new Heard(broker)
    const subscribed = statsAt(broker, 'subscribe')
    const unsubscribed = statsAt(broker, 'unsubscribe')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: 'x', destination: '/topic/a.*', ack: 'client' })
    await client.confirm('SUBSCRIBE', { id: 'y', destination: '/queue/a' })
    await client.confirm('UNSUBSCRIBE', { id: 'x' })
    await client.disconnect()
    const [{ session }] = heard.of('connect') as [BrokerEvents['connect']]
    const x = { session, subscription: { id: 'x', destination: '/topic/a.*', ackMode: 'client' } }
    const y = { session, subscription: { id: 'y', destination: '/queue/a', ackMode: 'auto' } }
    expect(heard.of('subscribe')).toEqual([x, y])
    expect(heard.of('unsubscribe')).toEqual([x])
    expect(subscribed).toMatchObject([{ subscriptions: 1 }, { subscriptions: 2 }])
    expect(unsubscribed).toMatchObject([{ subscriptions: 1 }])
  })

  test('tell of a message that a session sent, once its destination has it', async ({ open, connect, queue }) => {
    const broker = await open()
    const heard = new Heard(broker)
    const seen = statsAt(broker, 'send')
    const client = await connect()
    const destination = queue('sent')
    await client.confirm('SEND', { destination, colour: 'blue' }, 'grüße')
    await client.confirm('SEND', { destination: '/topic/nobody' }, 'x')
    broker.publish(destination, 'of the host')
    const [{ session, message }] = heard.of('send') as [BrokerEvents['send']]
    expect(heard.of('send').map((event) => event.message.destination)).toEqual([destination, '/topic/nobody'])
    expect(session).toEqual(heard.of('connect')[0]?.session)
    expect(message.destination).toBe(destination)
    expect(message.headers.toJSON()).toEqual({ colour: 'blue' })
    expect(message.text()).toBe('grüße')
    expect(seen).toMatchObject([{ messages: 1 }, { messages: 1 }])
  })

  test('tell of what a transaction sent when it is committed, and of nothing that is aborted', async ({
    open,
    connect,
    queue,
  }) => {
    const broker = await open()
    const heard = new Heard(broker)
    const seen = statsAt(broker, 'send')
    const client = await connect()
    const destination = queue('sent')
    for (const transaction of ['t', 'u']) {
      await client.confirm('BEGIN', { transaction })
      for (const body of ['one', 'two']) await client.confirm('SEND', { destination, transaction }, body)
    }
    await client.confirm('ABORT', { transaction: 'u' })
    expect(heard.of('send')).toEqual([])
    await client.confirm('COMMIT', { transaction: 't' })
    expect(heard.of('send').map(({ message }) => message.text())).toEqual(['one', 'two'])
    expect(seen).toMatchObject([{ messages: 2 }, { messages: 2 }])
  })

  test('tell of no message that was refused', async ({ open, connect }) => {
    const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 0 }] })
    const heard = new Heard(broker)
    const client = await connect()
    client.send('SEND', { destination: '/queue/full' })
    await client.error('queue-full')
    expect(heard.names).toEqual(['connect', 'disconnect', 'limit'])
  })

  test('tell of each delivery that a session settled', async (env) => {
    const broker = await env.open()
    const heard = new Heard(broker)
    const acknowledged = statsAt(broker, 'acknowledge')
    const { client, id, messageId } = await holding(env)
    client.send('NACK', { id })
    const again = await client.frame('MESSAGE')
    await client.confirm('ACK', { id: again.headers.ack ?? '' })
    const session = heard.of('connect')[0]?.session
    expect(heard.names).toEqual(['connect', 'send', 'subscribe', 'nack', 'acknowledge'])
    for (const event of ['nack', 'acknowledge'] as const) {
      expect(heard.of(event)[0]?.session).toBe(session)
      expect(heard.of(event)[0]?.message.id).toBe(messageId)
    }
    expect(acknowledged).toMatchObject([{ messages: 0, unacknowledged: 0 }])
  })

  test('tell of each delivery that one ACK stands for', async ({ open, connect, topic }) => {
    const broker = await open()
    const heard = new Heard(broker)
    const client = await connect()
    const destination = topic('many')
    await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client' })
    for (const body of ['a', 'b', 'c']) client.send('SEND', { destination }, body)
    const messages = await client.messages(3)
    await client.confirm('ACK', { id: messages[1]?.headers.ack ?? '' })
    expect(heard.of('acknowledge').map(({ message }) => message.text())).toEqual(['a', 'b'])
  })

  test('tell of what the host itself settled, with no session', async ({ open, queue, until }) => {
    const broker = await open()
    const heard = new Heard(broker)
    const destination = queue('own')
    broker.subscribe(destination, { ack: 'client' }, (delivery) =>
      delivery.redelivered ? delivery.ack() : delivery.nack(),
    )
    broker.publish(destination, 'x')
    await until(() => heard.names.length === 2)
    expect(heard.names).toEqual(['nack', 'acknowledge'])
    for (const event of ['nack', 'acknowledge'] as const) {
      expect(heard.of(event)[0]).toMatchObject({ session: undefined })
      expect(heard.of(event)[0]?.message.text()).toBe('x')
    }
    expect(broker.stats()).toMatchObject({ messages: 0, unacknowledged: 0 })
  })

  test('tell of a message that its queue gave up, why, and where it went', async (env) => {
    const rules = [
      { match: '/queue/overflow', maxMessages: 1, whenFull: 'drop-oldest', deadLetter: '/queue/spill' },
      { match: '/queue/expired', expiryMs: 1_000 },
      { match: '/queue/expired-kept', expiryMs: 2_000, deadLetterExpired: true },
      { match: '/queue/tried', maxDeliveries: 1, deadLetter: false },
      { match: '/queue/rejected', onNack: 'dead-letter' },
    ] as const
    const broker = await env.open({ destinations: rules })
    const heard = new Heard(broker)
    const seen = statsAt(broker, 'dead-letter')
    for (const body of ['first', 'second']) broker.publish('/queue/overflow', body)
    for (const name of ['expired', 'expired-kept', 'tried', 'rejected']) broker.publish(`/queue/${name}`, name)
    await env.clock.advance(3_500)
    for (const name of ['tried', 'rejected']) {
      broker.subscribe(`/queue/${name}`, { ack: 'client' }, (delivery) => delivery.nack())
      await env.until(() => heard.of('nack').length > 0)
    }
    await env.until(() => heard.of('dead-letter').length === 5)
    expect(heard.of('dead-letter').map(({ message, ...rest }) => ({ of: message.text(), ...rest }))).toEqual([
      { of: 'first', reason: 'overflow', movedTo: '/queue/spill' },
      { of: 'expired', reason: 'expired', movedTo: undefined },
      { of: 'expired-kept', reason: 'expired', movedTo: '/queue/dead-letter' },
      { of: 'tried', reason: 'max-deliveries', movedTo: undefined },
      { of: 'rejected', reason: 'rejected', movedTo: '/queue/dead-letter' },
    ])
    // Each is told when the message is where it is said to be, and nowhere else: the first makes room for one more.
    expect(seen.map(({ messages }) => messages)).toEqual([2, 5, 5, 4, 4])
    expect(heard.of('dead-letter')[0]?.message.destination).toBe('/queue/overflow')
  })

  test('tell of a subscription that is too slow, once each time that it falls behind', async ({
    open,
    connect,
    topic,
    until,
  }) => {
    const destination = topic('fast')
    const broker = await open({
      limits: { unsentBytes: 1_000 },
      destinations: [{ match: destination, whenSlow: 'drop-oldest', backlogBytes: 3_000 }],
    })
    const heard = new Heard(broker)
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: 'slow', destination, ack: 'client', 'prefetch-count': '1' })
    const { bytes } = broker.stats()
    for (let behind = 1; behind <= 2; behind++) {
      for (let sent = 0; sent < 20; sent++) broker.publish(destination, 'x'.repeat(500))
      expect(heard.of('slow-consumer')).toEqual(
        new Array(behind).fill({
          session: expect.objectContaining({ version: '1.2' }),
          subscription: { id: 'slow', destination, ackMode: 'client' },
        }),
      )
      while (broker.stats().bytes > bytes) {
        const { headers } = await client.frame('MESSAGE')
        await client.confirm('ACK', { id: headers.ack ?? '' })
      }
    }
    await until(() => broker.stats().unacknowledged === 0)
    expect(heard.of('disconnect')).toEqual([])
  })

  test('tell of what the host published in vain, with the code', async ({ open }) => {
    const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 1 }] })
    const heard = new Heard(broker)
    for (const body of ['one', 'two']) broker.publish('/queue/full', body, { headers: { colour: 'blue' } })
    broker.publish('/user/me', 'three')
    const refused = heard.of('refuse')
    expect(refused.map(({ message, error }) => [message.text(), error])).toEqual([
      ['two', expect.objectContaining({ name: 'StompError', code: 'queue-full' })],
      ['three', expect.objectContaining({ name: 'ProtocolError', code: 'destination-reserved' })],
    ])
    expect(refused[0]?.message.headers.get('colour')).toBe('blue')
    expect(heard.names).toEqual(['refuse', 'refuse'])
  })

  test('come to every listener in turn, until it listens no more', async ({ open }) => {
    const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 0 }] })
    const told: string[] = []
    const first = () => told.push('first')
    const second = () => told.push('second')
    expect(broker.on('refuse', first).on('refuse', second)).toBe(broker)
    broker.publish('/queue/full', 'x')
    expect(broker.off('refuse', first)).toBe(broker)
    broker.publish('/queue/full', 'x')
    expect(told).toEqual(['first', 'second', 'second'])
  })

  test('can be heard through a name that a listener of its own adds or removes', async ({ open }) => {
    const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 0 }] })
    const told: string[] = []
    const once = () => {
      told.push('once')
      broker.off('refuse', once)
      broker.on('refuse', () => told.push('later'))
    }
    broker.on('refuse', once)
    broker.publish('/queue/full', 'x')
    broker.publish('/queue/full', 'x')
    expect(told).toEqual(['once', 'later'])
  })
})

/** A way for a session to end, once it is CONNECTED: what is done, and the code in `disconnect`. */
interface End {
  readonly code: string
  readonly connect?: Readonly<Record<string, string>>
  run(env: Env, client: WireClient): unknown
}

const ends: { readonly [How: string]: End } = {
  'a DISCONNECT': { code: 'disconnect', run: (_, client) => client.disconnect() },
  'the end of its input': { code: 'peer-closed', run: (_, client) => client.end() },
  'a broken connection': { code: 'peer-lost', run: (_, client) => client.abort() },
  'a frame that is none': { code: 'bad-command', run: (_, client) => client.write('HELLO\n\n\0') },
  'an ACK of nothing': { code: 'ack-unknown', run: (_, client) => client.send('ACK', { id: '99' }) },
  'a refused SEND': { code: 'queue-full', run: (_, client) => client.send('SEND', { destination: '/queue/full' }) },
  'a hook': { code: 'my-own', run: (_, client) => client.send('SEND', { destination: '/topic/forbidden' }) },
  'a missed heart-beat': {
    code: 'heart-beat-missed',
    connect: { 'heart-beat': '1000,0' },
    run: ({ clock }) => clock.advance(25_000),
  },
  'a peer that takes nothing': {
    code: 'stalled',
    run: async ({ broker, clock }, client) => {
      await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/large' })
      client.pause()
      broker.publish('/topic/large', new Uint8Array(100_000))
      await clock.advance(31_000)
    },
  },
  'a full backlog': {
    code: 'slow-consumer',
    run: async ({ broker }, client) => {
      await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/large' })
      client.pause()
      for (let sent = 0; sent < 4; sent++) {
        broker.publish('/topic/large', new Uint8Array(100_000))
        await turn()
      }
      client.resume()
    },
  },
  'the end of the broker': { code: 'broker-closing', run: ({ broker }) => broker.close() },
}

overMemory('the event disconnect', (test) => {
  for (const [how, { code, connect: headers = {}, run }] of Object.entries(ends)) {
    test(`names ${code} after ${how}, once, when nothing is left of the session`, async (env) => {
      const { Refusal } = await import('@xtomp/core')
      const broker = await env.open({
        destinations: [
          { match: '/queue/full', maxMessages: 0 },
          { match: '/topic/large', backlogBytes: 1_000 },
        ],
        hooks: {
          authorize: ({ destination }) => {
            if (destination === '/topic/forbidden') throw new Refusal('my-own', 'keep off')
            return true
          },
        },
      })
      const heard = new Heard(broker)
      const seen = statsAt(broker, 'disconnect')
      const destination = env.queue('held')
      broker.publish(destination, 'held')
      const client = await env.connect(headers)
      await client.confirm('SUBSCRIBE', { id: 'held', destination, ack: 'client' })
      await client.confirm('BEGIN', { transaction: 't' })
      await client.frame('MESSAGE')
      await run(env, client)
      await env.until(() => client.isClosed)
      expect(heard.of('disconnect').map(({ reason }) => reason)).toEqual([
        { code, message: expect.stringMatching(/./) },
      ])
      expect(seen).toMatchObject([{ subscriptions: 0, unacknowledged: 0, messages: 1 }])
      expect(heard.of('error')).toEqual([])
    })
  }
})

overMemory('a listener that fails', (test) => {
  test('harms neither the other listeners nor anybody else, and is told through error and the log', async ({
    open,
    connect,
    topic,
    faults,
  }) => {
    const broker = await open()
    const failure = new Error('no disk')
    const names = ['connect', 'subscribe', 'send', 'acknowledge', 'unsubscribe', 'disconnect'] as const
    for (const name of names) {
      broker.on(name, () => {
        throw failure
      })
    }
    const heard = new Heard(broker)
    const client = await connect()
    const destination = topic('a')
    await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client' })
    await client.confirm('SEND', { destination }, 'x')
    await client.confirm('ACK', { id: (await client.frame('MESSAGE')).headers.ack ?? '' })
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    await client.disconnect()
    expect(heard.names).toEqual(names.flatMap((name) => ['error', name]))
    expect(heard.of('error')).toEqual(names.map((name) => ({ error: failure, during: `listener of ${name}` })))
    expect(faults.splice(0)).toEqual(names.map(() => failure))
  })

  test('is told of when it fails later, too', async ({ open, until, faults }) => {
    const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 0 }] })
    const heard = new Heard(broker)
    const failure = new Error('no disk')
    broker.on('refuse', async () => {
      await turn()
      throw failure
    })
    broker.publish('/queue/full', 'x')
    await until(() => heard.names.length === 2)
    expect(heard.of('error')).toEqual([{ error: failure, during: 'listener of refuse' }])
    expect(faults.splice(0)).toEqual([failure])
  })

  test('of error itself is written to the log and told to nobody', async ({ open, faults }) => {
    const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 0 }] })
    broker.on('refuse', () => {
      throw new Error('first')
    })
    let told = 0
    broker.on('error', () => {
      told++
      throw new Error('second')
    })
    broker.on('error', async () => {
      await turn()
      throw new Error('third')
    })
    broker.publish('/queue/full', 'x')
    await turn()
    await turn()
    expect(told).toBe(1)
    expect(faults.splice(0).map(String)).toEqual(['Error: first', 'Error: second', 'Error: third'])
  })
})

overMemory('a fault of the host', (test) => {
  test('goes to the log where nobody listens to error', async ({ open, queue, until, faults }) => {
    const broker = await open()
    const destination = queue('own')
    broker.subscribe(destination, {}, () => {
      throw new Error('unheard')
    })
    broker.publish(destination, 'x')
    await until(() => faults.length > 0)
    expect(faults.splice(0).map(String)).toEqual(['Error: unheard'])
  })

  test('is a store that refuses a batch, which is told once', async ({ open, connect, queue, faults }) => {
    const failure = new Error('disk full')
    const broker = await open({ store: { apply: () => Promise.reject(failure), async *recover() {} } })
    const heard = new Heard(broker)
    const client = await connect()
    client.send('SEND', { destination: queue('kept') }, 'x')
    await client.error('store-failed')
    expect(heard.of('error')).toEqual([{ error: failure, during: 'store' }])
    expect(faults.splice(0)).toEqual([failure])
  })

  test('is a store that cannot be read, whether or not a session comes', async (env) => {
    const failure = new Error('no such table')
    const opening = env.open({
      store: {
        apply: () => undefined,
        async *recover() {
          yield []
          throw failure
        },
      },
    })
    // Whoever listens as soon as he has the broker misses nothing.
    const heard = new Heard(env.broker)
    await opening
    await env.until(() => env.faults.length > 0)
    expect(heard.of('error')).toEqual([{ error: failure, during: 'recovery from the store' }])
    expect(env.faults.splice(0)).toEqual([failure])
    const late = await env.client()
    late.send('CONNECT', { 'accept-version': '1.2', host: 'a' })
    const error = await late.error('store-failed')
    expect(error.text).not.toContain('table')
  })

  test('is no negative acknowledgement, of a session or of the host', async (env) => {
    const broker = await env.open()
    const heard = new Heard(broker)
    const { client, id } = await holding(env)
    await client.confirm('NACK', { id, requeue: 'false' })
    const given: HostDelivery[] = []
    broker.subscribe('/queue/dead-letter', { ack: 'client' }, (delivery) => given.push(delivery))
    await env.until(() => given.length === 1)
    given[0]?.nack({ requeue: false })
    // A second word about what is settled is harmless, and no news.
    given[0]?.nack()
    given[0]?.ack()
    expect(heard.names).toEqual(['connect', 'send', 'subscribe', 'dead-letter', 'nack', 'dead-letter', 'nack'])
  })
})
