/** One run: processes of clients are started, told what to do, and listened to. */

import { setTimeout as pause } from 'node:timers/promises'
import { Histogram } from '../load/histogram.js'
import { nowUs } from '../load/now.js'
import type { Plan, WorkloadName } from '../load/plan.js'
import type { Fault } from '../load/session.js'
import { type BrokerFigures, figuresOfBroker } from './broker-watch.js'
import { ClientProcess } from './client-process.js'
import { type Counts, type Sample, Timeline } from './timeline.js'

/** What a run needs to know beside its plans. */
export interface RunOptions {
  readonly workload: WorkloadName
  readonly pids: readonly number[]
  /** How long nothing may happen, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  sampled?(sample: Sample): void
}

/** What a workload counts. */
const UNITS: Readonly<Record<WorkloadName, 'connections' | 'received' | 'cycles'>> = {
  connect: 'connections',
  hold: 'connections',
  fanout: 'received',
  queue: 'received',
  echo: 'received',
  churn: 'cycles',
  storm: 'connections',
}
const A_SECOND_US = 1_000_000

/** A run. Its promises reject as soon as something goes wrong; whatever happens, it is to be ended. */
export class Run {
  readonly processes: readonly ClientProcess[]
  readonly bystander: ClientProcess | undefined
  /** How long things took that the clients did. */
  readonly times = new Histogram()
  /** How long things took that the bystander did. */
  readonly bystanderTimes = new Histogram()
  readonly #options: RunOptions
  readonly #timeline = new Timeline()
  readonly #beginUs = nowUs()
  readonly #ticks: NodeJS.Timeout
  readonly #failed: Promise<never>
  #fail: (fault: Fault) => void = () => undefined
  #heard: (() => void) | undefined
  #lastHeardMs = performance.now()
  #lastSum = -1
  #elsewhere = 0
  #isOver = false

  constructor(plans: readonly Plan[], options: RunOptions, bystander?: Plan) {
    this.#options = options
    this.#failed = new Promise((_, reject) => {
      this.#fail = ({ message, code }) => {
        if (!this.#isOver) reject(Object.assign(new Error(message), { code }))
      }
    })
    this.#failed.catch(() => undefined)
    options.signal?.addEventListener('abort', () => this.#fail({ message: 'it was stopped before it was done' }))
    const events = {
      progress: (process: ClientProcess) => this.#hear(process),
      opened: () => this.#heard?.(),
      seen: () => this.#passOn(),
      rested: () => this.#heard?.(),
      fault: (fault: Fault) => this.#fail(fault),
    }
    this.processes = plans.map((plan) => new ClientProcess(plan, events))
    this.bystander = bystander === undefined ? undefined : new ClientProcess(bystander, events)
    this.#ticks = setInterval(() => this.#tick(), plans[0]?.sampleMs)
  }

  get samples(): readonly Sample[] {
    return this.#timeline.samples
  }

  /** Sums over all processes. */
  get counts(): Counts & { readonly lastUs: number } {
    const all = this.processes.map(({ progress }) => progress)
    const sum = (of: (counts: Counts) => number): number => all.reduce((total, progress) => total + of(progress), 0)
    return {
      connections: sum(({ connections }) => connections),
      sent: sum(({ sent }) => sent),
      received: sum(({ received }) => received),
      cycles: sum(({ cycles }) => cycles),
      retries: sum(({ retries }) => retries),
      lastUs: Math.max(...all.map(({ lastUs }) => lastUs)),
    }
  }

  /** Resolves when all processes run: what that takes is no broker's fault. */
  async start(): Promise<void> {
    for (const process of this.processes) process.order({ open: 0 })
    await this.until(() => this.processes.every(({ opened }) => opened === 0))
    // However short it is to be: what there was without connections belongs to it, and what there was with all.
    this.#tick()
  }

