/** Measures a broker under one workload. */

import { cpus, totalmem } from 'node:os'
import { nowUs } from '../load/now.js'
import type { Plan, WorkloadName } from '../load/plan.js'
import { type BrokerFigures, figuresOfBroker } from './broker-watch.js'
import { faultText } from './faults.js'
import type { Result, ServerFigures } from './result.js'
import { Run } from './run.js'
import { type LoadOptions, type Settings, settingsOf } from './settings.js'
import { bystanderOf, sharesOf, wantedOf } from './shares.js'
import { shownUrl, targetOf } from './target.js'
import type { Sample } from './timeline.js'
import { type Times, timesOf } from './times.js'

/** Who hears of a run while it goes on, and who may stop it. */
export interface Listening {
  /** Ends the run when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Called every now and then, a few times a second. */
  sampled?(sample: Sample): void
}

/** How long a broker may rest before its memory is read, at the most. */
const REST_MS = 2_000
/** Of a `hold`, so much is held first: what a broker needs for the first connections is not theirs alone. */
const FEW = 0.05
/** Fewer connections than these show nothing of what one takes. */
const LEAST_ADDED = 100
const CALM_MS = 500
const A_SECOND_US = 1_000_000

/**
 * Loads a broker, and resolves with what came out of it, whether that went well or not.
 * @throws TypeError where an option makes no sense
 */
export async function measure(
  workload: WorkloadName,
  options: LoadOptions = {},
  listening: Listening = {},
): Promise<Result> {
  const settings = settingsOf(workload, options)
  const measurement = new Measurement(workload, settings)
  try {
    listening.signal?.throwIfAborted()
    await measurement.run(listening)
    return measurement.result()
  } catch (error) {
    if (error instanceof TypeError) throw error
    const { message, code } = error as NodeJS.ErrnoException
    return measurement.result(faultText({ message, code }, settings.url))
  }
}

/** What is known so far. */
class Measurement {
  readonly #workload: WorkloadName
  readonly #settings: Settings
  readonly #date = new Date().toISOString()
  #run: Run | undefined
  #plans: readonly Plan[] = []
  #connections = 0
  #connectSeconds = 0
  #connectTimes: Times | undefined
  #before: BrokerFigures | undefined
  #few: { readonly connections: number; readonly bytes: number } | undefined
  #connected: BrokerFigures | undefined
  #after: BrokerFigures | undefined
  #goUs = 0
  #workUs = 0
  #times: Times | undefined
  #seconds: number[] = []
  #calm: Times | undefined

  constructor(workload: WorkloadName, settings: Settings) {
    this.#workload = workload
    this.#settings = settings
  }

