/** The primary: starts its workers, replaces those that end, and asks them all. */

import nodeCluster, { type Worker } from 'node:cluster'
import type { Socket } from 'node:net'
import type { BrokerOptions, BrokerStats, CloseOptions } from '@xtomp/core'
import type { Cluster, WorkerDestination, WorkerFacts, WorkerSession } from '../cluster.js'
import { LINK_FD } from '../link/descriptor.js'
import type { ClusterOptions } from '../options.js'
import type { Order, Question, Report, ToldDestination, ToldSession } from '../words.js'
import { nodeArguments } from './node-arguments.js'
import { createOwner, type Owner } from './owner.js'
import { Shortages } from './shortages.js'
import { mergeDestinations, sumOf } from './sums.js'
import { watchHandoffs } from './watch-handoffs.js'
import type { WorkerLink } from './worker-link.js'

/** A worker that ends sooner than that after its start is not replaced before. */
const LEAST_LIFE_MS = 1_000
/** A worker that has no more time to drain, or no link, may take so long to end, then it is killed. */
const GRACE_MS = 5_000

/** One worker, from its start to its end. */
class WorkerProcess {
  readonly worker: Worker
  readonly link: WorkerLink
  readonly number: number
  isReady = false
  /** What waits for it to say something, by the number of the question. */
  readonly asked = new Map<number, (report: Report | undefined) => void>()

  constructor(worker: Worker, number: number, connect: (stream: Socket, process: WorkerProcess) => WorkerLink) {
    this.worker = worker
    this.number = number
    this.link = connect(worker.process.stdio[LINK_FD] as Socket, this)
  }

  get pid(): number {
    return this.worker.process.pid as number
  }

  tell(order: Order): void {
    this.link.link.tell(order)
  }
}

/** Starts the workers; answers once all are ready. */
export async function startPrimary<User>(options: ClusterOptions<User>): Promise<Cluster> {
  const owner = createOwner((options.broker ?? {}) as BrokerOptions)
  // The link is inherited behind the standard streams; the channel that hands out ports is Node's own.
  const { program } = options
  const run = program === undefined ? {} : { exec: program.file, args: [...program.args] }
  nodeCluster.setupPrimary({
    ...run,
    execArgv: nodeArguments(process.execArgv, process.env.NODE_OPTIONS),
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'],
  })
  const primary = new Primary(owner, options.workers)
  try {
    await primary.start()
    return primary
  } catch (error) {
    await primary.close()
    throw error
  }
}

class Primary implements Cluster {
  readonly broker: Cluster['broker']
  opened: unknown
  readonly #owner: Owner
  readonly #count: number
  readonly #processes = new Set<WorkerProcess>()
  readonly #shortages: Shortages
  #started = 0
  #questions = 0
  #closed: Promise<void> | undefined
  #isStarted = false
  #onReady: () => void = () => undefined
  #onFailed: (error: Error) => void = () => undefined
  #onAllGone: () => void = () => undefined

