/** The end of a broker: what it waits for, what it tells whom, and that nothing is left. */

import { spawn } from 'node:child_process'
import type { Broker, Door, HostDelivery } from '@xtomp/core'
import { expect } from 'vitest'
import { FaultyStore } from '../support/faulty-store.js'
import { Heard } from '../support/heard.js'
import { later } from '../support/later.js'
import { RunningProgram } from '../support/programs.js'
import { root } from '../support/sources.js'
import { conformance, type Env, overMemory } from '../support/suite.js'
import { lateHooks, turn } from '../support/variants.js'

const QUEUE = '/queue/closing'
const LONG_MS = 60_000

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  for (let turns = 0; turns < 5; turns++) await turn()
  return Promise.race([promise.then(() => true), turn().then(() => false)])
}

/** A door that notes what is asked of it. */
function doorOf(broker: Broker) {
  const gone = later()
  const asked: string[] = []
  const door: Door = {
    stop: () => {
      asked.push('stop')
    },
    close: () => {
      asked.push('close')
      return gone.promise
    },
  }
  return { asked, gone, forget: broker.addDoor(door) }
}

/** A session with one unacknowledged delivery. */
async function holding({ connect }: Env, body = 'a') {
  const client = await connect()
  await client.confirm('SEND', { destination: QUEUE }, body)
  await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client-individual' })
  const { headers } = await client.frame('MESSAGE')
  return { client, id: headers.ack ?? '' }
}

conformance('the end of a broker', (test) => {
  test('gives sessions time to settle, delivers nothing more, and tells them at last', async (env) => {
    const { client, id } = await holding(env)
    await client.confirm('SEND', { destination: QUEUE }, 'second')
    await client.frame('MESSAGE')
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    await client.confirm('SUBSCRIBE', { id: '1', destination: QUEUE, ack: 'client' })
    const { broker, clock } = env
    let isClosed = false
    const closed = broker.close({ drainMs: LONG_MS }).then(() => {
      isClosed = true
    })
    await turn()
    // A producer may go on: what it sends is for later, or for the store.
    await client.confirm('SEND', { destination: QUEUE }, 'third')
    await client.confirm('ACK', { id })
    await clock.advance(1_000)
    await client.expectNothing()
    expect(isClosed).toBe(false)
    await client.confirm('NACK', { id: String(Number(id) + 1) })
    await client.expectNothing()
    await clock.advance(1_000)
    await client.error('broker-closing')
    await closed
  })

  test('ends a session that settles nothing when its time is over', async (env) => {
    const { client } = await holding(env)
    const closed = env.broker.close({ drainMs: 1_000 })
    await turn()
    await env.clock.advance(900)
    await client.expectNothing()
    await env.clock.advance(200)
    await client.error('broker-closing')
    await closed
  })

  test('ends all sessions at once without a time to drain', async (env) => {
    const { client } = await holding(env)
    const silent = await env.client()
    const idle = await env.connect()
    // Where first octets are waited for, who is silent is no session yet.
    await env.until(() => env.broker.stats().sessions === (env.door === 'mux' ? 2 : 3))
    await env.broker.close()
    for (const each of [client, idle, silent]) await each.error('broker-closing')
  })
})

