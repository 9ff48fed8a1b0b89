/** Run by hand: loads a bare server and `xtomp serve` in turn, prints a table, keeps the figures. Asserts nothing. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Figures, generatorFrom } from './generator.js'
import { type MeasuredRow, type Pair, type Summary, summaries, table } from './report.js'
import { ROWS, type Row, rowsBeside, runLoad } from './rows.js'
import { type RunningServer, type ServerKind, serverNamed, startServer } from './server-process.js'

const PAIRS = 3

const USAGE = `compare: loads a bare Node server and xtomp in turn and compares them with the aims

  --stload FILE   the load generator, its C source or its binary (or the variable STLOAD)
  --rows A,B      these rows only: ${ROWS.map(({ name }) => name).join(', ')}
  --beside NAME   another server to compare with, without aims: silent is xtomp whose log is off (default bare);
                  checkout is that of another checkout, built, whose folder the variable CHECKOUT names
  --pairs N       how often each server of a row is measured, after a warm-up   (default ${PAIRS})
  --out FILE      where to keep the figures, as JSON          (default results/DATE.json, which git ignores)
  --help          this text

Build the workspace first: what is measured is each package's dist.
`

const { values } = parseArgs({
  options: {
    stload: { type: 'string' },
    rows: { type: 'string' },
    beside: { type: 'string', default: 'bare' },
    pairs: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean' },
  },
})

try {
  if (values.help) process.stdout.write(USAGE)
  else await compare()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

async function compare(): Promise<void> {
  const generator = generatorFrom(values.stload ?? process.env.STLOAD)
  const other = serverNamed(values.beside)
  const rows = other === 'bare' ? rowsNamed(values.rows) : rowsBeside(other, rowsNamed(values.rows))
  const pairs = Number(values.pairs ?? PAIRS)
  const date = new Date().toISOString()
  const out = resolve(values.out ?? `results/${date.replaceAll(':', '-')}.json`)
  const lines: Summary[] = []
  const measured: MeasuredRow[] = []
  for (const row of rows) {
    const done = { row, pairs: await measure(row, { pairs, generator }) }
    measured.push(done)
    lines.push(...summaries(done))
    // After each row: what was measured is kept, though a later row be interrupted.
    keep(out, {
      date,
      ...circumstances(),
      pairs,
      summaries: lines,
      rows: measured.map(({ row, pairs }) => ({ name: row.name, load: row.load, pairs })),
    })
  }
  process.stdout.write(`\n${table(lines, other)}\n\nkept in ${out}\n`)
}

function rowsNamed(names: string | undefined): readonly Row[] {
  if (names === undefined) return ROWS
  return names.split(',').map((name) => {
    const row = ROWS.find((row) => row.name === name)
    if (row === undefined)
      throw new Error(`there is no row ${name}; there are ${ROWS.map(({ name }) => name).join(', ')}`)
    return row
  })
}

async function measure(row: Row, { pairs, generator }: { pairs: number; generator: string }): Promise<Pair[]> {
  const { measureAnew } = row
  if (measureAnew !== undefined) return alternate(row, pairs, (kind) => measureAnew(kind, generator))
  const servers = new Map<ServerKind, RunningServer>()
  for (const kind of row.servers) servers.set(kind, await startServer(kind))
  const run = async (kind: ServerKind): Promise<Figures> => {
    const server = servers.get(kind)
    if (server === undefined) throw new TypeError(`${row.name} has no server ${kind}`)
    return runLoad(row, server, generator)
  }
  for (const kind of row.servers) await run(kind)
  const measured = await alternate(row, pairs, run)
  for (const server of servers.values()) await server.stop()
  return measured
}

async function alternate(row: Row, pairs: number, run: (kind: ServerKind) => Promise<Figures>): Promise<Pair[]> {
  const measured: Pair[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const loadAverage = loadavg()[0] ?? 0
    const runs: Partial<Record<ServerKind, Figures>> = {}
    for (const kind of row.servers) runs[kind] = await run(kind)
    measured.push({ loadAverage, runs })
    process.stderr.write(`${row.name} ${pair + 1}/${pairs} (load ${loadAverage.toFixed(1)}) ${runText(row, runs)}\n`)
  }
  return measured
}

function runText({ measures }: Row, runs: Pair['runs']): string {
  const figures = ([kind, figures]: [string, Figures]): string =>
    `${kind}: ${figures.ok === false ? 'FAILED ' : ''}${measures.map(({ figure }) => `${figure} ${figures[figure]}`).join(' ')}`
  return Object.entries(runs).map(figures).join('; ')
}

/** What a figure is nothing without; never the machine's name. */
function circumstances(): Record<string, unknown> {
  const [cpu] = cpus()
  return {
    command: `compare ${process.argv.slice(2).filter(isNoPath).join(' ')}`.trim(),
    node: process.version,
    machine: `${process.platform} ${process.arch}, ${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB`,
    commit: commit(),
  }
}

function isNoPath(arg: string): boolean {
  return !arg.includes('/')
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
}

function keep(file: string, figures: unknown): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`)
}
