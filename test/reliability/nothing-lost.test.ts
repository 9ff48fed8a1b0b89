/** No message is lost, doubled or halved, whoever is killed when. */

import { type Broker, createBroker, createMemoryStore, type Store } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectBuilt } from '../support/built.js'
import { buildProgram, type Program } from '../support/child-program.js'
import { randomFrom, seedOfRun } from '../support/random.js'
import { isLinux } from '../support/tcp-sockets.js'
import { turn } from '../support/variants.js'
import { BrokerLedger } from './broker-ledger.js'
import { ClientLedger, type Left } from './client-ledger.js'
import { type Client, ClientNotes, type Role } from './client-notes.js'
import { type Doomed, KillableWorkers } from './killable-workers.js'
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
  /** A worker to kill beside a client; undefined where the one killed last was not replaced yet. */
  workerToKill?(random: () => number): Doomed | undefined
}

/** Producers and consumers at one place after the other, killed at random and replaced. */
class Load {
  readonly notes = new ClientNotes()
  readonly kills: Record<Role | 'worker', number> = { producer: 0, consumer: 0, worker: 0 }
  readonly #program: Program
  readonly #random: () => number
  readonly #running: Client[] = []
  #place: Place = { port: 0 }
  #started = 0
  #killAt = 0
  /** Nobody is killed any more to be replaced. */
  #isOver = false
  /** Until it resolves, who connects may get to a worker that was killed. */
  #replacing: Promise<void> | undefined
  readonly #ends: Promise<void>[] = []
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
    this.#isOver = false
    while (this.#running.filter(({ role }) => role === 'producer').length < PRODUCERS) this.#start('producer')
    while (this.#running.filter(({ role }) => role === 'consumer').length < CONSUMERS) this.#start('consumer')
    while ((this.notes.receipted < receipts || this.kills.worker < workersKilled) && this.#crash === undefined)
      await new Promise<void>((resolve) => (this.#onReceipts = resolve))
    if (this.#crash !== undefined) throw this.#crash
  }

  /** Kills all producers, and all consumers unless they may finish what they have; resolves when all clients are gone. */
  async stop(consumersFinish: boolean): Promise<void> {
    this.#isOver = true
    await this.#replacing
    for (const client of this.#running.splice(0)) {
      this.notes.loses(client)
      await (client.role === 'producer' || !consumersFinish ? client.child.kill() : client.child.finish())
    }
    await Promise.all(this.#ends)
    if (this.#crash !== undefined) throw this.#crash
  }

  /** Something went wrong: it ends with that. */
  readonly fail = (text: string, cause?: unknown): void => {
    this.#crash ??= new Error(text, { cause })
    this.#isOver = true
    this.#onReceipts?.()
  }

  #start(role: Role): void {
    const name = `${role}${++this.#started}`
    const child = this.#program.start(role, String(this.#place.port), name)
    const client = this.notes.add(role, name, child)
    child.onLine((line) => {
      this.notes.wrote(client, line)
      if (role === 'producer') this.#look()
    })
    this.#running.push(client)
    if (this.#replacing !== undefined) this.notes.losesWorker(client)
    this.#ends.push(child.ended.then((code) => this.#ended(client, code)))
  }

  async #ended(client: Client, code: number | undefined): Promise<void> {
    const isRight = code === undefined ? client.child.isKilled : code === 0 || (code === CUT && client.mayBeCut)
    if (!isRight) this.fail(`${client.name} ended with ${code}`)
    // Its worker was killed: another connects in its place.
    else if (code === CUT && this.#takeOut(client) && this.#crash === undefined) this.#start(client.role)
    // Most of what the others had written by then is read in a turn.
    await turn()
    await turn()
    this.notes.ended(client, code === 0)
  }

  /** There may have been enough RECEIPTs to kill somebody, or to end. */
  #look(): void {
    if (this.notes.receipted >= this.#killAt && !this.#isOver) {
      this.#planKill()
      try {
        this.#killOne()
      } catch (error) {
        this.fail('nobody could be killed', error)
      }
    }
    this.#onReceipts?.()
  }

  #killOne(): void {
    // Who is in danger is known once everybody knows who has survived the last time.
    const doomed = this.#replacing === undefined ? this.#place.workerToKill?.(this.#random) : undefined
    if (doomed !== undefined) this.#killWorker(doomed)
    const killed = this.#running[Math.floor(this.#random() * this.#running.length)]
    if (killed === undefined || !this.#takeOut(killed)) return
    this.notes.loses(killed)
    void killed.child.kill()
    this.kills[killed.role]++
    this.#start(killed.role)
  }

  #killWorker(doomed: Doomed): void {
    const inDanger = this.#running.filter(({ session }) => !doomed.others.has(session))
    for (const client of inDanger) this.notes.losesWorker(client)
    doomed.kill()
    this.kills.worker++
    this.#replacing = doomed
      .replaced()
      .then((connected) => {
        for (const client of this.#running) if (connected.has(client.session)) this.notes.keepsWorker(client)
      })
      .catch((error: unknown) => this.fail('a worker was not replaced', error))
      .finally(() => (this.#replacing = undefined))
  }

  #takeOut(client: Client): boolean {
    const at = this.#running.indexOf(client)
    if (at >= 0) this.#running.splice(at, 1)
    return at >= 0
  }

  #planKill(): void {
    this.#killAt = this.notes.receipted + KILL_EVERY * (0.5 + this.#random())
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
    const clientLedger = new ClientLedger(load.notes)
    clientLedger.balance(left)
    ledger.balance(load.notes, left)
    await broker.close()
    const { accepted, ...counts } = ledger.counts
    const { producer, consumer } = load.kills
    show({ accepted, ...counts, ...load.kills, ...clientLedger.counts }, left)
    expect(ledger.faults.slice(0, 10)).toEqual([])
    expect(clientLedger.faults.slice(0, 10)).toEqual([])
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
    load.notes.restarted()
    const second = await open(ledger, load, store)
    await load.run(second.place, 6_000)
    await load.stop(false)
    const left = await drainAll(second.broker)
    const clientLedger = new ClientLedger(load.notes)
    clientLedger.balance(left)
    ledger.balance(load.notes, left)
    await second.broker.close()
    expect(ledger.faults.slice(0, 10)).toEqual([])
    expect(clientLedger.faults.slice(0, 10)).toEqual([])
  })

  it.skipIf(!isLinux)(
    'lose, double and halve nothing of 30,000 receipted messages over xtomp serve --workers 2, whose workers are killed too',
    {
      timeout: TIMEOUT_MS,
    },
    async () => {
      const seed = seedOfRun()
      console.info(`nothing lost, over workers: XTOMP_SEED=${seed}`)
      const load = new Load(program, seed)
      const workers = await KillableWorkers.start()
      void workers.ended.then((code) => load.fail(`the command ended with ${code}`))
      await load.run(workers, 30_000, LEAST_WORKERS_KILLED)
      await load.stop(true)
      const left = await workers.takeAll(ALL_QUEUES)
      await workers.stop()
      const ledger = new ClientLedger(load.notes)
      ledger.balance(left)
      const { missed, ...counts } = ledger.counts
      show({ ...counts, missed, ...load.kills }, left)
      expect(ledger.faults.slice(0, 10)).toEqual([])
      expect(workers.ends).toEqual(Array.from({ length: load.kills.worker }, () => 'SIGKILL'))
      expect(workers.errors).toEqual([])
      for (const count of [...Object.values(counts), ...Object.values(load.kills)]) expect(count).toBeGreaterThan(0)
    },
  )
})

function show(counts: object, left: ReadonlyMap<string, readonly Left[]>): void {
  console.info(JSON.stringify({ ...counts, left: [...left].map(([, { length }]) => length) }))
}
