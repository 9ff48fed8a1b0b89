/** What came out: medians, paired ratios, and how they stand to the aims. */

import type { Figures } from './generator.js'
import type { Measure, Row } from './rows.js'
import { median } from './run/median.js'
import type { ServerKind } from './server-process.js'

/** The figures of all servers of a row, measured one after the other; with how busy the machine was. */
export interface Pair {
  readonly loadAverage: number
  readonly runs: Readonly<Partial<Record<ServerKind, Figures>>>
}

/** A row with what was measured. */
export interface MeasuredRow {
  readonly row: Row
  readonly pairs: readonly Pair[]
}

/** One line of the table. */
export interface Summary {
  readonly row: string
  readonly figure: string
  readonly unit: string
  /** Median of the figures of the server that ours is compared with. */
  readonly other?: number | undefined
  /** Median of ours. */
  readonly ours?: number | undefined
  /** Median of the ratios within each pair. */
  readonly ratio?: number | undefined
  readonly aim: string
  readonly isMet?: boolean | undefined
  /** Runs that ended with an ERROR, a lost connection or a stand-still. */
  readonly failed: number
}

/** The lines of a row's figures. */
export function summaries({ row, pairs }: MeasuredRow): Summary[] {
  const [ours, other] = [...row.servers].reverse()
  const failed = pairs.flatMap(({ runs }) => Object.values(runs)).filter(({ ok }) => ok === false).length
  return row.measures.map((measure) => {
    const of = (kind: ServerKind | undefined): (number | undefined)[] =>
      pairs.map(({ runs }) => (kind === undefined ? undefined : figureOf(runs[kind], measure.figure)))
    const others = of(other)
    const ratios = of(ours).map((value, index) => ratioOf(value, others[index]))
    const medians = { other: median(others), ours: median(of(ours)), ratio: median(ratios) }
    const { title, unit } = measure
    return {
      row: row.title,
      figure: title,
      unit,
      ...medians,
      aim: aimText(measure),
      isMet: isMet(measure, medians),
      failed,
    }
  })
}

/** The table, in Markdown; `other` is the server beside ours. */
export function table(lines: readonly Summary[], other: ServerKind): string {
  const cells = [
    ['Work', 'Figure', other, 'xtomp', 'ratio', 'Aim', 'Met'],
    ...lines.map(({ row, figure, unit, other, ours, ratio, aim, isMet, failed }) => [
      row,
      failed === 0 ? figure : `${figure} (${failed} runs failed)`,
      numberText(other, unit),
      numberText(ours, unit),
      ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`,
      aim,
      isMet === undefined ? '–' : isMet ? 'yes' : 'NO',
    ]),
  ]
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? []
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = line(widths.map((width) => '-'.repeat(width)))
  return [line(cells[0] ?? []), rule, ...cells.slice(1).map(line)].join('\n')
}

function figureOf(figures: Figures | undefined, name: string): number | undefined {
  const value = figures?.[name]
  return typeof value === 'number' && figures?.ok !== false ? value : undefined
}

function ratioOf(ours: number | undefined, other: number | undefined): number | undefined {
  return ours === undefined || other === undefined || other <= 0 ? undefined : ours / other
}

function aimText({ aim, unit }: Measure): string {
  if (aim === undefined) return ''
  const sign = aim.is === 'at least' ? '≥' : '≤'
  const texts = []
  if (aim.value !== undefined) texts.push(`${sign} ${numberText(aim.value, unit)}`)
  if (aim.timesBare !== undefined) texts.push(`${sign} ${aim.timesBare} × bare`)
  return texts.join(', ')
}

function isMet(
  { aim }: Measure,
  { ours, ratio }: { ours?: number | undefined; ratio?: number | undefined },
): boolean | undefined {
  if (aim === undefined || ours === undefined) return undefined
  const holds = (value: number | undefined, bound: number | undefined): boolean =>
    bound === undefined || (value !== undefined && (aim.is === 'at least' ? value >= bound : value <= bound))
  return holds(ours, aim.value) && holds(ratio, aim.timesBare)
}

function numberText(value: number | undefined, unit: string): string {
  if (value === undefined) return '–'
  const text = Math.round(value).toLocaleString('en')
  return unit === '/s' ? `${text}${unit}` : `${text} ${unit}`
}
