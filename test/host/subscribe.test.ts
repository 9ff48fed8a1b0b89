/** Subscriptions of the host itself: by a callback and by iterating, how they end, and what they give back. */

import type { Broker, HostDelivery, HostSubscribeOptions, HostSubscription } from '@xtomp/core'
import { expect } from 'vitest'
import { FaultyStore } from '../support/faulty-store.js'
import { later } from '../support/later.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'

const QUEUE = '/queue/host'

/** Publishes each body. */
function publishAll(broker: Broker, bodies: readonly string[], destination = QUEUE): void {
  for (const body of bodies) broker.publish(destination, body)
}

function textOf({ message, redelivered }: HostDelivery): string {
  return redelivered ? `${message.text()}+` : message.text()
}

/** What is left in the queue, as the next consumer gets it. */
async function left({ broker }: Env, destination = QUEUE): Promise<string[]> {
  const texts: string[] = []
  const subscription = broker.subscribe(destination, { ack: 'client' }, (delivery) => texts.push(textOf(delivery)))
  await turn()
  await turn()
  subscription.unsubscribe()
  return texts
}

/** So many deliveries of an iterator. */
async function take(iterator: AsyncIterator<HostDelivery>, count: number): Promise<HostDelivery[]> {
  const taken: HostDelivery[] = []
  while (taken.length < count) {
    const { done, value } = await iterator.next()
    if (done === true) break
    taken.push(value)
  }
  return taken
}