  /** Opens connections until each process has this share of its own; answers how long that took, in seconds. */
  async open(share = 1): Promise<number> {
    const begunUs = nowUs()
    const wanted = this.processes.map(({ plan }) => Math.ceil(plan.connections * share))
    this.processes.forEach((process, at) => void process.order({ open: wanted[at] ?? 0 }))
    await this.until(() => this.processes.every(({ opened }, at) => opened === wanted[at]))
    const seconds = (nowUs() - begunUs) / A_SECOND_US
    this.#tick()
    return seconds
  }

  /** Lets all send nothing any more; resolves when they do. */
  async rest(): Promise<void> {
    for (const process of this.processes) process.order({ rest: true })
    await this.until(() => this.processes.every(({ isResting }) => isResting))
  }

  /** Resolves with true when something is so, or with false after a time. @throws Error when nothing happens for long */
  async until(isSo: () => boolean, mostMs?: number): Promise<boolean> {
    this.#lastHeardMs = performance.now()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => {
      if (mostMs !== undefined) timer = setTimeout(resolve, mostMs, false)
    })
    const done = new Promise<true>((resolve) => {
      this.#heard = () => {
        if (isSo()) resolve(true)
      }
      this.#heard()
    })
    try {
      return await Promise.race([done, late, this.#failed])
    } finally {
      clearTimeout(timer)
      this.#heard = undefined
    }
  }

  /** Lets some time pass in which nothing need happen. */
  async pass(ms: number): Promise<void> {
    const passed = new AbortController()
    try {
      await Promise.race([pause(ms, undefined, { signal: passed.signal }), this.#failed])
    } finally {
      passed.abort()
    }
  }

  /** Cuts all connections, and waits until all are back; answers how long that took, in seconds. */
  async storm(): Promise<number> {
    const begunUs = nowUs()
    for (const process of this.processes) process.order({ cut: true })
    await this.until(() => this.processes.every(({ opened, plan }) => opened === plan.connections))
    return (this.counts.lastUs - begunUs) / A_SECOND_US
  }

  /** What the system says of the broker. */
  broker(): BrokerFigures | undefined {
    return figuresOfBroker(this.#options.pids)
  }

  /** Hears the last words of all processes, and waits until they are gone. */
  async end(): Promise<void> {
    this.#isOver = true
    clearInterval(this.#ticks)
    const all = this.bystander === undefined ? this.processes : [...this.processes, this.bystander]
    await Promise.all(all.map((process) => process.end()))
  }

  #hear(process: ClientProcess): void {
    const { times } = process.progress
    if (process === this.bystander) this.bystanderTimes.add(times)
    else for (const histogram of [this.times, this.#timeline.times]) histogram.add(times)
    this.#heard?.()
  }

  /** Tells the producer of a fan-out what the other processes have seen. */
  #passOn(): void {
    const [first, ...others] = this.processes
    const elsewhere = others.reduce((total, { seen }) => total + seen, 0)
    if (elsewhere === this.#elsewhere) return
    this.#elsewhere = elsewhere
    first?.order({ elsewhere })
  }

  #tick(): void {
    try {
      const { workload } = this.#options
      const counts = this.counts
      const units = counts[UNITS[workload]]
      const ms = (nowUs() - this.#beginUs) / 1_000
      const sample = this.#timeline.add(ms, { connections: counts.connections, units }, this.broker())
      this.#options.sampled?.(sample)
      this.#lookForStandStill(counts)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #lookForStandStill({ connections, received, cycles, retries }: Counts): void {
    const sum = connections + received + cycles + retries
    if (sum !== this.#lastSum) this.#lastHeardMs = performance.now()
    this.#lastSum = sum
    // Where nobody waits for anything, nothing need happen.
    if (this.#heard === undefined || performance.now() - this.#lastHeardMs < this.#options.timeoutMs) return
    const seconds = this.#options.timeoutMs / 1_000
    this.#fail({ message: `nothing has happened for ${seconds} s: ${connections} sessions, ${received} deliveries` })
  }
}
