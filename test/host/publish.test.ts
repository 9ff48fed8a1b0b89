/** Publishing by the host itself: to whom it goes, what is told of it, and that it may be done from anywhere. */

import type { Broker, BrokerEvents, Store } from '@xtomp/core'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { later } from '../support/later.js'
import { type Env, overMemory } from '../support/suite.js'
import { lateStore, turn } from '../support/variants.js'

/** What a subscriber of the host got, as text. */
function textsOf(broker: Broker, destination: string): string[] {
  const texts: string[] = []
  broker.subscribe(destination, {}, ({ message }) => texts.push(message.text()))
  return texts
}

overMemory('publish', (test) => {
  test('delivers to topics and queues, to sessions and to the host', async ({ open, connect, topic, queue, until }) => {
    const broker = await open()
    for (const destination of [topic('a'), queue('a')]) {
      const client = await connect()
      await client.confirm('SUBSCRIBE', { id: '0', destination })
      broker.publish(destination, 'grüße')
      const message = await client.frame('MESSAGE', { destination, 'content-length': '7' })
      expect(message.text).toBe('grüße')
      await client.disconnect()
    }
    const destination = topic('own')
    const texts = textsOf(broker, destination)
    broker.publish(destination, 'own')
    await until(() => texts.length === 1)
    expect(texts).toEqual(['own'])
  })

  test('gives nothing back, and keeps what is published to a queue until somebody comes', async ({ open, connect }) => {
    const broker = await open()
    expect(broker.publish('/queue/kept', 'x')).toBeUndefined()
    expect(broker.stats()).toMatchObject({ destinations: 1, messages: 1 })
    expect(broker.publish('/topic/gone', 'x')).toBeUndefined()
    expect(broker.stats()).toMatchObject({ destinations: 1, messages: 1 })
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/kept' })
    await client.frame('MESSAGE')
  })

  test('sends headers given as an object or as pairs, without those that are the broker’s own', async ({
    open,
    connect,
    topic,
  }) => {
    const broker = await open()
    const destination = topic('headers')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    const owned = { destination: '/topic/other', 'message-id': 'mine', subscription: '9', ack: '1', receipt: 'r' }
    broker.publish(destination, 'x', { headers: { size: 3, last: true, text: 'a:b\nc', ...owned } })
    const { headers } = await client.frame('MESSAGE', { size: '3', last: 'true', text: 'a:b\nc', destination })
    expect(headers).not.toHaveProperty('ack')
    expect(headers).not.toHaveProperty('receipt')
    expect(headers['message-id']).not.toBe('mine')
    broker.publish(destination, 'x', {
      headers: [
        ['k', '1'],
        ['k', '2'],
      ],
    })
    expect((await client.frame('MESSAGE')).lines.filter((line) => line.startsWith('k:'))).toEqual(['k:1', 'k:2'])
  })

  test('copies the body, whatever its size', async ({ open, connect, topic, queue }) => {
    const broker = await open()
    const client = await connect()
    for (const destination of [topic('copied'), queue('copied')]) {
      await client.confirm('SUBSCRIBE', { id: destination, destination })
      for (const size of [10, 100_000]) {
        const body = new Uint8Array(size + 2).fill(1).subarray(1, size + 1)
        broker.publish(destination, body)
        body.fill(2)
        const message = await client.frame('MESSAGE')
        expect(message.body).toHaveLength(size)
        expect(message.body.every((octet) => octet === 1)).toBe(true)
      }
    }
  })

  test('takes octets that are no text, and no octets at all', async ({ open, until }) => {
    const broker = await open()
    const bodies: Uint8Array[] = []
    broker.subscribe('/topic/octets', {}, ({ message }) => bodies.push(message.body))
    const published = [new Uint8Array([0, 255, 128, 10]), new Uint8Array(), Buffer.from([7])]
    for (const body of published) broker.publish('/topic/octets', body)
    broker.publish('/topic/octets', '')
    await until(() => bodies.length === 4)
    expect(bodies.map((body) => [...body])).toEqual([[0, 255, 128, 10], [], [7], []])
  })

  test('lets a message expire by its header', async ({ open, clock }) => {
    const broker = await open()
    broker.publish('/queue/short', 'x', { headers: { expires: clock.epoch() + 1_000 } })
    broker.publish('/queue/short', 'y', { headers: { expires: 0 } })
    await clock.advance(2_500)
    expect(broker.stats()).toMatchObject({ messages: 1, alarms: 0 })
  })

  test('publishes to the virtual host that is named, and to no other', async ({ open, until }) => {
    const broker = await open({ hosts: ['a', 'b'] })
    const got: string[] = []
    for (const host of ['a', 'b', undefined])
      broker.subscribe('/topic/x', host === undefined ? {} : { host }, () => got.push(host ?? 'default'))
    broker.publish('/topic/x', '', { host: 'b' })
    broker.publish('/topic/x', '')
    await until(() => got.length === 2)
    expect(got).toEqual(['b', 'default'])
  })

  test('keeps the newest of a queue that makes room by dropping, to the very last place', async ({ open, until }) => {
    const broker = await open({
      destinations: [
        { match: '/queue/one', maxMessages: 1, whenFull: 'drop-oldest', deadLetter: false },
        { match: '/queue/small', maxBytes: 600, whenFull: 'drop-oldest', deadLetter: false },
      ],
    })
    for (const destination of ['/queue/one', '/queue/small']) {
      for (const body of ['a', 'b', 'c', 'd']) {
        broker.publish(destination, body.repeat(200))
        expect(broker.stats().messages).toBe(1)
      }
      const texts = textsOf(broker, destination)
      await until(() => texts.length > 0)
      expect(texts).toEqual(['d'.repeat(200)])
      expect(broker.stats()).toMatchObject({ messages: 0, bytes: 0 })
    }
  })

  test('throws a TypeError at what is no destination, no body or no host, and publishes nothing', async ({ open }) => {
    const broker = await open({ hosts: ['a'] })
    const heard = new Heard(broker)
    for (const { wrong, says } of mistakes) {
      expect(() => wrong(broker.publish.bind(broker) as Publish), says.source).toThrow(TypeError)
      expect(() => wrong(broker.publish.bind(broker) as Publish)).toThrow(says)
    }
    expect(heard.names).toEqual([])
    expect(broker.stats()).toMatchObject({ destinations: 0, messages: 0, bytes: 0 })
  })
})

