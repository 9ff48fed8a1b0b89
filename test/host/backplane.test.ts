/** Brokers that are connected through a backplane: what they tell it, and what they do with what comes from it. */

import { type Broker, type BrokerOptions, createBroker, StompError } from '@xtomp/core'
import type { Backplane, Completion } from '@xtomp/core/ports'
import { createMemoryBackplane } from '@xtomp/testing'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'
import { frameText, type WireHeaders } from '../support/wire-client.js'

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
    for (const id of ['a', 'b', 'c', 'd']) {
      client.send('UNSUBSCRIBE', { id })
      await until(() => waiting.length > 0)
      waiting.shift()?.done()
    }
    await until(() => told.length === 6)
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
    await until(() => told.length === 1)
    await turn()
    expect(client.received).toEqual([])
    waiting[0]?.done()
    await client.frame('RECEIPT', { 'receipt-id': 'subscribed' })
    client.send('SEND', { destination: '/topic/a', receipt: 'sent' }, 'one')
    client.send('SEND', { destination: '/topic/nobody', receipt: 'sent too' }, 'two')
    await until(() => told.length === 3)
    expect(told).toEqual(['subscribe  /topic/a true', 'publish  /topic/a one', 'publish  /topic/nobody two'])
    waiting[2]?.done()
    await client.frame('MESSAGE', { subscription: '0' })
    await turn()
    expect(client.received).toEqual([])
    waiting[1]?.done()
    await client.frame('RECEIPT', { 'receipt-id': 'sent' })
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

/** A client whose SUBSCRIBE waits for the backplane, with frames behind it in the same octets, and what another client sees. */
async function waitingSubscriber({ open, connect, until, clock }: Env, frames: string, headers?: WireHeaders) {
  const { backplane, told, waiting } = recorder()
  const broker = await open({ backplane })
  const heard = new Heard(broker)
  const other = await connect()
  other.send('SUBSCRIBE', { id: '0', destination: '/topic/seen' })
  await until(() => waiting.length === 1)
  waiting.shift()?.done()
  const client = await connect(headers)
  client.write(`${frameText('SUBSCRIBE', { id: '0', destination: '/topic/a', receipt: 'subscribed' })}${frames}`)
  await until(() => waiting.length === 1)
  const [completion] = waiting.splice(0) as [Completion]
  return { broker, heard, other, client, told, waiting, completion, clock }
}

const SEEN = frameText('SEND', { destination: '/topic/seen' }, 'behind it')

