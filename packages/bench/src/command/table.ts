/** Tables on a terminal or in a pipe: titles to the left, figures to the right. */

import type { Compared } from '../run/compare.js'
import { figuresOf, written } from '../run/figures.js'
import type { Result } from '../run/result.js'

/** The figures of one run. */
export function tableOf(result: Result): string {
  return `${heading(result)}\n${rows(figuresOf(result).map((figure) => [figure.title, written(figure)]))}`
}

/** The figures of two brokers, side by side. */
export function comparisonOf({ lines, brokers }: Compared): string {
  return rows([
    ['', ...brokers, 'ratio'],
    ...lines.map(({ title, unit, medians: [one, other], ratio }) => [
      title,
      written({ value: one, unit }),
      written({ value: other, unit }),
      ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`,
    ]),
  ])
}

/** What was done to whom. */
export function heading({ workload, broker, asked, processes }: Result): string {
  const details = Object.entries(asked).map(([name, value]) => `${words(name)} ${value.toLocaleString('en-US')}`)
  return `${workload}  ${broker}  ${details.join(', ')}, ${processes} ${processes === 1 ? 'process' : 'processes'} of clients\n`
}

/** `receiptEvery` is read as `receipt every`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function rows(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
