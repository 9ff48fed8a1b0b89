/**
 * The conformance suite: cases that hold over every door.
 *
 * How to write a case, in `test/conformance/<section>.test.ts`:
 *
 *     import { expect } from 'vitest'
 *     import { conformance } from '../support/suite.js'
 *
 *     conformance('acknowledgement', (test) => {
 *       test('redelivers what a lost client left unacknowledged [146]', async ({ connect, queue }) => {
 *         const orders = queue('orders')                        // a name of this test's own
 *         const consumer = await connect()                      // a 1.2 client, CONNECTED; connect({ login: 'x' }, '1.1')
 *         await consumer.confirm('SUBSCRIBE', { id: '0', destination: orders, ack: 'client' })
 *         const producer = await connect()
 *         await producer.confirm('SEND', { destination: orders }, 'one')      // sends, and takes the RECEIPT
 *         const first = await consumer.frame('MESSAGE', { subscription: '0' })
 *         expect(first.text).toBe('one')
 *         consumer.abort()
 *         ...
 *         await producer.expectNothing()                        // a round trip, and nothing else came
 *       })
 *     })
 *
 * Each case runs over memory, TCP and a UNIX socket; over memory with hooks that answer a turn later; over memory with a
 * store that does; over two workers of a cluster, whose clients come to each in turn; over the port of the built command
 * `xtomp serve --workers 2`; and over a foreign broker if XTOMP_TARGET=host:port names one.
 *
 * - `client()` is a raw client: `write` literal octets, `send` a frame of parts, take frames with `next()`, `frame(command,
 *   headers)`, `messages(n)`, `error(code)` (the ERROR and the close behind it), `expectClosed()`, `expectNothing()`.
 *   Nothing is escaped for you. Clients need not be closed at the end.
 * - `await open({ limits: { headers: 3 } })`, before the first client, sets the broker's options and answers the broker.
 *   Without it the first client opens one with defaults. Hooks and the clock are wrapped or set by the suite; everything
 *   else is yours. Over workers what looks into `broker` skips the case: there are three. Over the command and with
 *   XTOMP_TARGET, `open` with options, `broker` and `clock` do, and say why.
 * - Time stands still: `await clock.advance(10_100)`. `clock.soon` is real, so nothing else needs a push. Heart-beats
 *   and time-outs are looked at every 100 ms, so allow two ticks.
 * - Never sleep. `await until(() => broker.stats().sessions === 0)` looks after each turn, and ends in a failure.
 * - `faults` holds what the broker logged as an error. A case that provokes a fault (a hook that throws) empties it:
 *   `expect(faults.splice(0)).toHaveLength(1)`.
 * - `skip(reason)` leaves a case out of a door or variant: `if (variant === 'late hooks') skip('...')`.
 *
 * After each case the clients are cut, the broker is closed, and then: `broker.stats()` is all zeros, no timer is set,
 * and nothing is in `faults`.
 */

import { type Broker, type BrokerOptions, connectMemory, createBroker, type LogFields, type Logger } from '@xtomp/core'
import { ManualClock } from '@xtomp/testing'
import { afterAll, describe, expect, it, type TestContext } from 'vitest'
import { type Door, doors, type OpenDoor, type Target, target } from './doors.js'
import { LinkedBrokers } from './linked-brokers.js'
import { ServedWorkers } from './served-workers.js'
import { turn, type Variant, variants } from './variants.js'
import { DEADLINE_MS, type Dial, WireClient, type WireHeaders } from './wire-client.js'

/** What a case is given. Each is made when it is first asked for. */
export interface Env {
  /** The door's name. */
  readonly door: string
  /** The variant's name; '' for none. */
  readonly variant: string
  /** Opens the broker, with options if given. Once, and before the first client. */
  open(options?: BrokerOptions): Promise<Broker>
  /** The broker; opened by `open` or by the first client. */
  readonly broker: Broker
  /** The broker's clock. */
  readonly clock: ManualClock
  /** A raw client that has said nothing yet. */
  client(): Promise<WireClient>
  /** A client that is CONNECTED. */
  connect(headers?: WireHeaders, version?: string): Promise<WireClient>
  /** A queue's name that no other test uses. */
  queue(name: string): string
  /** A topic's name that no other test uses. */
  topic(name: string): string
  /** Waits, turn by turn, until the condition holds. */
  until(isTrue: () => boolean, what?: string): Promise<void>
  /** What the broker logged as errors. */
  readonly faults: unknown[]
  /** Leaves the case out here. */
  skip(reason: string): never
}

