/** No message is lost, doubled or halved, whoever is killed when. */

import { type Broker, createBroker, createMemoryStore, type HostDelivery, type Store } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram, type Program } from '../support/child-program.js'
import { randomFrom, seedOfRun } from '../support/random.js'
import { turn } from '../support/variants.js'
import { type Client, DEAD_LETTERS, Ledger } from './ledger.js'
import { QUEUES } from './load.js'

const PRODUCERS = 3
const CONSUMERS = 4
const TIMEOUT_MS = 120_000
/** Between two kills there are that many receipts, give or take half of it. */
const KILL_EVERY = 2_000

type Role = 'producer' | 'consumer'

/** Producers and consumers over one broker after the other, killed at random and replaced. */
class Load {
  readonly ledger: Ledger
  readonly kills: Record<Role, number> = { producer: 0, consumer: 0 }
  readonly #program: Program
  readonly #random: () => number
  readonly #running: { readonly role: Role; readonly client: Client }[] = []
  #port = 0
  #started = 0
  #killAt = 0
  #onReceipts: (() => void) | undefined
  #crash: Error | undefined

  constructor(program: Program, seed: number, isStored: boolean) {
    this.ledger = new Ledger({ isStored })
    this.#program = program
    this.#random = randomFrom(seed)
    this.#planKill()
  }

  /** Opens a broker, with the hooks and listeners of the ledger. */
  async open(store?: Store): Promise<Broker<{ readonly name: string }>> {
    const broker = createBroker({
      hooks: {
        authenticate: ({ login = '' }) => ({ name: login }),
        deliver: (message, { user, subscription }) => this.ledger.delivered(message, user.name, subscription),
      },
      logger: { info: () => undefined, warn: () => undefined, error: ({ err }, text) => this.#fail(text, err) },
      ...(store === undefined ? {} : { store }),
    })
    this.ledger.listen(broker)
    const { port = 0 } = await listen(broker, { port: 0 })
    this.#port = port
    return broker
  }

  /** Runs until producers have had so many RECEIPTs in all. */
  async run(receipts: number): Promise<void> {
    while (this.#running.filter(({ role }) => role === 'producer').length < PRODUCERS) this.#start('producer')
    while (this.#running.filter(({ role }) => role === 'consumer').length < CONSUMERS) this.#start('consumer')
    while (this.ledger.receipted < receipts && this.#crash === undefined)
      await new Promise<void>((resolve) => (this.#onReceipts = resolve))
    if (this.#crash !== undefined) throw this.#crash
  }

  /** Kills all producers, and all consumers unless they may finish what they have. */
  async stop(consumersFinish: boolean): Promise<void> {
    for (const { role, client } of this.#running.splice(0)) {
      if (role === 'producer' || !consumersFinish) await client.child.kill()
      else expect(await client.child.finish(), `the end of ${client.name}`).toBe(0)
    }
  }

  #start(role: Role): void {
    const name = `${role}${++this.#started}`
    const child = this.#program.start(role, String(this.#port), name)
    const client = this.ledger.add(name, child)
    child.onLine((line) => {
      if (role === 'consumer') this.ledger.saw(client, line)
      else this.#receipt(client, line)
    })
    this.#running.push({ role, client })
    void child.ended.then((code) => {
      if (code !== undefined && code !== 0) this.#fail(`${name} ended with ${code}`)
    })
  }

  #receipt(client: Client, line: string): void {
    this.ledger.receipt(client, line)
    if (this.ledger.receipted >= this.#killAt && this.#running.length > 0) {
      this.#planKill()
      this.#killOne()
    }
    this.#onReceipts?.()
  }

  #killOne(): void {
    const [killed] = this.#running.splice(Math.floor(this.#random() * this.#running.length), 1)
    if (killed === undefined) return
    void killed.client.child.kill()
    this.kills[killed.role]++
    this.#start(killed.role)
  }

  #planKill(): void {
    this.#killAt = this.ledger.receipted + KILL_EVERY * (0.5 + this.#random())
  }

  #fail(text: string, cause?: unknown): void {
    this.#crash ??= new Error(text, { cause })
    this.#onReceipts?.()
  }
}

/** All that is left in a queue, taken by the host. */
async function drain(broker: Broker<{ readonly name: string }>, queue: string): Promise<readonly HostDelivery[]> {
  const left: HostDelivery[] = []
  const subscription = broker.subscribe(queue, { ack: 'client-individual' }, (delivery) => {
    left.push(delivery)
    delivery.ack()
  })
  for (let before = -1; before < left.length; await turn()) {
    before = left.length
    for (let wait = 0; wait < 5; wait++) await turn()
  }
  subscription.unsubscribe()
  return left
}

/** What is left in all queues, and that nothing is anywhere else. */
async function drainAll(broker: Broker<{ readonly name: string }>): Promise<Map<string, readonly HostDelivery[]>> {
  while (broker.stats().sessions > 0) await turn()
  const left = new Map<string, readonly HostDelivery[]>()
  for (const queue of [...QUEUES.map(({ queue }) => queue), DEAD_LETTERS]) left.set(queue, await drain(broker, queue))
  expect(broker.stats()).toMatchObject({ messages: 0, unacknowledged: 0, bytes: 0 })
  return left
}

/** A memory store that keeps what it is given at once, and says so a turn later. */
function lateMemoryStore(): Store {
  const store = createMemoryStore()
  return {
    apply: (batch) => {
      store.apply(batch)
      return turn()
    },
    recover: () => store.recover(),
  }
}

describe('producers and consumers killed at random', () => {
  let program: Program

  beforeAll(async () => {
    program = await buildProgram('test/reliability/load-client.ts')
  })

  afterAll(() => program.remove())

  it('lose, double and halve nothing of 100,000 receipted messages', { timeout: TIMEOUT_MS }, async () => {
    const seed = seedOfRun()
    console.info(`nothing lost: XTOMP_SEED=${seed}`)
    const load = new Load(program, seed, false)
    const broker = await load.open()
    await load.run(100_000)
    await load.stop(true)
    const left = await drainAll(broker)
    load.ledger.balance(left)
    await broker.close()
    const { accepted, ...counts } = load.ledger.counts
    console.info(
      JSON.stringify({ accepted, ...counts, ...load.kills, left: [...left].map(([, { length }]) => length) }),
    )
    expect(load.ledger.faults.slice(0, 10)).toEqual([])
    expect(accepted).toBeGreaterThanOrEqual(100_000)
    for (const count of [...Object.values(counts), ...Object.values(load.kills)]) expect(count).toBeGreaterThan(0)
  })

  it('lose nothing of what a store keeps, which answers late, when the broker itself is closed and opened again', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const seed = seedOfRun()
    console.info(`nothing lost, with a store: XTOMP_SEED=${seed}`)
    const load = new Load(program, seed, true)
    const store = lateMemoryStore()
    const first = await load.open(store)
    await load.run(3_000)
    await load.stop(false)
    await first.close()
    load.ledger.restarted()
    const second = await load.open(store)
    await load.run(6_000)
    await load.stop(false)
    load.ledger.balance(await drainAll(second))
    await second.close()
    expect(load.ledger.faults.slice(0, 10)).toEqual([])
  })
})