  async run({ signal, sampled }: Listening): Promise<void> {
    const { url, pids, timeoutSeconds } = this.#settings
    const target = await targetOf(url, this.#settings)
    this.#before = figuresOfBroker(pids)
    this.#plans = sharesOf(this.#workload, this.#settings, target)
    const [plan] = this.#plans as [Plan]
    const bystander = this.#workload === 'storm' ? bystanderOf(plan, this.#settings.connections) : undefined
    const options = { workload: this.#workload, pids, timeoutMs: timeoutSeconds * 1_000, signal }
    const run = new Run(this.#plans, { ...options, ...(sampled && { sampled }) }, bystander)
    this.#run = run
    try {
      await run.start()
      await this.#connect(run)
      if (this.#workload === 'hold') await run.pass(this.#settings.seconds * 1_000)
      else if (this.#workload === 'storm') await this.#storm(run)
      else if (this.#workload !== 'connect') await this.#work(run)
      this.#after = run.broker()
    } finally {
      // What failed may have failed early.
      if (this.#connectTimes === undefined) this.#noteConnections(run)
      await run.end()
      if (this.#goUs > 0) this.#times = timesOf(run.times)
    }
  }

  /** What came out of it, or as much as there is, with what went wrong. */
  result(fault?: string): Result {
    const { url } = this.#settings
    const run = this.#run
    const [cpu] = cpus()
    const counts = run?.counts
    const isWork = this.#goUs > 0 && this.#workload !== 'storm'
    const seconds = isWork && run !== undefined ? this.#workSeconds(run) : 0
    const units = this.#workload === 'churn' ? counts?.cycles : counts?.received
    return {
      workload: this.#workload,
      broker: shownUrl(url),
      isOk: fault === undefined,
      ...(fault !== undefined && { fault }),
      date: this.#date,
      node: process.version,
      machine: `${process.platform} ${process.arch}, ${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB`,
      asked: asked(this.#workload, this.#settings),
      processes: this.#plans.length,
      connections: this.#connections,
      connect: {
        perSecond: this.#connectSeconds > 0 ? Math.round(this.#connections / this.#connectSeconds) : 0,
        seconds: this.#connectSeconds,
        times: this.#connectTimes,
      },
      ...(isWork &&
        counts !== undefined && {
          work: {
            seconds,
            sent: counts.sent,
            received: counts.received,
            cycles: counts.cycles,
            perSecond: seconds > 0 ? Math.round((units ?? 0) / seconds) : 0,
            times: this.#times,
          },
        }),
      ...(this.#workload === 'storm' && {
        storm: {
          seconds: this.#seconds,
          retries: counts?.retries ?? 0,
          times: this.#times,
          bystanderBefore: this.#calm,
          bystanderDuring: run && timesOf(run.bystanderTimes),
        },
      }),
      server: this.#server(seconds),
      clientBytes: Math.max(0, ...(run?.processes ?? []).map(({ progress }) => progress.memoryBytes)),
      samples: run?.samples ?? [],
    }
  }

  async #connect(run: Run): Promise<void> {
    const restMs = Math.min(REST_MS, this.#settings.seconds * 250)
    if (this.#workload === 'hold' && this.#before !== undefined) {
      this.#connectSeconds = await run.open(FEW)
      await run.pass(restMs)
      this.#few = { connections: run.counts.connections, bytes: run.broker()?.memoryBytes ?? 0 }
    }
    this.#connectSeconds += await run.open()
    this.#noteConnections(run)
    // What came with connections may leave again when it has been collected: a held one is weighed at the end.
    if (this.#before !== undefined) await run.pass(restMs)
    this.#connected = run.broker()
  }

  #noteConnections(run: Run): void {
    this.#connections = run.counts.connections
    this.#connectTimes = timesOf(run.times)
    run.times.clear()
  }

  async #work(run: Run): Promise<void> {
    const { seconds, messages } = this.#settings
    const wanted = wantedOf(this.#workload, this.#plans)
    const isChurn = this.#workload === 'churn'
    this.#goUs = nowUs()
    for (const process of run.processes) process.order({ go: true })
    await run.until(
      () => {
        const { cycles, received } = run.counts
        return wanted !== undefined && (isChurn ? cycles : received) >= wanted
      },
      messages === undefined ? seconds * 1_000 : undefined,
    )
    this.#workUs = nowUs()
    await run.rest()
    // What is on its way still belongs to it; and a queue is left empty.
    const deliveries = this.#workload === 'fanout' ? this.#settings.connections : 1
    if (!isChurn) await run.until(() => run.counts.received >= run.counts.sent * deliveries)
  }

  /** Deliveries count until the last has come. */
  #workSeconds(run: Run): number {
    const { lastUs } = run.counts
    const endUs = this.#workload === 'churn' ? this.#workUs : lastUs
    return Math.max(0, (endUs - this.#goUs) / A_SECOND_US)
  }

  async #storm(run: Run): Promise<void> {
    const { bystander } = run
    bystander?.order({ open: 1 })
    await run.until(() => bystander?.opened === 1)
    run.bystanderTimes.clear()
    bystander?.order({ go: true })
    await run.pass(CALM_MS)
    this.#calm = timesOf(run.bystanderTimes)
    run.bystanderTimes.clear()
    this.#goUs = nowUs()
    for (let storm = 0; storm < this.#settings.storms; storm++) {
      this.#seconds.push(await run.storm())
      await run.pass(CALM_MS)
    }
    this.#workUs = nowUs()
  }

  #server(workSeconds: number): ServerFigures | undefined {
    const [before, connected, after] = [this.#before, this.#connected, this.#after]
    if (before === undefined || connected === undefined || after === undefined) return undefined
    const few = this.#few ?? { connections: 0, bytes: before.memoryBytes }
    // Of what is held, the end counts: by then it has been collected.
    const many = this.#workload === 'hold' ? after.memoryBytes : connected.memoryBytes
    const added = this.#connections - few.connections
    const cpuSeconds = after.cpuSeconds - connected.cpuSeconds
    const seconds =
      workSeconds > 0
        ? workSeconds
        : this.#workload === 'hold'
          ? this.#settings.seconds
          : (this.#workUs - this.#goUs) / A_SECOND_US
    return {
      bytesBefore: before.memoryBytes,
      bytesConnected: connected.memoryBytes,
      bytesAfter: after.memoryBytes,
      // A process that gave back what it had from others says nothing of these.
      ...(added >= LEAST_ADDED && many > few.bytes && { bytesPerConnection: Math.round((many - few.bytes) / added) }),
      between: [few.connections, this.#connections],
      cpuSeconds,
      cpuShare: seconds > 0 ? cpuSeconds / seconds : 0,
    }
  }
}

/** What was asked for that makes a difference to this workload. */
function asked(workload: WorkloadName, settings: Settings): Record<string, string | number> {
  const {
    connections,
    producers,
    consumers,
    seconds,
    messages,
    window,
    rate,
    bodyBytes,
    ack,
    receiptEvery,
    heartBeat,
    storms,
  } = settings
  const bound: Record<string, number> = messages === undefined ? { seconds } : { messages }
  const pace: Record<string, number> = rate === undefined ? {} : { rate }
  const beats: Record<string, string> = heartBeat === '0,0' ? {} : { heartBeat }
  const own: Readonly<Record<WorkloadName, Record<string, string | number>>> = {
    connect: { connections },
    hold: { connections, seconds },
    fanout: { subscribers: connections, window, bodyBytes, ...bound, ...pace },
    queue: { producers, consumers, ack, receiptEvery, bodyBytes, ...bound, ...pace },
    echo: { connections, bodyBytes, ...bound },
    churn: { connections, ...bound },
    storm: { connections, storms },
  }
  return { ...own[workload], ...beats }
}