type Publish = (destination: unknown, body: unknown, options?: unknown) => unknown

/** The host's own mistakes. */
const mistakes: readonly { wrong(publish: Publish): unknown; says: RegExp }[] = [
  { wrong: (publish) => publish('', 'x'), says: /destination/ },
  { wrong: (publish) => publish(undefined, 'x'), says: /destination/ },
  { wrong: (publish) => publish(7, 'x'), says: /destination/ },
  { wrong: (publish) => publish('/queue/a\0b', 'x'), says: /NUL/ },
  { wrong: (publish) => publish('/queue/a', 'x', { headers: { q: 'x\0y' } }), says: /NUL; given one in q/ },
  { wrong: (publish) => publish('/queue/a', 'x', { headers: [['a\0b', 'y']] }), says: /NUL/ },
  { wrong: (publish) => publish('/queue/a', 'x', { headers: { '': 'y' } }), says: /name/ },
  { wrong: (publish) => publish('/queue/a', undefined), says: /body/ },
  { wrong: (publish) => publish('/queue/a', null), says: /body/ },
  { wrong: (publish) => publish('/queue/a', 7), says: /body/ },
  { wrong: (publish) => publish('/queue/a', { price: 1 }), says: /body/ },
  { wrong: (publish) => publish('/queue/a', [1, 2]), says: /body/ },
  { wrong: (publish) => publish('/queue/a', new ArrayBuffer(3)), says: /body/ },
  { wrong: (publish) => publish('/queue/a', new Uint16Array(3)), says: /body/ },
  { wrong: (publish) => publish('/queue/a', 'x', { host: 'b' }), says: /host b/ },
]

