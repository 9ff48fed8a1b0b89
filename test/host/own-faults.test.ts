/** A host whose own parts fail: an adapter or a logger that throws costs one session or one line, and nobody else anything. */

import type { Connection, Inbound, Logger } from '@xtomp/core'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'

const TOPIC = '/topic/a'
const CONNECT = 'CONNECT\naccept-version:1.2\nhost:/\n\n\0'
const SUBSCRIBE = `SUBSCRIBE\nid:0\ndestination:${TOPIC}\n\n\0`

type Method = 'send' | 'pause' | 'resume' | 'close' | 'abort'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A connection that throws whenever this method is called from now on; it never says that it is gone. */
class FaultyConnection implements Connection {
  readonly info = { transport: 'faulty' }
  readonly failure = new Error('the socket says no')
  faulty: Method | undefined
  isAborted = false

  send(): boolean {
    this.#called('send')
    return true
  }

  pause(): void {
    this.#called('pause')
  }

  resume(): void {
    this.#called('resume')
  }

  close(): void {
    this.#called('close')
  }

  abort(): void {
    this.isAborted = true
    this.#called('abort')
  }

  #called(method: Method): void {
    if (method === this.faulty) throw this.failure
  }
}

/** What makes the broker call the method. */
const provocations: { readonly [M in Exclude<Method, 'abort'>]: (env: Env, inbound: Inbound) => void } = {
  send: ({ broker }) => broker.publish(TOPIC, 'x'),
  pause: (_, inbound) => inbound.receive(octets('SEND\ndestination:/topic/late\n\n\0')),
  resume: (_, inbound) => inbound.receive(octets('SEND\ndestination:/topic/late\n\n\0')),
  close: (_, inbound) => inbound.receive(octets('DISCONNECT\n\n\0')),
}

overMemory('an adapter that throws', (test) => {
  for (const method of Object.keys(provocations) as (keyof typeof provocations)[]) {
    test(`from ${method} loses its session, and the others go on`, async (env) => {
      const broker = await env.open({
        hooks: { authorize: ({ destination }) => destination === TOPIC || turn().then(() => true) },
      })
      const heard = new Heard(broker, ['disconnect', 'close', 'error'])
      const other = await env.connect()
      await other.confirm('SUBSCRIBE', { id: '0', destination: TOPIC })
      const { bytes } = broker.stats()
      const connection = new FaultyConnection()
      const inbound = broker.accept(connection)
      inbound.receive(octets(CONNECT + SUBSCRIBE))
      await turn()
      expect(broker.stats().sessions).toBe(2)
      connection.faulty = method
      provocations[method](env, inbound)
      await env.until(() => broker.stats().sessions === 1)
      expect(connection.isAborted).toBe(true)
      expect(env.faults.splice(0)).toEqual([connection.failure])
      expect(heard.of('error')).toEqual([{ error: connection.failure, during: 'connection' }])
      expect(heard.of('disconnect').map(({ reason }) => reason.code)).toEqual([
        method === 'close' ? 'disconnect' : 'peer-lost',
      ])
      // An adapter may tell of the end as well.
      inbound.closed(connection.failure)
      for (const body of ['1', '2']) broker.publish(TOPIC, body)
      expect((await other.messages(method === 'send' ? 3 : 2)).at(-1)?.text).toBe('2')
      expect(heard.of('close')).toHaveLength(1)
      expect(broker.stats()).toMatchObject({ sessions: 1, subscriptions: 1, bytes })
    })
  }

  test('from abort, too, is told of once and forgotten', async (env) => {
    const broker = await env.open({ limits: { stallMs: 1_000 } })
    const connection = new FaultyConnection()
    connection.send = () => false
    broker.accept(connection).receive(octets(CONNECT))
    await turn()
    connection.faulty = 'abort'
    await env.clock.advance(1_300)
    await env.until(() => broker.stats().sessions === 0)
    expect(env.faults.splice(0)).toEqual([connection.failure])
  })
})

overMemory('a logger that throws', (test) => {
  const full: Logger = {
    info: () => undefined,
    warn: () => undefined,
    error: () => {
      throw new Error('the disk of the log is full')
    },
  }
  const failure = new Error('the users are away')

  for (const [how, authorize] of [
    [
      'at once',
      () => {
        throw failure
      },
    ],
    [
      'later',
      () =>
        turn().then(() => {
          throw failure
        }),
    ],
  ] as const) {
    test(`keeps no frame from being refused whose hook throws ${how}, and nobody from hearing of it`, async (env) => {
      const broker = await env.open({ logger: full, hooks: { authorize } })
      const heard = new Heard(broker)
      const client = await env.connect()
      client.send('SEND', { destination: TOPIC }, 'x')
      await client.error('hook-failed')
      expect(heard.of('error')).toEqual([{ error: failure, during: 'hook authorize' }])
    })
  }

  test('ends nothing when a listener of its fault throws, too', async ({ open }) => {
    const broker = await open({ logger: full })
    broker.on('error', () => {
      throw failure
    })
    broker.on('refuse', () => {
      throw failure
    })
    void broker.close()
    expect(() => broker.publish(TOPIC, 'x')).not.toThrow()
  })
})
