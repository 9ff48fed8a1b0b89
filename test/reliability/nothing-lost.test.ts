/** No message is lost, doubled or halved, whoever is killed when. */

import type { WorkerFacts } from '@xtomp/cluster'
import { type Broker, type BrokerStats, createBroker, createMemoryStore, type Store } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectBuilt } from '../support/built.js'
import { buildProgram, type Program } from '../support/child-program.js'
import { Host } from '../support/host.js'
import { randomFrom, seedOfRun } from '../support/random.js'
import { turn } from '../support/variants.js'
import { BrokerLedger } from './broker-ledger.js'
import { type Client, ClientLedger, type Left, type Role } from './client-ledger.js'
import { CUT, DEAD_LETTERS, QUEUES } from './load.js'

const PRODUCERS = 3
const CONSUMERS = 4
const TIMEOUT_MS = 120_000
/** Between two kills there are that many receipts, give or take half of it. */
const KILL_EVERY = 2_000
const LEAST_WORKERS_KILLED = 5
const ALL_QUEUES = [...QUEUES.map(({ queue }) => queue), DEAD_LETTERS]

/** What clients connect to. */
interface Place {
  readonly port: number
  /** Kills a worker, beside each client; answers false where the one killed last was not replaced yet. */
  killWorker?(random: () => number): Promise<boolean>
}

/** Producers and consumers at one place after the other, killed at random and replaced. */
class Load {
  readonly ledger = new ClientLedger()
  readonly kills: Record<Role | 'worker', number> = { producer: 0, consumer: 0, worker: 0 }
  readonly #program: Program
  readonly #random: () => number
  readonly #running: Client[] = []
  #place: Place = { port: 0 }
  #started = 0
  #killAt = 0
  #onReceipts: (() => void) | undefined
  #crash: Error | undefined

  constructor(program: Program, seed: number) {
    this.#program = program
    this.#random = randomFrom(seed)
    this.#planKill()
  }