overMemory('close', (test) => {
  test('delivers to topics while sessions finish, to the host and to clients', async (env) => {
    const { client: busy, id } = await holding(env)
    const healthy = await env.connect()
    await healthy.confirm('SUBSCRIBE', { id: '0', destination: '/topic/**' })
    const heard = new Heard(env.broker)
    const got: string[] = []
    env.broker.subscribe('/topic/a', {}, ({ message }) => got.push(message.text()))
    const closed = env.broker.close({ drainMs: LONG_MS })
    await turn()
    // Together more than a backlog may hold.
    const bodies = ['a', 'b', 'c'].map((body) => body.repeat(500_000))
    for (const body of bodies) await busy.confirm('SEND', { destination: '/topic/a' }, body)
    expect((await healthy.messages(3)).map(({ text }) => text)).toEqual(bodies)
    expect(got).toEqual(bodies)
    await busy.confirm('ACK', { id })
    await env.clock.advance(1_000)
    for (const each of [busy, healthy]) await each.error('broker-closing')
    await closed
    expect(heard.of('slow-consumer')).toEqual([])
    expect(heard.of('disconnect').map(({ reason }) => reason.code)).toEqual(['broker-closing', 'broker-closing'])
  })

  test('ends nobody for being slow while sessions finish, and waits for those with a backlog', async (env) => {
    await env.open({ destinations: [{ match: '/topic/a', backlogBytes: 1 }] })
    const producer = await env.connect()
    const slow = await env.connect()
    await slow.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a', ack: 'client', 'prefetch-count': 1 })
    await producer.confirm('SEND', { destination: '/topic/a' }, '1')
    const closed = env.broker.close({ drainMs: LONG_MS })
    await turn()
    for (const body of ['2', '3', '4']) await producer.confirm('SEND', { destination: '/topic/a' }, body)
    for (const body of ['1', '2', '3', '4']) {
      await env.clock.advance(1_000)
      expect(await isSettled(closed)).toBe(false)
      const message = await slow.frame('MESSAGE')
      expect(message.text).toBe(body)
      await slow.confirm('ACK', { id: message.headers.ack ?? '' })
    }
    await env.clock.advance(1_000)
    for (const each of [slow, producer]) await each.error('broker-closing')
    await closed
  })

  test('stops the doors at once, and resolves when each has closed', async ({ open, connect, clock, queue }) => {
    const broker = await open()
    const doors = [doorOf(broker), doorOf(broker), doorOf(broker)]
    doors[2]?.forget()
    const client = await connect()
    await client.confirm('SEND', { destination: queue('a') }, 'x')
    const busy = await connect()
    await busy.confirm('SUBSCRIBE', { id: '0', destination: queue('a'), ack: 'client' })
    broker.subscribe(QUEUE, { ack: 'client' })
    broker.publish(QUEUE, 'x')
    const closed = broker.close({ drainMs: 1_000 })
    await turn()
    expect(doors.map(({ asked }) => asked)).toEqual([['stop'], ['stop'], []])
    await clock.advance(1_100)
    expect(await isSettled(closed)).toBe(false)
    expect(doors.map(({ asked }) => asked)).toEqual([['stop', 'close'], ['stop', 'close'], []])
    doors[0]?.gone.resolve()
    expect(await isSettled(closed)).toBe(false)
    doors[1]?.gone.resolve()
    await closed
    expect(() => doorOf(broker)).toThrow(expect.objectContaining({ code: 'broker-closing' }))
  })

  test('is one, however often it is asked for', async ({ open, connect }) => {
    const broker = await open()
    const heard = new Heard(broker)
    const client = await connect()
    const first = broker.close()
    expect(broker.close({ drainMs: LONG_MS })).toBe(first)
    broker.on('disconnect', () => {
      expect(broker.close()).toBe(first)
    })
    await first
    await client.error('broker-closing')
    expect(broker.close()).toBe(first)
    expect(heard.names.filter((name) => name === 'disconnect')).toHaveLength(1)
  })

  test('lets a session read what was written for it', async ({ open, connect, clock }) => {
    const broker = await open()
    const slow = await connect()
    await slow.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    slow.pause()
    for (let sent = 0; sent < 2; sent++) broker.publish('/topic/a', 'x'.repeat(50_000))
    await turn()
    const closed = broker.close({ drainMs: LONG_MS })
    await turn()
    await clock.advance(1_000)
    expect(await isSettled(closed)).toBe(false)
    slow.resume()
    await slow.messages(2)
    for (let turns = 0; turns < 5; turns++) await turn()
    await clock.advance(200)
    await slow.error('broker-closing')
    await closed
  })

  test('gives the host time to settle what it has in hand, too', async ({ open, clock }) => {
    const store = new FaultyStore()
    const broker = await open({ store })
    for (const body of ['a', 'b']) await broker.publishConfirmed(QUEUE, body)
    const given = later<HostDelivery>()
    broker.subscribe(QUEUE, { ack: 'client', prefetch: 1 }, (delivery) => given.resolve(delivery))
    const delivery = await given.promise
    const closed = broker.close({ drainMs: LONG_MS })
    await clock.advance(1_000)
    expect(await isSettled(closed)).toBe(false)
    delivery.ack()
    await clock.advance(200)
    await closed
    expect(await store.kept()).toEqual([`${QUEUE} b`])
  })

  test('hands what one session gives back at its end to no other, and counts nothing against it', async (env) => {
    const store = new FaultyStore()
    const broker = await env.open({ store, destinations: [{ match: QUEUE, maxDeliveries: 2 }] })
    const first = await env.connect()
    await first.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client' })
    for (const body of ['a', 'b']) await broker.publishConfirmed(QUEUE, body)
    await first.messages(2)
    const others = [await env.connect(), await env.connect()]
    for (const [at, ack] of ['client', 'auto'].entries())
      await others[at]?.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack })
    const got: string[] = []
    broker.subscribe(QUEUE, {}, ({ message }) => got.push(message.text()))
    await broker.close()
    for (const client of others) await client.error('broker-closing')
    expect(got).toEqual([])
    expect(await store.kept()).toEqual([`${QUEUE} a`, `${QUEUE} b`])
  })

  test('does not wait for a hook that thinks', async ({ open, client }) => {
    const thinking = later<boolean>()
    const broker = await open({ hooks: { authorize: () => thinking.promise } })
    const asking = await client()
    await asking.connect()
    asking.send('SEND', { destination: QUEUE }, 'x')
    await turn()
    await broker.close()
    await asking.error('broker-closing')
    // It answers nobody.
    thinking.resolve(true)
    await turn()
    expect(broker.stats()).toMatchObject({ messages: 0, destinations: 0, bytes: 0 })
  })

  test('gives a hook that thinks the time to drain', async ({ open, connect, clock }) => {
    const store = new FaultyStore()
    const thinking = later<boolean>()
    const broker = await open({ store, hooks: lateHooks({ authorize: () => thinking.promise }) })
    const asking = await connect()
    asking.send('SEND', { destination: QUEUE, receipt: 'r' }, 'x')
    await turn()
    const closed = broker.close({ drainMs: LONG_MS })
    await clock.advance(500)
    thinking.resolve(true)
    await asking.frame('RECEIPT', { 'receipt-id': 'r' })
    await clock.advance(500)
    await asking.error('broker-closing')
    await closed
    expect(await store.kept()).toEqual([`${QUEUE} x`])
  })

  test('waits for the store, whose answer comes before the end of its session while that may drain', async ({
    open,
    connect,
    clock,
  }) => {
    const store = new FaultyStore()
    const broker = await open({ store })
    store.fate = 'later'
    const producer = await connect()
    producer.send('SEND', { destination: QUEUE, receipt: 'r' }, 'x')
    await turn()
    const closed = broker.close({ drainMs: LONG_MS })
    await clock.advance(1_000)
    expect(await isSettled(closed)).toBe(false)
    store.answers[0]?.resolve()
    await producer.frame('RECEIPT', { 'receipt-id': 'r' })
    await clock.advance(200)
    await producer.error('broker-closing')
    await closed
    expect(store.isClosed).toBe(true)
  })

  test('waits for the store though its sessions are over', async ({ open, connect }) => {
    const store = new FaultyStore()
    const broker = await open({ store })
    store.fate = 'later'
    const producer = await connect()
    producer.send('SEND', { destination: QUEUE, receipt: 'r' }, 'x')
    await turn()
    const closed = broker.close()
    await producer.error('broker-closing')
    expect(await isSettled(closed)).toBe(false)
    expect(store.isClosed).toBe(false)
    store.answers[0]?.resolve()
    await closed
    expect(await store.kept()).toEqual([`${QUEUE} x`])
  })

  test('turns away a producer that a full queue holds', async ({ open, connect, clock }) => {
    const broker = await open({ destinations: [{ match: QUEUE, maxMessages: 1, whenFull: 'hold' }] })
    broker.publish(QUEUE, 'first')
    const producer = await connect()
    producer.send('SEND', { destination: QUEUE, receipt: 'r' }, 'held')
    const host = broker.publishConfirmed(QUEUE, 'of the host')
    const refused = expect(host).rejects.toMatchObject({ code: 'broker-closing' })
    await turn()
    const closed = broker.close({ drainMs: 1_000 })
    await clock.advance(1_100)
    await producer.error('broker-closing')
    await closed
    await refused
    expect(broker.stats()).toMatchObject({ messages: 0, bytes: 0, destinations: 0 })
  })

  test('refuses what is published after it, and who connects after it', async ({ open, client }) => {
    const broker = await open()
    const heard = new Heard(broker)
    await client()
    const closed = broker.close()
    broker.publish(QUEUE, 'x')
    await expect(broker.publishConfirmed(QUEUE, 'y')).rejects.toMatchObject({ code: 'broker-closing' })
    await closed
    broker.publish(QUEUE, 'z')
    expect(heard.of('refuse').map(({ message, error }) => [message.text(), error])).toEqual([
      ['x', expect.objectContaining({ code: 'broker-closing' })],
      ['z', expect.objectContaining({ code: 'broker-closing' })],
    ])
    const late = await client()
    late.send('CONNECT', { 'accept-version': '1.2', host: 'a' })
    await late.error('broker-closing')
  })

  test('leaves no alarm of what rests, expires or beats', async ({ open, connect, clock }) => {
    const broker = await open({ destinations: [{ match: QUEUE, redeliveryDelayMs: 10_000, expiryMs: 60_000 }] })
    const client = await connect({ 'heart-beat': '5000,5000' })
    await client.confirm('SUBSCRIBE', { id: '0', destination: QUEUE, ack: 'client' })
    broker.publish(QUEUE, 'rests')
    await client.confirm('NACK', { id: (await client.frame('MESSAGE')).headers.ack ?? '' })
    broker.publish('/queue/other', 'expires', { headers: { expires: clock.epoch() + 5_000 } })
    expect(broker.stats().alarms).toBeGreaterThanOrEqual(3)
    await broker.close()
    expect(broker.stats()).toMatchObject({ alarms: 0, messages: 0, bytes: 0 })
    expect(clock.timers).toBe(0)
  })

  test('is not needed to end a process: a broker without doors keeps none alive', async () => {
    const program = `
      import { createBroker } from '@xtomp/core'
      const broker = createBroker({ destinations: [{ match: '/queue/**', expiryMs: 3_600_000, redeliveryDelayMs: 3_600_000 }] })
      broker.subscribe('/queue/a', { ack: 'client' }, (delivery) => {
        console.log(delivery.message.text())
        delivery.nack()
      })
      broker.publish('/queue/a', 'delivered')
      broker.publish('/queue/b', 'waits')
      void broker.close({ drainMs: 3_600_000 })
    `
    const args = ['--input-type=module', '--eval', program]
    const running = new RunningProgram(spawn(process.execPath, args, { cwd: `${root}/packages/net` }))
    try {
      expect(await running.ends()).toContain('delivered')
    } finally {
      await running.stop()
    }
  })

  test('keeps the process alive until it is over, whoever it has to wait for', async () => {
    const program = `
      import { connectMemory, createBroker } from '@xtomp/core'
      const store = {
        apply: () => undefined,
        recover: async function* () {},
        close: () => new Promise((resolve) => setTimeout(resolve, 1).unref()).then(() => console.log('closed the store')),
      }
      const broker = createBroker({ store })
      broker.subscribe('/queue/a', { ack: 'client' }, () => console.log('holds a delivery'))
      broker.publish('/queue/a', 'x')
      // It takes nothing: its connection lingers.
      const client = connectMemory(broker, { receive: () => undefined, closed: () => console.log('cut the client') })
      client.pause()
      client.write('CONNECT\\naccept-version:1.2\\nhost:/\\n\\n\\0')
      await broker.close({ drainMs: 100 })
      console.log('closed the broker')
    `
    const args = ['--input-type=module', '--eval', program]
    const running = new RunningProgram(spawn(process.execPath, args, { cwd: `${root}/packages/net` }))
    try {
      const lines = ['holds a delivery', 'cut the client', 'closed the store', 'closed the broker']
      expect((await running.ends()).trim().split('\n')).toEqual(lines)
    } finally {
      await running.stop()
    }
  })
})