  constructor(owner: Owner, count: number) {
    this.#owner = owner
    this.#count = count
    this.broker = owner.broker
    this.#shortages = new Shortages(owner.broker)
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onFailed = reject
      this.#onReady = () => {
        if (this.workers().length < this.#count) return
        this.#isStarted = true
        resolve()
      }
      for (let left = this.#count; left > 0; left--) this.#fork()
    })
  }

  workers(): readonly WorkerFacts[] {
    return this.#ready.map(({ number, pid }) => ({ worker: number, pid }))
  }

  async stats(): Promise<BrokerStats> {
    const told = await Promise.all(this.#ready.map((each) => this.#one(each, 'stats')))
    const own = this.broker.stats()
    // A queue has one subscription for each of a worker's, which counts there.
    const mirrored = [...this.#processes].reduce((sum, { link }) => sum + link.subscriptions, 0)
    return sumOf([
      { ...own, subscriptions: own.subscriptions - mirrored },
      ...told.flatMap((report) => (report?.report === 'stats' ? [report.stats] : [])),
    ])
  }

  async *sessions(): AsyncIterable<WorkerSession> {
    for (const each of this.#ready)
      for await (const page of this.#pages(each, 'sessions'))
        for (const session of page as readonly ToldSession[]) yield { ...session, worker: each.number }
  }

  async destinations(): Promise<readonly WorkerDestination[]> {
    const all: ToldDestination[][] = [[...this.broker.destinations()]]
    for (const each of this.#ready) {
      const told: ToldDestination[] = []
      for await (const page of this.#pages(each, 'destinations')) told.push(...(page as readonly ToldDestination[]))
      all.push(told)
    }
    return mergeDestinations(all)
  }

  reload(): void {
    for (const each of this.#processes) each.tell({ order: 'reload' })
  }

  close({ drainMs = 0 }: CloseOptions = {}): Promise<void> {
    this.#closed ??= this.#close(drainMs)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #ready(): WorkerProcess[] {
    return [...this.#processes].filter(({ isReady }) => isReady)
  }

  async #close(drainMs: number): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.#onAllGone = resolve
    })
    for (const each of this.#processes) each.tell({ order: 'close', drainMs })
    const stop = this.broker.clock.after(drainMs + GRACE_MS, () => {
      for (const { worker } of this.#processes) worker.process.kill('SIGKILL')
    })
    if (this.#processes.size > 0) await gone
    stop()
    await this.broker.close()
  }

  #fork(): void {
    const startedAt = this.broker.clock.now()
    const number = ++this.#started
    const worker = this.#forked(number)
    if (worker === undefined) return
    worker.on('error', () => undefined)
    watchHandoffs(worker.process, this.#shortages.watch(number))
    const process = new WorkerProcess(worker, number, (stream, own) =>
      this.#owner.connect(stream, {
        told: (report) => this.#take(own, report as Report),
        failed: (error) =>
          this.broker.logger.error({ err: error, worker: number }, 'a worker said what makes no sense'),
        // Nothing is possible without the link: the worker ends by itself, if it can. One that we have cut cannot.
        closed: () => {
          if (own.link.link.isCut) worker.process.kill('SIGKILL')
          else this.broker.clock.after(GRACE_MS, () => worker.process.kill('SIGKILL'))
        },
      }),
    )
    this.#processes.add(process)
    worker.once('exit', (code, signal) => this.#gone(process, startedAt, signal ?? code))
  }

  /** The process of a worker; undefined where the system gives none, and then nothing but the error is heard of it. */
  #forked(number: number): Worker | undefined {
    try {
      const worker = nodeCluster.fork({ XTOMP_WORKER: String(number) })
      if (worker.process.pid !== undefined) return worker
      // Node keeps it until it hears of its end.
      Reflect.deleteProperty(nodeCluster.workers ?? {}, worker.id)
      worker.once('error', (error) => this.#notForked(number, error))
    } catch (error) {
      // Node throws some faults, of too little memory above all, and tells of others later.
      this.#notForked(number, error)
    }
    return undefined
  }

  #notForked(number: number, cause: unknown): void {
    if (!this.#isStarted) {
      this.#onFailed(new Error(`worker ${number} could not be started`, { cause }))
      return
    }
    this.#shortages.noProcess(cause)
    this.#forkAfter(LEAST_LIFE_MS)
  }

  /** Where no worker is left Node closes their ports, and nothing but this timer keeps the process alive. */
  #forkAfter(delayMs: number): void {
    setTimeout(() => this.#closed === undefined && this.#fork(), delayMs)
  }

  #gone(process: WorkerProcess, startedAt: number, how: string | number): void {
    this.#processes.delete(process)
    for (const told of process.asked.values()) told(undefined)
    if (this.#closed !== undefined) {
      if (this.#processes.size === 0) this.#onAllGone()
      return
    }
    const { number } = process
    if (!this.#isStarted) {
      this.#onFailed(new Error(`worker ${number} ended before it was ready (${how})`))
      return
    }
    this.broker.logger.warn({ worker: number, how }, 'a worker is gone; another takes its place')
    const livedMs = this.broker.clock.now() - startedAt
    if (livedMs >= LEAST_LIFE_MS) this.#fork()
    else this.#forkAfter(LEAST_LIFE_MS - livedMs)
  }

  #take(process: WorkerProcess, report: Report): void {
    switch (report.report) {
      case 'ready':
        process.isReady = true
        if (this.#isStarted) this.broker.logger.info({ worker: process.number, pid: process.pid }, 'a worker is ready')
        this.opened ??= report.opened
        this.#onReady()
        break
      case 'failed':
        if (this.#isStarted) this.broker.logger.error({ worker: process.number }, report.message)
        else this.#onFailed(new Error(report.message))
        break
      default:
        process.asked.get(report.id)?.(report)
    }
  }

  /** Asks a worker what has one answer; undefined where it is gone. */
  #one(process: WorkerProcess, question: Question): Promise<Report | undefined> {
    return new Promise((resolve) => {
      const id = ++this.#questions
      process.asked.set(id, (report) => {
        process.asked.delete(id)
        resolve(report)
      })
      process.tell({ order: 'ask', id, question })
    })
  }

  async *#pages(process: WorkerProcess, question: Question): AsyncIterable<readonly unknown[]> {
    const pages: (readonly unknown[])[] = []
    let isLast = false
    let wake: () => void = () => undefined
    const id = ++this.#questions
    process.asked.set(id, (report) => {
      if (report?.report === 'page') pages.push(report.page)
      isLast = report?.report !== 'page' || report.isLast
      if (isLast) process.asked.delete(id)
      wake()
    })
    process.tell({ order: 'ask', id, question })
    for (;;) {
      const page = pages.shift()
      if (page !== undefined) yield page
      else if (isLast) return
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }
}
