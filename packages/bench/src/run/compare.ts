/** Two brokers under the same load, in turn. */

import { type Figure, figuresOf } from './figures.js'
import { median } from './median.js'
import type { Result } from './result.js'

/** A figure of both. */
export interface ComparedFigure extends Pick<Figure, 'title' | 'unit'> {
  readonly medians: readonly [one: number, other: number]
  /** Of the medians, the first by the second; undefined where the second is nothing. */
  readonly ratio: number | undefined
}

/** What came out of both. */
export interface Compared {
  readonly brokers: readonly [one: string, other: string]
  readonly isOk: boolean
  readonly lines: readonly ComparedFigure[]
  readonly runs: readonly (readonly [one: Result, other: Result])[]
}

/** Runs both in turn; a round before the first, 0, warms up where it is to, and does not count. Stops where one fails. */
export async function compare(
  { rounds, isWarmedUp }: { readonly rounds: number; readonly isWarmedUp: boolean },
  run: (which: 0 | 1, round: number) => Promise<Result>,
): Promise<Compared> {
  const runs: [Result, Result][] = []
  let isOk = true
  for (let round = isWarmedUp ? 0 : 1; round <= rounds && isOk; round++) {
    const one = await run(0, round)
    const other = await run(1, round)
    isOk = one.isOk && other.isOk
    if (round > 0 || !isOk) runs.push([one, other])
  }
  const [[first, second]] = runs as [[Result, Result]]
  return { brokers: [first.broker, second.broker], isOk, lines: linesOf(runs), runs }
}

function linesOf(runs: readonly (readonly [Result, Result])[]): ComparedFigure[] {
  const all = runs.map(([one, other]) => [figuresOf(one), figuresOf(other)] as const)
  return (all[0]?.[0] ?? []).flatMap(({ title, unit }) => {
    const of = (which: 0 | 1): number[] =>
      all.flatMap((both) => both[which].filter((figure) => figure.title === title).map(({ value }) => value))
    const [ones, others] = [of(0), of(1)]
    if (ones.length === 0 || others.length === 0) return []
    const medians = [median(ones) ?? 0, median(others) ?? 0] as const
    return [{ title, unit, medians, ratio: medians[1] > 0 ? medians[0] / medians[1] : undefined }]
  })
}