overMemory('a SUBSCRIBE that others must know of first', (test) => {
  test('has what follows it done once it is active, and nothing before', async (env) => {
    const { client, other, told, waiting, completion } = await waitingSubscriber(
      env,
      SEEN +
        frameText('SEND', { destination: '/topic/a' }, 'own') +
        frameText('UNSUBSCRIBE', { id: '0', receipt: 'unsubscribed' }) +
        frameText('DISCONNECT', { receipt: 'bye' }),
    )
    await other.expectNothing()
    expect(told.slice(1)).toEqual(['subscribe  /topic/a true'])
    completion.done()
    await client.frame('RECEIPT', { 'receipt-id': 'subscribed' })
    expect((await client.frame('MESSAGE')).text).toBe('own')
    for (const published of waiting.splice(0)) published.done()
    await client.frame('RECEIPT', { 'receipt-id': 'unsubscribed' })
    await client.frame('RECEIPT', { 'receipt-id': 'bye' })
    await client.expectClosed()
    expect((await other.frame('MESSAGE')).text).toBe('behind it')
    expect(told.at(-1)).toBe('unsubscribe  /topic/a')
  })

  test('is told of as an event once it is active', async (env) => {
    const { client, heard, completion } = await waitingSubscriber(env, '')
    expect(heard.of('subscribe')).toHaveLength(1)
    completion.done()
    await client.frame('RECEIPT')
    expect(heard.of('subscribe')).toHaveLength(2)
  })

  test('is followed by nothing where it fails, even where earlier frames are not answered', async (env) => {
    const { client, other, heard, completion, waiting } = await waitingSubscriber(env, SEEN)
    completion.done(new StompError('destinations-too-many', 'others have too many'))
    await client.error('destinations-too-many', { 'receipt-id': 'subscribed' })
    const second = await env.connect()
    second.write(
      frameText('SEND', { destination: '/topic/b', receipt: 'earlier' }) +
        frameText('SUBSCRIBE', { id: '0', destination: '/topic/a', receipt: 'subscribed' }) +
        SEEN,
    )
    await env.until(() => waiting.length === 2)
    const [earlier, later] = waiting.splice(0)
    later?.done(new StompError('destinations-too-many', 'others have too many'))
    await other.expectNothing()
    earlier?.done()
    await second.frame('RECEIPT', { 'receipt-id': 'earlier' })
    await second.error('destinations-too-many', { 'receipt-id': 'subscribed' })
    await other.expectNothing()
    expect(heard.of('subscribe')).toHaveLength(1)
  })

  test('is followed by nothing where it fails at once, either, and is no event', async ({ open, connect, until }) => {
    const { backplane, told, waiting } = recorder()
    const full = new StompError('destinations-too-many', 'others have too many')
    const broker = await open({
      backplane: (broker) => ({ ...backplane(broker), subscribe: (_host, _name, _isFirst, { done }) => done(full) }),
    })
    const heard = new Heard(broker)
    const client = await connect()
    client.write(
      frameText('SEND', { destination: '/topic/b', receipt: 'earlier' }, '1') +
        frameText('SUBSCRIBE', { id: '0', destination: '/topic/a', receipt: 'subscribed' }) +
        SEEN,
    )
    await until(() => waiting.length > 0)
    await turn()
    expect([told, heard.of('subscribe')]).toEqual([['publish  /topic/b 1'], []])
    waiting.shift()?.done()
    await client.frame('RECEIPT', { 'receipt-id': 'earlier' })
    await client.error('destinations-too-many', { 'receipt-id': 'subscribed' })
    await client.expectClosed()
    expect([waiting, heard.of('subscribe')]).toEqual([[], []])
  })

  test('is told once where it fails late: what is no refusal to its host, and nothing of it to the peer', async (env) => {
    const { client, heard, completion } = await waitingSubscriber(env, SEEN)
    const failure = new TypeError('a secret')
    completion.done(failure as unknown as StompError)
    const error = await client.error('internal-error', { 'receipt-id': 'subscribed' })
    expect(error.text).not.toContain('a secret')
    await client.expectClosed()
    expect(heard.of('error')).toEqual([{ error: failure, during: 'a frame' }])
    expect(env.faults.splice(0)).toHaveLength(1)
    expect(heard.of('disconnect').map(({ reason }) => reason.code)).toEqual(['internal-error'])
  })

  test('is as a hook to a client that is cut: what was received before is done', async (env) => {
    const { broker, client, other, completion, told } = await waitingSubscriber(env, SEEN)
    client.abort()
    await client.closed
    await other.expectNothing()
    completion.done()
    expect((await other.frame('MESSAGE')).text).toBe('behind it')
    await env.until(() => broker.stats().sessions === 1)
    expect(told.at(-1)).toBe('unsubscribe  /topic/a')
    expect(broker.stats().subscriptions).toBe(1)
  })

  test('holds up no end that the host makes', async (env) => {
    const { broker, client, other, completion, told } = await waitingSubscriber(env, SEEN)
    const [, waiting] = [...broker.sessions()]
    waiting?.close()
    await client.error('session-closed')
    expect(told.at(-1)).toBe('unsubscribe  /topic/a')
    completion.done()
    await other.expectNothing()
    expect(broker.stats()).toMatchObject({ sessions: 1, subscriptions: 1 })
  })

  test('is waited for while the broker drains, and no longer', async (env) => {
    const { broker, client, completion, clock } = await waitingSubscriber(env, '')
    let isClosed = false
    const closed = broker.close({ drainMs: 1_000 }).then(() => {
      isClosed = true
    })
    await clock.advance(500)
    expect(isClosed).toBe(false)
    completion.done()
    await client.frame('RECEIPT', { 'receipt-id': 'subscribed' })
    await clock.advance(100)
    await client.error('broker-closing')
    await closed
  })

  test('does not keep a broker that closes', async (env) => {
    const { broker, client, completion } = await waitingSubscriber(env, SEEN)
    const closed = broker.close()
    await client.error('broker-closing')
    await closed
    completion.done()
  })

  test('is no silence of its client, which gets its beats meanwhile', async (env) => {
    const { client, clock, completion } = await waitingSubscriber(env, '', { 'heart-beat': '10000,10000' })
    const beats = client.beats
    await clock.advance(60_000)
    await client.beat(beats + 5)
    completion.done()
    await client.frame('RECEIPT', { 'receipt-id': 'subscribed' })
    await clock.advance(20_200)
    await client.error('heart-beat-missed')
  })

  test('stops the reading of its client until it is active', async ({ open, until }) => {
    const { backplane, waiting } = recorder()
    const broker = await open({ backplane })
    const calls: string[] = []
    const inbound = broker.accept({
      info: { transport: 'test' },
      send: () => true,
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
      close: () => undefined,
      abort: () => undefined,
    })
    const say = (text: string) => inbound.receive(new TextEncoder().encode(text))
    say(frameText('CONNECT', { 'accept-version': '1.2', host: '' }))
    say(frameText('SUBSCRIBE', { id: '0', destination: '/topic/a' }))
    expect(calls).toEqual(['pause'])
    waiting[0]?.done()
    await until(() => calls.length === 2)
    expect(calls).toEqual(['pause', 'resume'])
    inbound.closed()
  })
})