/** Why a message is refused: options, what leads there, the message, and the code. */
const refusals: readonly { readonly code: string; refused(env: Env): Promise<[Broker, string, string]> }[] = [
  {
    code: 'queue-full',
    refused: async ({ open }) => {
      const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 0 }] })
      return [broker, '/queue/full', 'x']
    },
  },
  { code: 'destination-reserved', refused: async ({ open }) => [await open(), '/temp-queue/x', 'x'] },
  { code: 'pattern-refused', refused: async ({ open }) => [await open(), '/topic/*', 'x'] },
  { code: 'destination-too-long', refused: async ({ open }) => [await open(), `/topic/${'x'.repeat(1_024)}`, 'x'] },
  {
    code: 'destinations-too-many',
    refused: async ({ open }) => {
      const broker = await open({ limits: { destinations: 1 } })
      broker.publish('/queue/a', 'x')
      return [broker, '/queue/b', 'x']
    },
  },
  {
    code: 'memory-full',
    refused: async ({ open }) => [await open({ limits: { totalBytes: 10_000 } }), '/queue/a', 'x'.repeat(10_000)],
  },
  {
    code: 'store-failed',
    refused: async ({ open }) => {
      const store: Store = { apply: () => Promise.reject(new Error('disk full')), async *recover() {} }
      return [await open({ store }), '/queue/a', 'x']
    },
  },
  {
    code: 'broker-closing',
    refused: async ({ open }) => {
      const broker = await open()
      await broker.close()
      return [broker, '/queue/a', 'x']
    },
  },
]

for (const { code, refused } of refusals) {
  overMemory(`a refusal with ${code}`, (test) => {
    test('is the event refuse of publish, once, and the rejection of publishConfirmed, with no event', async (env) => {
      const [broker, destination, body] = await refused(env)
      const heard = new Heard(broker)
      const before = broker.stats()
      broker.publish(destination, body, { headers: { colour: 'blue' } })
      await env.until(() => heard.of('refuse').length > 0)
      const [{ message, error }] = heard.of('refuse') as [BrokerEvents['refuse']]
      expect(error).toMatchObject({ code })
      expect(message.destination).toBe(destination)
      await expect(broker.publishConfirmed(destination, body)).rejects.toMatchObject({ code, message: error.message })
      expect(heard.names.filter((name) => name !== 'error')).toEqual(['refuse'])
      expect(broker.stats()).toEqual(before)
      if (code === 'store-failed') env.faults.splice(0)
    })
  })
}