  /** Runs until producers have had so many RECEIPTs in all, and so many workers were killed. */
  async run(place: Place, receipts: number, workersKilled = 0): Promise<void> {
    this.#place = place
    while (this.#running.filter(({ role }) => role === 'producer').length < PRODUCERS) this.#start('producer')
    while (this.#running.filter(({ role }) => role === 'consumer').length < CONSUMERS) this.#start('consumer')
    while ((this.ledger.receipted < receipts || this.kills.worker < workersKilled) && this.#crash === undefined)
      await new Promise<void>((resolve) => (this.#onReceipts = resolve))
    if (this.#crash !== undefined) throw this.#crash
  }

  /** Kills all producers, and all consumers unless they may finish what they have; resolves when all clients are gone. */
  async stop(consumersFinish: boolean): Promise<void> {
    for (const { role, name, child } of this.#running.splice(0)) {
      if (role === 'producer' || !consumersFinish) await child.kill()
      else expect(this.#mayEndWith(await child.finish()), `the end of ${name}`).toBe(true)
    }
    await Promise.all([...this.ledger.clients.values()].map(({ child }) => child.ended))
    if (this.#crash !== undefined) throw this.#crash
  }

  /** Something went wrong: it ends with that. */
  readonly fail = (text: string, cause?: unknown): void => {
    this.#crash ??= new Error(text, { cause })
    this.#onReceipts?.()
  }

  #start(role: Role): void {
    const name = `${role}${++this.#started}`
    const child = this.#program.start(role, String(this.#place.port), name)
    const client = this.ledger.add(role, name, child)
    child.onLine((line) => {
      if (role === 'consumer') this.ledger.took(client, line)
      else this.#sent(client, line)
    })
    this.#running.push(client)
    void child.ended.then((code) => this.#ended(client, code))
  }

  #ended(client: Client, code: number | undefined): void {
    this.ledger.ended(client, code === 0)
    if (code !== undefined && !this.#mayEndWith(code)) this.fail(`${client.name} ended with ${code}`)
    // Its worker was killed: another connects in its place.
    else if (code === CUT && this.#takeOut(client)) this.#start(client.role)
  }

  /** A client ends by itself when it has left, and with the worker that it was connected to. */
  #mayEndWith(code: number | undefined): boolean {
    return code === 0 || (code === CUT && this.#place.killWorker !== undefined)
  }

  #sent(client: Client, line: string): void {
    this.ledger.sent(client, line)
    if (this.ledger.receipted >= this.#killAt && this.#running.length > 0) {
      this.#planKill()
      void this.#killOne()
    }
    this.#onReceipts?.()
  }

  async #killOne(): Promise<void> {
    const { killWorker } = this.#place
    if (killWorker !== undefined && (await killWorker(this.#random))) {
      this.ledger.workerKilled()
      this.kills.worker++
    }
    const killed = this.#running[Math.floor(this.#random() * this.#running.length)]
    if (killed === undefined || !this.#takeOut(killed)) return
    void killed.child.kill()
    this.kills[killed.role]++
    this.#start(killed.role)
  }

  #takeOut(client: Client): boolean {
    const at = this.#running.indexOf(client)
    if (at >= 0) this.#running.splice(at, 1)
    return at >= 0
  }

  #planKill(): void {
    this.#killAt = this.ledger.receipted + KILL_EVERY * (0.5 + this.#random())
  }
}

type Opened = Broker<{ readonly name: string }>

/** Opens a broker in this process, with the hooks and listeners of the ledger. */
async function open(ledger: BrokerLedger, load: Load, store?: Store): Promise<{ broker: Opened; place: Place }> {
  const broker = createBroker({
    hooks: {
      authenticate: ({ login = '' }) => ({ name: login }),
      deliver: (message, { user, subscription }) => ledger.delivered(message, user.name, subscription),
    },
    logger: { info: () => undefined, warn: () => undefined, error: ({ err }, text) => load.fail(text, err) },
    ...(store === undefined ? {} : { store }),
  })
  ledger.listen(broker)
  const { port = 0 } = await listen(broker, { port: 0 })
  return { broker, place: { port } }
}

/** All that is left in a queue, taken by the host. */
async function drain(broker: Opened, queue: string): Promise<readonly Left[]> {
  const left: Left[] = []
  const subscription = broker.subscribe(queue, { ack: 'client-individual' }, (delivery) => {
    const { message, redelivered } = delivery
    left.push({ id: message.id, text: message.text(), redelivered })
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
async function drainAll(broker: Opened): Promise<Map<string, readonly Left[]>> {
  while (broker.stats().sessions > 0) await turn()
  const left = new Map<string, readonly Left[]>()
  for (const queue of ALL_QUEUES) left.set(queue, await drain(broker, queue))
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
    expectBuilt()
    program = await buildProgram('test/reliability/load-client.ts')
  })

  afterAll(() => program.remove())

  it('lose, double and halve nothing of 100,000 receipted messages', { timeout: TIMEOUT_MS }, async () => {
    const seed = seedOfRun()
    console.info(`nothing lost: XTOMP_SEED=${seed}`)
    const load = new Load(program, seed)
    const ledger = new BrokerLedger({ isStored: false })
    const { broker, place } = await open(ledger, load)
    await load.run(place, 100_000)
    await load.stop(true)
    const left = await drainAll(broker)
    load.ledger.balance(left)
    ledger.balance(load.ledger, left)
    await broker.close()
    const { accepted, ...counts } = ledger.counts
    const { producer, consumer } = load.kills
    show({ accepted, ...counts, ...load.kills, ...load.ledger.counts }, left)
    expect(ledger.faults.slice(0, 10)).toEqual([])
    expect(load.ledger.faults.slice(0, 10)).toEqual([])
    expect(accepted).toBeGreaterThanOrEqual(100_000)
    for (const count of [...Object.values(counts), producer, consumer]) expect(count).toBeGreaterThan(0)
  })

  it('lose nothing of what a store keeps, which answers late, when the broker itself is closed and opened again', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const seed = seedOfRun()
    console.info(`nothing lost, with a store: XTOMP_SEED=${seed}`)
    const load = new Load(program, seed)
    const ledger = new BrokerLedger({ isStored: true })
    const store = lateMemoryStore()
    const first = await open(ledger, load, store)
    await load.run(first.place, 3_000)
    await load.stop(false)
    await first.broker.close()
    ledger.restarted()
    load.ledger.restarted()
    const second = await open(ledger, load, store)
    await load.run(second.place, 6_000)
    await load.stop(false)
    const left = await drainAll(second.broker)
    load.ledger.balance(left)
    ledger.balance(load.ledger, left)
    await second.broker.close()
    expect(ledger.faults.slice(0, 10)).toEqual([])
    expect(load.ledger.faults.slice(0, 10)).toEqual([])
  })

  it('lose, double and halve nothing of 30,000 receipted messages over two workers, which are killed too', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const seed = seedOfRun()
    console.info(`nothing lost, over workers: XTOMP_SEED=${seed}`)
    const load = new Load(program, seed)
    const host = await Host.start()
    await load.run(await placeOf(host), 30_000, LEAST_WORKERS_KILLED)
    await load.stop(true)
    const left = await takeAll(host)
    load.ledger.balance(left)
    const { missed, ...counts } = load.ledger.counts
    show({ ...counts, missed, ...load.kills }, left)
    expect(load.ledger.faults.slice(0, 10)).toEqual([])
    const isEmpty = (stats: BrokerStats): boolean =>
      stats.messages === 0 && stats.unacknowledged === 0 && stats.bytes === 0
    await host.until('stats', isEmpty)
    const ends = await host.until<readonly unknown[]>('ends', ({ length }) => length >= load.kills.worker)
    expect(ends).toEqual(Array.from({ length: load.kills.worker }, () => 'SIGKILL'))
    for (const count of [...Object.values(counts), ...Object.values(load.kills)]) expect(count).toBeGreaterThan(0)
  })
})

function show(counts: object, left: ReadonlyMap<string, readonly Left[]>): void {
  console.info(JSON.stringify({ ...counts, left: [...left].map(([, { length }]) => length) }))
}

/** Two workers in processes of their own. */
async function placeOf(host: Host): Promise<Place> {
  const { port } = await host.ask<{ readonly port: number }>('opened')
  const killed = new Set<number>()
  return {
    port,
    killWorker: async (random) => {
      const workers = await host.ask<readonly WorkerFacts[]>('workers')
      const pid = workers[Math.floor(random() * workers.length)]?.pid
      // The primary may not have heard of the last one's end.
      if (pid === undefined || workers.length < 2 || workers.some((each) => killed.has(each.pid))) return false
      killed.add(pid)
      return process.kill(pid, 'SIGKILL')
    },
  }
}

/** What is left in all queues of a cluster. */
async function takeAll(host: Host): Promise<Map<string, readonly Left[]>> {
  await host.until<BrokerStats>('stats', ({ sessions }) => sessions === 0)
  const left = new Map<string, readonly Left[]>()
  for (const queue of ALL_QUEUES) left.set(queue, await host.ask<readonly Left[]>('take', queue))
  return left
}