/** Names a case and runs it over every door. A time-out in milliseconds is for the few that move much. */
export type CaseOf = (name: string, run: (env: Env) => Promise<void>, timeoutMs?: number) => void

const CASE_MS = 15_000

/** Runs while the cases of a file do. */
const command = new ServedWorkers()

/** Declares cases that hold over every door. */
export function conformance(name: string, declare: (test: CaseOf) => void): void {
  for (const door of doors)
    describe(`${name} over ${door.name}`, () => declare(caseOver((context) => new OwnEnv(context, door))))
  const [memory] = doors
  for (const variant of variants) {
    describe(`${name} over memory, ${variant.name}`, () =>
      declare(caseOver((context) => new OwnEnv(context, memory as Door, variant))))
  }
  describe(`${name} over two workers`, () => declare(caseOver((context) => new WorkersEnv(context))))
  const served: Target = { name: 'serve --workers 2', dial: command.dial }
  for (const each of target === undefined ? [served] : [served, target])
    describe(`${name} over ${each.name}`, () => declare(caseOver((context) => new TargetEnv(context, each))))
  afterAll(() => command.stop())
}

/** Declares cases for what only the host application sees: over memory, once, whatever carries the octets. */
export function overMemory(name: string, declare: (test: CaseOf) => void): void {
  const [memory] = doors
  describe(name, () => declare(caseOver((context) => new OwnEnv(context, memory as Door))))
}

interface ClosingEnv extends Env {
  finish(): Promise<void>
  check(): void
}

function caseOver(envOf: (context: TestContext) => ClosingEnv): CaseOf {
  return (name, run, timeoutMs = CASE_MS) => {
    it(name, { timeout: timeoutMs }, async (context) => {
      const env = envOf(context)
      try {
        // The functions are to be taken apart: `async ({ connect, queue }) => ...`.
        await run(bound(env))
      } catch (failure) {
        // The first failure is the one to show, not what it left behind.
        await env.finish().catch(() => undefined)
        throw failure
      }
      await env.finish()
      env.check()
    })
  }
}