overMemory('publishConfirmed', (test) => {
  test('resolves at once where nothing is stored', async ({ open }) => {
    const broker = await open()
    await expect(broker.publishConfirmed('/topic/nobody', 'x')).resolves.toBeUndefined()
    await expect(broker.publishConfirmed('/queue/a', new Uint8Array(3))).resolves.toBeUndefined()
    expect(broker.stats().messages).toBe(1)
  })

  test('resolves when the store has the message, and delivers it no sooner', async ({ open, connect, queue }) => {
    const stored = later()
    const store: Store = { apply: () => stored.promise, async *recover() {} }
    const broker = await open({ store })
    const destination = queue('stored')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client' })
    let isConfirmed = false
    const confirmed = broker.publishConfirmed(destination, 'x').then(() => {
      isConfirmed = true
    })
    await client.expectNothing()
    expect(isConfirmed).toBe(false)
    stored.resolve()
    await confirmed
    await client.frame('MESSAGE')
  })

  test('resolves in the order of the calls, and between the sessions’ SENDs', async ({ open, queue }) => {
    const answers: ((value: void) => void)[] = []
    const store: Store = {
      apply: () => new Promise((resolve) => answers.push(resolve)),
      async *recover() {},
    }
    const broker = await open({ store })
    const destination = queue('ordered')
    const confirmed: number[] = []
    const all = [1, 2, 3].map((number) =>
      broker.publishConfirmed(destination, String(number)).then(() => confirmed.push(number)),
    )
    await turn()
    for (const answer of answers.reverse()) {
      answer()
      await turn()
    }
    await Promise.all(all)
    expect(confirmed).toEqual([1, 2, 3])
  })

  test('waits for room where the queue holds its producers back, and until then for as long as it takes', async ({
    open,
    until,
  }) => {
    const broker = await open({ destinations: [{ match: '/queue/held', maxMessages: 1, whenFull: 'hold' }] })
    broker.publish('/queue/held', 'one')
    let isConfirmed = false
    const confirmed = broker.publishConfirmed('/queue/held', 'two').then(() => {
      isConfirmed = true
    })
    await turn()
    expect(isConfirmed).toBe(false)
    const texts = textsOf(broker, '/queue/held')
    await confirmed
    await until(() => texts.length === 2)
    expect(texts).toEqual(['one', 'two'])
  })

  test('rejects with a TypeError what publish would throw at', async ({ open }) => {
    const broker = await open({ hosts: ['a'] })
    for (const { wrong, says } of mistakes) {
      const answer = wrong(broker.publishConfirmed.bind(broker) as Publish)
      await expect(answer, says.source).rejects.toThrow(TypeError)
    }
  })

  test('holds its body, which may change while the store is slow', async ({ open, queue, until }) => {
    const broker = await open({ store: lateStore() })
    const destination = queue('changed')
    const texts = textsOf(broker, destination)
    const body = new TextEncoder().encode('before')
    const confirmed = broker.publishConfirmed(destination, body)
    body.fill(0)
    await confirmed
    await until(() => texts.length === 1)
    expect(texts).toEqual(['before'])
  })
})

/** So many messages, each published because of the one before. */
const CHAIN = 10_000

