/** How a run went, moment by moment. */

import { Histogram } from '../load/histogram.js'
import type { Progress } from '../load/plan.js'
import type { BrokerFigures } from './broker-watch.js'

/** One moment. */
export interface Sample {
  /** Since the run began, in milliseconds. */
  readonly ms: number
  readonly connections: number
  /** Deliveries, sessions that came and went, or sessions that came, each second since the moment before. */
  readonly perSecond: number
  /** How long things took since the moment before, in microseconds; without them, there was nothing. */
  readonly p50Us?: number | undefined
  readonly p99Us?: number | undefined
  readonly maxUs?: number | undefined
  /** The broker's resident memory, in octets. */
  readonly brokerBytes?: number | undefined
  /** The broker's share of a core. */
  readonly brokerCpu?: number | undefined
}

/** The system counts processor time in hundredths of a second: of less time than this it says nothing. */
const LEAST_SECONDS = 0.1
/** More than this, and two become one. */
const MOST_SAMPLES = 1_200

/** Sums over the processes. */
export type Counts = Pick<Progress, 'connections' | 'sent' | 'received' | 'cycles' | 'retries'>

/** Gathers the samples of a run. */
export class Timeline {
  #samples: Sample[] = []
  #last: { ms: number; units: number; cpuSeconds: number | undefined } = { ms: 0, units: 0, cpuSeconds: undefined }
  readonly #times = new Histogram()

  /** Times that belong to the next sample. */
  get times(): Histogram {
    return this.#times
  }

  get samples(): readonly Sample[] {
    return this.#samples
  }

  /** Another moment; `units` is what is counted. */
  add(ms: number, { connections, units }: { connections: number; units: number }, broker?: BrokerFigures): Sample {
    const { ms: before, units: unitsBefore, cpuSeconds } = this.#last
    const seconds = Math.max(ms - before, 1) / 1_000
    const has = this.#times.count > 0
    const sample: Sample = {
      ms: Math.round(ms),
      connections,
      perSecond: Math.max(0, Math.round((units - unitsBefore) / seconds)),
      ...(has && {
        p50Us: this.#times.at(50),
        p99Us: this.#times.at(99),
        maxUs: this.#times.maxUs,
      }),
      ...(broker && { brokerBytes: broker.memoryBytes }),
      ...(broker &&
        cpuSeconds !== undefined &&
        seconds >= LEAST_SECONDS && { brokerCpu: (broker.cpuSeconds - cpuSeconds) / seconds }),
    }
    this.#times.clear()
    this.#last = { ms, units, cpuSeconds: broker?.cpuSeconds }
    this.#samples.push(sample)
    if (this.#samples.length > MOST_SAMPLES) this.#halve()
    return sample
  }

  #halve(): void {
    const pairs = Array.from({ length: Math.floor(this.#samples.length / 2) }, (_, at) =>
      this.#samples.slice(2 * at, 2 * at + 2),
    )
    this.#samples = pairs.map(([one, other]) => joined(one as Sample, other as Sample))
  }
}

/** Two moments as one: of times, the worse. */
function joined(one: Sample, other: Sample): Sample {
  const worse = (name: 'p50Us' | 'p99Us' | 'maxUs'): number | undefined =>
    one[name] === undefined ? other[name] : Math.max(one[name], other[name] ?? 0)
  return {
    ...other,
    perSecond: Math.round((one.perSecond + other.perSecond) / 2),
    p50Us: worse('p50Us'),
    p99Us: worse('p99Us'),
    maxUs: worse('maxUs'),
    ...(other.brokerCpu !== undefined && { brokerCpu: ((one.brokerCpu ?? other.brokerCpu) + other.brokerCpu) / 2 }),
  }
}