overMemory('a subscription of the host', (test) => {
  test('is active when subscribe returns, before anybody listens or iterates', async ({ open, until }) => {
    const broker = await open()
    const heard: string[] = []
    broker.subscribe('/topic/now', {}, (delivery) => heard.push(textOf(delivery)))
    const iterated = broker.subscribe('/topic/now')
    expect(broker.stats()).toMatchObject({ subscriptions: 2, destinations: 1 })
    broker.publish('/topic/now', 'a')
    // Never within the call: whoever publishes is not called back.
    expect(heard).toEqual([])
    await until(() => heard.length === 1)
    expect((await take(iterated[Symbol.asyncIterator](), 1)).map(textOf)).toEqual(['a'])
  })

  test('gets a queue’s and a topic’s messages in order, by callback and by iterating', async ({ open, until }) => {
    const broker = await open()
    const bodies = Array.from({ length: 3_000 }, (_, at) => String(at))
    for (const destination of [QUEUE, '/topic/host', '/topic/h*']) {
      const name = destination === '/topic/h*' ? '/topic/host' : destination
      const pattern = destination === '/topic/h*' ? '/topic/*' : destination
      const heard: string[] = []
      const called = broker.subscribe(pattern, {}, (delivery) => heard.push(textOf(delivery)))
      publishAll(broker, bodies, name)
      await until(() => heard.length === bodies.length)
      expect(heard).toEqual(bodies)
      called.unsubscribe()
      const iterated: string[] = []
      const subscription = broker.subscribe(pattern)
      publishAll(broker, bodies, name)
      for await (const delivery of subscription) {
        iterated.push(textOf(delivery))
        if (iterated.length === bodies.length) break
      }
      expect(iterated).toEqual(bodies)
    }
  })

  test('settles with auto by itself; a word about it is harmless', async (env) => {
    const broker = await env.open()
    const given: HostDelivery[] = []
    broker.subscribe(QUEUE, {}, (delivery) => given.push(delivery))
    publishAll(broker, ['a', 'b'])
    await env.until(() => given.length === 2)
    expect(broker.stats()).toMatchObject({ messages: 0, unacknowledged: 0 })
    given[0]?.ack()
    given[1]?.nack()
    await turn()
    expect(given).toHaveLength(2)
  })

  test('acknowledges with client all before it, with client-individual one', async (env) => {
    const broker = await env.open()
    for (const [ack, rest] of [
      ['client', ['d+', 'e+']],
      ['client-individual', ['a+', 'b+', 'd+', 'e+']],
    ] as const) {
      const given: HostDelivery[] = []
      const subscription = broker.subscribe(QUEUE, { ack }, (delivery) => given.push(delivery))
      publishAll(broker, ['a', 'b', 'c', 'd', 'e'])
      await env.until(() => given.length === 5)
      expect(broker.stats()).toMatchObject({ unacknowledged: 5 })
      given[2]?.ack()
      // What is settled is settled: neither a second word nor the other one changes it.
      given[2]?.nack()
      given[2]?.ack()
      expect(broker.stats()).toMatchObject({ unacknowledged: rest.length, messages: rest.length })
      subscription.unsubscribe()
      expect(await left(env)).toEqual(rest)
      const sweep = broker.subscribe(QUEUE)
      await turn()
      sweep.unsubscribe()
    }
  })

  test('gets again what it does not acknowledge, and gives up what it says to', async (env) => {
    const broker = await env.open()
    const got: string[] = []
    broker.subscribe(QUEUE, { ack: 'client-individual' }, (delivery) => {
      got.push(textOf(delivery))
      if (delivery.message.text() === 'bad') delivery.nack({ requeue: false })
      else if (delivery.redelivered) delivery.ack()
      else delivery.nack()
    })
    publishAll(broker, ['a', 'bad'])
    await env.until(() => got.length === 3)
    expect(got).toEqual(['a', 'bad', 'a+'])
    expect(await left(env, '/queue/dead-letter')).toEqual(['bad'])
  })

  test('holds no more unacknowledged than its prefetch says', async (env) => {
    const broker = await env.open()
    publishAll(broker, ['a', 'b', 'c', 'd'])
    const given: HostDelivery[] = []
    broker.subscribe(QUEUE, { ack: 'client', prefetch: 2 }, (delivery) => given.push(delivery))
    await turn()
    await turn()
    expect(given.map(textOf)).toEqual(['a', 'b'])
    given[0]?.ack()
    await env.until(() => given.length === 3)
    given[2]?.ack()
    await env.until(() => given.length === 4)
    expect(broker.stats()).toMatchObject({ unacknowledged: 1 })
  })

  const ways: Readonly<
    Record<string, (subscription: HostSubscription, got: string[], abort: AbortController) => Promise<void>>
  > = {
    'break in the loop': async (subscription, got) => {
      for await (const delivery of subscription) {
        got.push(textOf(delivery))
        if (got.length === 2) break
      }
    },
    'throw in the loop': async (subscription, got) => {
      const loop = async () => {
        for await (const delivery of subscription) {
          got.push(textOf(delivery))
          if (got.length === 2) throw new Error('out')
        }
      }
      await expect(loop()).rejects.toThrow('out')
    },
    'return in the loop': async (subscription, got) => {
      const loop = async () => {
        for await (const delivery of subscription) {
          got.push(textOf(delivery))
          if (got.length === 2) return 'out'
        }
        return 'never'
      }
      expect(await loop()).toBe('out')
    },
    'the signal': async (subscription, got, abort) => {
      for await (const delivery of subscription) {
        got.push(textOf(delivery))
        if (got.length === 2) abort.abort()
      }
    },
    unsubscribe: async (subscription, got) => {
      for await (const delivery of subscription) {
        got.push(textOf(delivery))
        if (got.length === 2) subscription.unsubscribe()
      }
    },
    'unsubscribe from outside, while the loop waits': async (subscription, got) => {
      const looping = (async () => {
        for await (const delivery of subscription) got.push(textOf(delivery))
      })()
      for (let turns = 0; turns < 3; turns++) await turn()
      got.splice(2)
      subscription.unsubscribe()
      await looping
    },
  }

  for (const [way, leave] of Object.entries(ways)) {
    test(`is ended by ${way}, and gives back what is unacknowledged, in order`, async (env) => {
      const broker = await env.open()
      publishAll(broker, ['a', 'b', 'c', 'd'])
      const abort = new AbortController()
      const got: string[] = []
      const subscription = broker.subscribe(QUEUE, { ack: 'client', signal: abort.signal })
      await leave(subscription, got, abort)
      expect(got).toEqual(['a', 'b'])
      expect(broker.stats()).toMatchObject({ subscriptions: 0, unacknowledged: 0, messages: 4 })
      // It stays ended, however often it is said.
      abort.abort()
      subscription.unsubscribe()
      expect(await subscription[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
      broker.publish(QUEUE, 'e')
      expect(await left(env)).toEqual(['a+', 'b+', 'c+', 'd+', 'e'])
      expect(got).toHaveLength(2)
    })
  }

  test('is ended from within its own callback, which hears nothing more', async (env) => {
    const broker = await env.open()
    publishAll(broker, ['a', 'b', 'c'])
    const got: string[] = []
    const subscription = broker.subscribe(QUEUE, { ack: 'client' }, (delivery) => {
      got.push(textOf(delivery))
      delivery.ack()
      subscription.unsubscribe()
      // Too late, and harmless.
      delivery.nack()
    })
    await env.until(() => got.length === 1)
    expect(await left(env)).toEqual(['b+', 'c+'])
    expect(got).toEqual(['a'])
  })

  test('takes nothing where its signal was aborted before', async (env) => {
    const broker = await env.open()
    publishAll(broker, ['a', 'b'])
    const got: string[] = []
    for (const destination of [QUEUE, '/topic/a', '/topic/*']) {
      const options = { signal: AbortSignal.abort() }
      broker.subscribe(destination, options, (delivery) => got.push(textOf(delivery)))
      const looped = broker.subscribe(destination, options)
      for await (const delivery of looped) got.push(textOf(delivery))
    }
    publishAll(broker, ['x'], '/topic/a')
    await turn()
    expect(got).toEqual([])
    expect(broker.stats()).toMatchObject({ subscriptions: 0, messages: 2, destinations: 1 })
    expect(await left(env)).toEqual(['a', 'b'])
  })

  test('leaves a signal that outlives it alone', async (env) => {
    const broker = await env.open()
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => {
        listeners++
        add(...args)
      },
      removeEventListener: (...args: Parameters<typeof remove>) => {
        listeners--
        remove(...args)
      },
    })
    for (let times = 0; times < 3; times++) broker.subscribe(QUEUE, { signal }).unsubscribe()
    expect(listeners).toBe(0)
  })

  test('has a bounded backlog: what nobody takes stays in the queue', async (env) => {
    const broker = await env.open()
    const COUNT = 5_000
    publishAll(
      broker,
      Array.from({ length: COUNT }, (_, at) => String(at)),
    )
    const auto = broker.subscribe(QUEUE)
    await turn()
    const waiting = COUNT - broker.stats().messages
    expect(waiting).toBeGreaterThan(0)
    expect(waiting).toBeLessThanOrEqual(1_024)
    // Taking them makes room for more, to the last.
    const got = await take(auto[Symbol.asyncIterator](), COUNT)
    expect(got.map(textOf)).toEqual(got.map((_, at) => String(at)))
    expect(broker.stats().messages).toBe(0)
  })

  test('has a bounded backlog in octets, too', async (env) => {
    const broker = await env.open()
    publishAll(
      broker,
      Array.from({ length: 40 }, () => 'x'.repeat(100_000)),
    )
    const subscription = broker.subscribe(QUEUE)
    expect(broker.stats().messages).toBeGreaterThan(25)
    subscription.unsubscribe()
  })

  test('takes a listener with options or without', async (env) => {
    const broker = await env.open()
    const got: string[] = []
    broker.subscribe(QUEUE, (delivery) => got.push(textOf(delivery)))
    broker.subscribe('/topic/a', { ack: 'client' }, (delivery) => got.push(textOf(delivery)))
    broker.publish(QUEUE, 'a')
    await env.until(() => got.length === 1)
    broker.publish('/topic/a', 'b')
    await env.until(() => got.length === 2)
    expect(got).toEqual(['a', 'b'])
  })

  test('has an id of its own, by which it is told of', async (env) => {
    const broker = await env.open({
      destinations: [{ match: '/topic/fast', backlogBytes: 1, whenSlow: 'drop-newest' }],
    })
    const slow: string[] = []
    broker.on('slow-consumer', ({ session, subscription }) => slow.push(`${session?.id} ${subscription.id}`))
    for (let one = 0; one < 2; one++) broker.subscribe('/topic/fast')
    for (let sent = 0; sent < 3_000; sent++) broker.publish('/topic/fast', 'x'.repeat(1_000))
    expect(slow).toEqual(['undefined host-1', 'undefined host-2'])
  })

  test('is cut off by a topic that it is too slow for, which its loop is told once', async (env) => {
    const broker = await env.open({ destinations: [{ match: '/topic/fast', backlogBytes: 100_000 }] })
    const slow: string[] = []
    broker.on('slow-consumer', ({ subscription }) => slow.push(subscription.destination))
    const subscription = broker.subscribe('/topic/fast')
    for (let sent = 0; sent < 2_000; sent++) broker.publish('/topic/fast', 'x'.repeat(1_000))
    expect(slow).toEqual(['/topic/fast'])
    expect(broker.stats()).toMatchObject({ subscriptions: 0, bytes: 0 })
    const iterator = subscription[Symbol.asyncIterator]()
    await expect(iterator.next()).rejects.toMatchObject({ code: 'slow-consumer' })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test('goes on after a callback that throws or rejects, which its host is told of', async (env) => {
    const broker = await env.open()
    const got: string[] = []
    const told: string[] = []
    broker.on('error', ({ during, error }) => told.push(`${during}: ${String(error)}`))
    broker.subscribe(QUEUE, {}, (delivery) => {
      got.push(textOf(delivery))
      if (got.length === 1) throw new Error('thrown')
      return got.length === 2 ? Promise.reject(new Error('rejected')) : undefined
    })
    publishAll(broker, ['a', 'b', 'c'])
    await env.until(() => told.length === 2)
    expect(got).toEqual(['a', 'b', 'c'])
    expect(told).toEqual([`subscriber of ${QUEUE}: Error: thrown`, `subscriber of ${QUEUE}: Error: rejected`])
    expect(env.faults.splice(0).map(String)).toEqual(['Error: thrown', 'Error: rejected'])
  })

  test('gives each delivery to one of two iterators, and ends both when one is left', async (env) => {
    const broker = await env.open()
    const subscription = broker.subscribe(QUEUE)
    const [one, other] = [subscription[Symbol.asyncIterator](), subscription[Symbol.asyncIterator]()]
    const asked = [one.next(), other.next(), one.next()]
    publishAll(broker, ['a', 'b', 'c'])
    const got = await Promise.all(asked)
    expect(got.map(({ value }) => textOf(value))).toEqual(['a', 'b', 'c'])
    const pending = other.next()
    await one.return?.()
    expect(await pending).toEqual({ done: true, value: undefined })
    expect(await other.next()).toEqual({ done: true, value: undefined })
  })

  test('may publish to its own destination from where it takes', async (env) => {
    const broker = await env.open()
    const got: string[] = []
    const publishing = broker.subscribe(QUEUE)
    broker.publish(QUEUE, '0')
    for await (const { message } of publishing) {
      got.push(message.text())
      if (got.length === 100) break
      broker.publish(QUEUE, String(got.length))
    }
    expect(got).toEqual(Array.from({ length: 100 }, (_, at) => String(at)))
  })

  test('takes turns with sessions for one queue, and gives way where it has no room', async (env) => {
    const broker = await env.open()
    const clients = [await env.connect(), await env.connect()]
    for (const client of clients)
      await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client-individual' })
    const given: HostDelivery[] = []
    broker.subscribe(QUEUE, { ack: 'client', prefetch: 2 }, (delivery) => given.push(delivery))
    publishAll(
      broker,
      Array.from({ length: 12 }, (_, at) => String(at)),
    )
    await env.until(() => broker.stats().unacknowledged === 12)
    await turn()
    expect(given.map(textOf)).toEqual(['2', '5'])
    const [first, second] = await Promise.all(clients.map((client) => client.messages(5)))
    expect(first?.map(({ text }) => text)).toEqual(['0', '3', '6', '8', '10'])
    expect(second?.map(({ text }) => text)).toEqual(['1', '4', '7', '9', '11'])
  })

  test('hands its own unacknowledged messages to a session, and the other way round', async (env) => {
    const broker = await env.open()
    publishAll(broker, ['a', 'b'])
    const given: HostDelivery[] = []
    const subscription = broker.subscribe(QUEUE, { ack: 'client' }, (delivery) => given.push(delivery))
    await env.until(() => given.length === 2)
    const client = await env.connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client' })
    subscription.unsubscribe()
    expect((await client.messages(2)).map(({ text }) => text)).toEqual(['a', 'b'])
    client.abort()
    await env.until(() => client.isClosed)
    expect(await left(env)).toEqual(['a+', 'b+'])
  })

  test('tells of an acknowledgement once it is stored', async (env) => {
    const store = new FaultyStore()
    const broker = await env.open({ store })
    const told: string[] = []
    broker.on('acknowledge', ({ message }) => told.push(message.text()))
    await broker.publishConfirmed(QUEUE, 'a')
    const given = later<HostDelivery>()
    broker.subscribe(QUEUE, { ack: 'client' }, (delivery) => given.resolve(delivery))
    const delivery = await given.promise
    store.fate = 'later'
    delivery.ack()
    await turn()
    expect(told).toEqual([])
    store.answers[0]?.resolve()
    await env.until(() => told.length === 1)
  })

  test('refuses with a code a destination that no session may subscribe to, and leaves nothing', async ({ open }) => {
    const broker = await open({ limits: { destinations: 1, destinationLength: 20 } })
    const refused: readonly [string, string][] = [
      ['/queue/*', 'pattern-refused'],
      ['/temp-queue/a', 'destination-reserved'],
      [`/topic/${'a'.repeat(20)}`, 'destination-too-long'],
    ]
    for (const [destination, code] of refused)
      expect(() => broker.subscribe(destination)).toThrow(expect.objectContaining({ name: 'ProtocolError', code }))
    const only = broker.subscribe('/topic/one')
    expect(() => broker.subscribe('/topic/two')).toThrow(expect.objectContaining({ code: 'destinations-too-many' }))
    expect(broker.stats()).toMatchObject({ subscriptions: 1, destinations: 1 })
    only.unsubscribe()
    broker.subscribe('/topic/two')
  })

  test('throws a TypeError at what is no option, naming it, what was given and what is allowed', async ({ open }) => {
    const broker = await open({ hosts: ['a'] })
    const wrong: readonly [unknown, unknown, readonly string[]][] = [
      [{ ack: 'manual' }, undefined, ['ack', 'manual', 'client-individual']],
      [{ ack: null }, undefined, ['ack', 'null', 'auto']],
      [{ prefetch: 0 }, undefined, ['prefetch', '0', '1 or more']],
      [{ prefetch: Number.NaN }, undefined, ['prefetch', 'NaN', '1 or more']],
      [{ prefetch: '5' }, undefined, ['prefetch', '5', 'number']],
      [{ host: 'b' }, undefined, ['host', 'b', 'a']],
      [{ signal: 'now' }, undefined, ['signal', 'now', 'AbortSignal']],
      [{ ackMode: 'client' }, undefined, ['ackMode', 'ack, prefetch, host, signal']],
      [{}, 'a listener', ['listener', 'a listener', 'function']],
    ]
    for (const [options, listener, says] of wrong) {
      const subscribe = () => broker.subscribe(QUEUE, options as HostSubscribeOptions, listener as () => void)
      expect(subscribe).toThrow(TypeError)
      for (const part of says) expect(subscribe).toThrow(part)
    }
    for (const destination of ['', 5, undefined]) {
      const subscribe = () => broker.subscribe(destination as string)
      expect(subscribe).toThrow(TypeError)
      expect(subscribe).toThrow('destination')
    }
    expect(broker.stats()).toMatchObject({ subscriptions: 0, destinations: 0 })
    // `undefined` is the default, as leaving the option out is.
    const unset = { ack: undefined, prefetch: undefined, host: undefined, signal: undefined }
    broker.subscribe(QUEUE, unset as unknown as HostSubscribeOptions).unsubscribe()
  })

  test('is ended by the end of the broker; after it there is none', async ({ open }) => {
    const broker = await open()
    const subscription = broker.subscribe(QUEUE)
    const waiting = subscription[Symbol.asyncIterator]().next()
    const closed = broker.close()
    expect(() => broker.subscribe(QUEUE)).toThrow(expect.objectContaining({ code: 'broker-closing' }))
    expect(await waiting).toEqual({ done: true, value: undefined })
    await closed
    expect(() => broker.subscribe(QUEUE, {}, () => undefined)).toThrow(
      expect.objectContaining({ code: 'broker-closing' }),
    )
  })
})