overMemory('publishing from within', (test) => {
  test('a hook comes before the frame that the hook judges', async ({ open, connect, topic }) => {
    const destination = topic('hooked')
    const broker = await open({
      hooks: {
        connect: () => broker.publish('/queue/log', 'connect'),
        authorize: ({ action }) => {
          broker.publish(destination, `authorize ${action}`)
          return true
        },
        subscribe: () => broker.publish(destination, 'subscribe'),
        send: () => broker.publish(destination, 'send'),
      },
    })
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    await client.confirm('SEND', { destination }, 'itself')
    const texts = (await client.messages(3)).map(({ text }) => text)
    expect(texts).toEqual(['authorize send', 'send', 'itself'])
    expect(broker.stats().messages).toBe(1)
  })

  test('deliver comes after the message that is being delivered, to everybody', async ({ open, connect, topic }) => {
    const destination = topic('chained')
    const broker = await open({
      hooks: {
        deliver: (message, { subscription }) => {
          if (subscription === '0' && message.text() === 'cause') broker.publish(destination, 'effect')
        },
      },
    })
    const clients = [await connect(), await connect(), await connect()]
    for (const [id, client] of clients.entries()) await client.confirm('SUBSCRIBE', { id, destination })
    broker.publish(destination, 'cause')
    await clients[1]?.confirm('SEND', { destination }, 'cause')
    for (const client of clients) {
      const texts = (await client.messages(4)).map(({ text }) => text)
      expect([...texts].sort()).toEqual(['cause', 'cause', 'effect', 'effect'])
      expect(texts[0]).toBe('cause')
    }
  })

  test('a listener comes after what the listener was told of, in the order of publishing', async ({
    open,
    connect,
    queue,
  }) => {
    const destination = queue('told')
    const broker = await open()
    broker.on('send', ({ message }) => {
      for (const part of ['a', 'b']) broker.publish(destination, `${message.text()} ${part}`)
    })
    broker.on('subscribe', () => broker.publish(destination, 'subscribed'))
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    await client.frame('MESSAGE')
    for (const body of ['1', '2']) client.send('SEND', { destination }, body)
    const texts = (await client.messages(6)).map(({ text }) => text)
    for (const number of ['1', '2']) {
      expect(texts.filter((text) => text.startsWith(number))).toEqual([number, `${number} a`, `${number} b`])
    }
  })

  test('a listener keeps its order with what the host publishes right after', async ({ open, until }) => {
    const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 0 }] })
    const texts = textsOf(broker, '/topic/order')
    broker.on('refuse', () => broker.publish('/topic/order', 'first'))
    broker.publish('/queue/full', 'x')
    broker.publish('/topic/order', 'second')
    const confirmed = broker.publishConfirmed('/topic/order', 'third')
    await confirmed
    await until(() => texts.length === 3)
    expect(texts).toEqual(['first', 'second', 'third'])
  })

  test('a subscriber comes in the next turn, however long the chain', async ({ open, queue, topic, until }) => {
    const broker = await open()
    for (const destination of [queue('chain'), topic('chain')]) {
      const got: number[] = []
      broker.subscribe(destination, {}, ({ message }) => {
        const number = message.json<number>()
        got.push(number)
        if (number < CHAIN) broker.publish(destination, String(number + 1))
      })
      broker.publish(destination, '1')
      await until(() => got.length === CHAIN)
      expect(got.every((number, at) => number === at + 1)).toBe(true)
    }
  })

  const chains: readonly {
    readonly name: string
    start(env: Env, next: (number: number) => boolean): Promise<void>
  }[] = [
    {
      name: 'the hook deliver',
      start: async ({ open, connect }, next) => {
        const broker = await open({
          hooks: {
            deliver: (message) => {
              const number = Number(message.text())
              if (next(number)) broker.publish('/topic/chain', String(number + 1))
            },
          },
        })
        const client = await connect()
        await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/chain' })
        broker.publish('/topic/chain', '1')
      },
    },
    {
      name: 'a listener of refuse',
      start: async ({ open }, next) => {
        const broker = await open({ destinations: [{ match: '/queue/full', maxMessages: 0 }] })
        broker.on('refuse', ({ message }) => {
          const number = Number(message.text())
          if (next(number)) broker.publish('/queue/full', String(number + 1))
        })
        broker.publish('/queue/full', '1')
      },
    },
    {
      name: 'a listener of dead-letter',
      start: async ({ open }, next) => {
        const broker = await open({
          destinations: [{ match: '/queue/one', maxMessages: 1, whenFull: 'drop-oldest', deadLetter: false }],
        })
        broker.on('dead-letter', ({ message }) => {
          const number = Number(message.text())
          if (next(number)) broker.publish('/queue/one', String(number + 2))
        })
        for (const body of ['1', '2']) broker.publish('/queue/one', body)
      },
    },
  ]

  for (const { name, start } of chains) {
    test(`${name} neither deepens the stack nor blocks the loop, however long the chain`, async (env) => {
      const got: number[] = []
      await start(env, (number) => {
        got.push(number)
        return number < CHAIN
      })
      expect(got.length).toBeLessThan(CHAIN)
      await env.until(() => got.length === CHAIN)
      expect(got.every((number, at) => number === at + 1)).toBe(true)
    })
  }

  test('a hook and a listener may be confirmed, too', async ({ open, connect, queue }) => {
    const destination = queue('confirmed')
    const broker = await open({
      store: lateStore(),
      hooks: { send: () => broker.publishConfirmed(destination, 'before') },
    })
    const confirmed = new Promise<void>((resolve) => {
      broker.on('send', () => resolve(broker.publishConfirmed(destination, 'after')))
    })
    const client = await connect()
    await client.confirm('SEND', { destination }, 'itself')
    await confirmed
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await client.messages(3)).map(({ text }) => text)).toEqual(['before', 'itself', 'after'])
  })
})
