/** The load generator: a program outside the project, in C, that is cheaper than the servers it loads. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFiles, quiet } from './process-figures.js'
import type { RunningServer, ServerKind } from './server-process.js'

/** The figures of one run, by name; a run that failed has `ok: false` and counts for nothing. */
export type Figures = Readonly<Record<string, number | boolean>>

/** What a run of the generator printed; `ok` is false after an ERROR, a lost connection, or a stand-still. */
export interface LoadFigures {
  readonly ok: boolean
  readonly connect_per_s: number
  readonly received: number
  readonly per_s: number
  readonly p50_us: number
  readonly p99_us: number
  readonly broker_cpu_s: number
}

const MISSING = `The load generator is missing. It is a C program (epoll, so Linux) that is not part of this project.
Give it with --stload FILE or the variable STLOAD: its source, stload.c, which is built with cc, or the binary.`

/** The generator's binary, built first where its source is given. @throws Error that says what is missing */
export function generatorFrom(given: string | undefined): string {
  if (given === undefined || given === '') throw new Error(MISSING)
  if (!existsSync(given)) throw new Error(`There is no file ${given}.\n${MISSING}`)
  if (!given.endsWith('.c')) return given
  const binary = join(mkdtempSync(join(tmpdir(), 'xtomp-bench-')), 'stload')
  execFileSync('cc', ['-O2', '-o', binary, given], { stdio: ['ignore', 'inherit', 'inherit'] })
  return binary
}

/** Runs it once against a server, to its end, and until the server has let go of its connections. */
export async function load(generator: string, server: RunningServer, args: readonly string[]): Promise<LoadFigures> {
  const child = start(generator, server, args)
  let output = ''
  child.stdout?.on('data', (text) => {
    output += text
  })
  await new Promise((resolve) => child.once('close', resolve))
  await openFiles(server.pid, { most: IDLE_FILES })
  return JSON.parse(output) as LoadFigures
}

/** Holds idle, subscribed connections to a server until the answer is called. */
export async function hold(
  generator: string,
  server: RunningServer,
  connections: number,
  { heartBeat = '0,0' } = {},
): Promise<() => Promise<void>> {
  const args = ['--conns', String(connections), '--linger', String(HOLD_S), '--heart-beat', heartBeat]
  const child = start(generator, server, ['hold', ...args])
  await openFiles(server.pid, { least: connections })
  if (heartBeat === '0,0') await quiet(server.pid)
  return async () => {
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await gone
  }
}

/** More than any server has open without connections. */
const IDLE_FILES = 64
/** Longer than any measurement of held connections takes. */
const HOLD_S = 600

/** How a server wants to be spoken to. */
function accent(kind: ServerKind): readonly string[] {
  return kind === 'ws' || kind === 'bare-ws' ? ['--ws', '/'] : []
}

function start(generator: string, { kind, pid, port }: RunningServer, args: readonly string[]): ChildProcess {
  const command = [...args, ...accent(kind), '--port', String(port), '--pid', String(pid)]
  return spawn(generator, command, { stdio: ['ignore', 'pipe', 'inherit'] })
}
