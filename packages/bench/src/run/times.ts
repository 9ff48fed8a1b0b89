/** How long things took, as percentiles. */

import type { Histogram } from '../load/histogram.js'

/** Percentiles, in microseconds. */
export interface Times {
  /** Of how many. */
  readonly count: number
  readonly p50Us: number
  readonly p90Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  /** The whole distribution: each percentile with its time. */
  readonly curve: readonly (readonly [percentile: number, us: number])[]
}

/** What is longer than the percentiles of a curve, as a share: ten of them for each power of ten. */
const TAILS = Array.from({ length: 61 }, (_, step) => 10 ** (-step / 10))

/** The percentiles of a histogram; undefined where it is empty. */
export function timesOf(histogram: Histogram): Times | undefined {
  const { count, maxUs } = histogram
  if (count === 0) return undefined
  // No percentile is finer than one of those that there are.
  const percentiles = TAILS.filter((tail) => tail * count >= 1).map((tail) => 100 - 100 * tail)
  return {
    count,
    p50Us: histogram.at(50),
    p90Us: histogram.at(90),
    p99Us: histogram.at(99),
    p999Us: histogram.at(99.9),
    maxUs,
    curve: [...percentiles, 100].map((percentile) => [percentile, histogram.at(percentile)] as const),
  }
}
