/** Brokers that are connected through a backplane: what they tell it, and what they do with what comes from it. */

import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import type { Backplane, Completion } from '@xtomp/core/ports'
import { createMemoryBackplane } from '@xtomp/testing'
import { expect } from 'vitest'
import { overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'

/** What a subscriber of the host got, as text. */
function textsOf(broker: Broker, destination: string): string[] {
  const texts: string[] = []
  broker.subscribe(destination, ({ message }) => texts.push(message.text()))
  return texts
}

/** A backplane that writes down what it is told, and answers when it is asked to. */
function recorder(): { backplane: NonNullable<BrokerOptions['backplane']>; told: string[]; waiting: Completion[] } {
  const told: string[] = []
  const waiting: Completion[] = []
  const noted: Backplane = {
    publish: (host, message, completion) => {
      told.push(`publish ${host} ${message.destination} ${new TextDecoder().decode(message.body)}`)
      waiting.push(completion)
    },
    subscribe: (host, name, isFirst, completion) => {
      told.push(`subscribe ${host} ${name} ${isFirst}`)
      waiting.push(completion)
    },
    unsubscribe: (host, name) => told.push(`unsubscribe ${host} ${name}`),
  }
  return { backplane: () => noted, told, waiting }
}

overMemory('a backplane', (test) => {
  test('carries topics to subscribers of other brokers, and leaves queues where they are', async ({ open, until }) => {
    const backplane = createMemoryBackplane()
    const broker = await open({ backplane })
    await using other = createBroker({ backplane })
    const name = textsOf(other, '/topic/a')
    const pattern = textsOf(other, '/topic/**')
    const queue = textsOf(other, '/queue/a')
    const own = textsOf(broker, '/topic/a')
    broker.publish('/topic/a', 'one')
    broker.publish('/topic/b', 'two')
    broker.publish('/queue/a', 'three')
    other.publish('/topic/a', 'four')
    await until(() => name.length === 2 && pattern.length === 3 && own.length === 2, 'all messages')
    await turn()
    expect({ name, pattern, queue, own }).toEqual({
      name: ['one', 'four'],
      pattern: ['one', 'two', 'four'],
      queue: [],
      own: ['one', 'four'],
    })
  })

  test('is told of the first and the last subscription to a name or pattern, and of each in between', async ({
    open,
    connect,
    until,
  }) => {
    const { backplane, told, waiting } = recorder()
    await open({ backplane, hosts: ['localhost'] })
    const client = await connect()
    for (const [id, destination] of Object.entries({ a: '/topic/a', b: '/topic/a', c: '/topic/*', d: '/topic/*' }))
      client.send('SUBSCRIBE', { id, destination })
    for (const id of ['a', 'b', 'c', 'd']) client.send('UNSUBSCRIBE', { id })
    await until(() => told.length === 6)
    for (const completion of waiting) completion.done()
    expect(told).toEqual([
      'subscribe localhost /topic/a true',
      'subscribe localhost /topic/a false',
      'subscribe localhost /topic/* true',
      'subscribe localhost /topic/* false',
      'unsubscribe localhost /topic/a',
      'unsubscribe localhost /topic/*',
    ])
  })

  test('holds back the RECEIPT of a SUBSCRIBE, and of a SEND to a topic, until it has answered', async ({
    open,
    connect,
    until,
  }) => {
    const { backplane, told, waiting } = recorder()
    await open({ backplane })
    const client = await connect()
    client.send('SUBSCRIBE', { id: '0', destination: '/topic/a', receipt: 'subscribed' })
    client.send('SEND', { destination: '/topic/a', receipt: 'sent' }, 'one')
    client.send('SEND', { destination: '/topic/nobody', receipt: 'sent too' }, 'two')
    await until(() => told.length === 3)
    expect(told).toEqual(['subscribe  /topic/a true', 'publish  /topic/a one', 'publish  /topic/nobody two'])
    waiting[1]?.done()
    await turn()
    expect(client.received).toEqual([])
    waiting[0]?.done()
    expect((await client.frame('RECEIPT')).headers['receipt-id']).toBe('subscribed')
    await client.frame('MESSAGE', { subscription: '0' })
    await client.frame('RECEIPT', { 'receipt-id': 'sent' })
    waiting[2]?.done()
    await client.frame('RECEIPT', { 'receipt-id': 'sent too' })
  })

  test('gets what a transaction sends to topics once it is committed, and dead letters for topics', async ({
    open,
    connect,
  }) => {
    const { backplane, told } = recorder()
    const broker = await open({ backplane, destinations: [{ match: '/queue/a', deadLetter: '/topic/dead' }] })
    const client = await connect()
    client.send('BEGIN', { transaction: 't' })
    client.send('SEND', { transaction: 't', destination: '/topic/a' }, 'one')
    client.send('SEND', { transaction: 't', destination: '/queue/a' }, 'two')
    await client.expectNothing()
    expect(told).toEqual([])
    await client.confirm('COMMIT', { transaction: 't' })
    expect(told).toEqual(['publish  /topic/a one'])
    for await (const delivery of broker.subscribe('/queue/a', { ack: 'client' })) {
      delivery.nack({ requeue: false })
      break
    }
    expect(told).toEqual(['publish  /topic/a one', 'publish  /topic/dead two'])
  })

  test('makes no destination for what is sent where nobody here is subscribed, nor keeps those that patterns match', async ({
    open,
    connect,
    until,
  }) => {
    const backplane = createMemoryBackplane()
    const broker = await open({ backplane, limits: { destinations: 5 } })
    await using other = createBroker({ backplane })
    for (let at = 0; at < 10; at++) broker.publish(`/topic/${at}`, 'x')
    expect(broker.stats().destinations).toBe(0)
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/**' })
    const refused: unknown[] = []
    other.on('refuse', ({ error }) => refused.push(error))
    for (let at = 0; at < 100; at++) other.publish(`/topic/${at}`, 'x')
    await client.messages(100)
    await until(() => broker.stats().destinations <= 5)
    expect(refused).toEqual([])
  })
})