function bound(env: Env): Env {
  return new Proxy(env, {
    get: (of, key) => {
      const value: unknown = Reflect.get(of, key, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
}

/** Waits, turn by turn, until the condition holds; for as long as any wait may last. */
export async function until(isTrue: () => boolean, what = 'a condition'): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}: ${isTrue}`)
    await turn()
  }
}

let names = 0

/** A logger that keeps what is an error. */
function loggerOf(faults: unknown[]): Logger {
  return {
    info: () => undefined,
    warn: () => undefined,
    error: ({ err }: LogFields, message: string) => {
      faults.push(err ?? message)
    },
  }
}

abstract class AnyEnv {
  abstract readonly door: string
  readonly clients: WireClient[] = []
  readonly #context: TestContext

  constructor(context: TestContext) {
    this.#context = context
  }

  abstract client(): Promise<WireClient>

  async connect(headers?: WireHeaders, version?: string): Promise<WireClient> {
    const client = await this.client()
    await client.connect(headers, version)
    return client
  }

  queue(name: string): string {
    return `/queue/${this.unique(name)}`
  }

  topic(name: string): string {
    return `/topic/${this.unique(name)}`
  }

  until(isTrue: () => boolean, what?: string): Promise<void> {
    return until(isTrue, what)
  }

  skip(reason: string): never {
    return this.#context.skip(reason) as never
  }

  unique(name: string): string {
    return `${name}-${++names}`
  }

  async cutClients(): Promise<void> {
    for (const client of this.clients) if (!client.isClosed) client.abort()
    await until(() => this.clients.every((client) => client.isClosed), 'the end of all connections')
  }
}

class OwnEnv extends AnyEnv implements ClosingEnv {
  readonly door: string
  readonly variant: string
  readonly clock = new ManualClock()
  readonly faults: unknown[] = []
  readonly #door: Door
  readonly #change: (options: BrokerOptions) => BrokerOptions
  #broker: Broker | undefined
  #open: Promise<OpenDoor> | undefined

  constructor(context: TestContext, door: Door, variant?: Variant) {
    super(context)
    this.door = door.name
    this.variant = variant?.name ?? ''
    this.#door = door
    this.#change = variant?.change ?? ((options) => options)
  }

  get broker(): Broker {
    this.#broker ??= this.#create({})
    return this.#broker
  }

  async open(options: BrokerOptions = {}): Promise<Broker> {
    if (this.#broker !== undefined) throw new Error('the broker is open already')
    this.#broker = this.#create(options)
    this.#open = Promise.resolve(this.#door.open(this.#broker, options))
    await this.#open
    return this.#broker
  }

  async client(): Promise<WireClient> {
    const { dial } = await this.#opened()
    const client = await WireClient.dial(dial)
    this.clients.push(client)
    return client
  }

  async finish(): Promise<void> {
    const broker = this.#broker
    if (broker === undefined) return
    await this.cutClients()
    await broker.close()
    const door = await this.#open
    await door?.close()
  }

  check(): void {
    expect(this.faults, 'faults logged').toEqual([])
    if (this.#broker === undefined) return
    const left = Object.entries(this.#broker.stats()).filter(([, count]) => count !== 0)
    expect(left, 'what the broker still holds').toEqual([])
    expect(this.clock.timers, 'timers still set').toBe(0)
  }

  #opened(): Promise<OpenDoor> {
    this.#open ??= Promise.resolve(this.#door.open(this.broker))
    return this.#open
  }

  #create(options: BrokerOptions): Broker {
    const logger = loggerOf(this.faults)
    return createBroker(this.#change({ logger, clock: this.clock, ...options }))
  }
}

/** Two workers and their primary, in this process and over the real link; the first client is one's, the next the other's. */
class WorkersEnv extends AnyEnv implements ClosingEnv {
  readonly door = 'two workers'
  readonly variant = ''
  readonly clock = new ManualClock()
  readonly faults: unknown[] = []
  #brokers: Promise<LinkedBrokers> | undefined
  #opened: LinkedBrokers | undefined

  get broker(): Broker {
    return this.skip('looks into the broker, which is three')
  }

  async open(options: BrokerOptions = {}): Promise<Broker> {
    if (this.#brokers !== undefined) throw new Error('the brokers are open already')
    const logger = loggerOf(this.faults)
    this.#brokers = LinkedBrokers.open(2, { logger, clock: this.clock, ...options }, this.faults)
    this.#opened = await this.#brokers
    // What is asked of it is what skips.
    return new Proxy({} as Broker, { get: (_, key) => (key === 'then' ? undefined : this.broker) })
  }

  async client(): Promise<WireClient> {
    if (this.#brokers === undefined) await this.open()
    const { workers } = (await this.#brokers) as LinkedBrokers
    const { broker } = workers[this.clients.length % workers.length] as (typeof workers)[number]
    const client = await WireClient.dial((events) => connectMemory(broker, events))
    this.clients.push(client)
    return client
  }

  async finish(): Promise<void> {
    await this.cutClients()
    await this.#opened?.close()
  }

  check(): void {
    expect(this.faults, 'faults logged').toEqual([])
    for (const broker of this.#opened?.brokers ?? []) {
      const left = Object.entries(broker.stats()).filter(([, count]) => count !== 0)
      expect(left, 'what a broker still holds').toEqual([])
    }
    expect(this.clock.timers, 'timers still set').toBe(0)
  }
}

/** A broker in another process, of which we know nothing but its port. */
class TargetEnv extends AnyEnv implements ClosingEnv {
  readonly door: string
  readonly variant = ''
  readonly faults: unknown[] = []
  readonly #dial: Dial

  constructor(context: TestContext, { name, dial }: Target) {
    super(context)
    this.door = name
    this.#dial = dial
  }

  get broker(): Broker {
    return this.skip('looks into the broker, which runs elsewhere')
  }

  get clock(): ManualClock {
    return this.skip('moves the time of the broker, which runs elsewhere')
  }

  open(options: BrokerOptions = {}): Promise<Broker> {
    if (Object.keys(options).length > 0)
      this.skip(`sets options of the broker, which runs elsewhere: ${Object.keys(options).join(', ')}`)
    // What is asked of it is what skips.
    return Promise.resolve(new Proxy({} as Broker, { get: (_, key) => (key === 'then' ? undefined : this.broker) }))
  }

  async client(): Promise<WireClient> {
    const client = await WireClient.dial(this.#dial)
    this.clients.push(client)
    return client
  }

  override unique(name: string): string {
    return `${super.unique(name)}-${process.pid}-${Date.now().toString(36)}`
  }

  finish(): Promise<void> {
    return this.cutClients()
  }

  check(): void {}
}
