/** The command as it is built, with two workers, for whoever needs its port, and perhaps its log. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { expectBuilt } from './built.js'
import { dialSocket } from './doors.js'
import { RunningProgram } from './programs.js'
import { root } from './sources.js'
import type { Dial } from './wire-client.js'

const ARGS = ['serve', '--workers', '2', '--port', '0', '--web-port', 'off']
const LINE = /STOMP on \S+:(\d+)\n/

/** `xtomp serve --workers 2`, with its door open. */
export interface Served {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly program: RunningProgram
  readonly port: number
}

/** Starts `xtomp serve --workers 2`, with these arguments besides. */
export async function serveOnTwoWorkers(...args: readonly string[]): Promise<Served> {
  expectBuilt()
  const command = [join(root, 'packages', 'cli', 'bin', 'xtomp.js'), ...ARGS, ...args]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] })
  const program = new RunningProgram(child)
  await program.prints('xtomp: STOMP on ')
  await program.prints('\n')
  return { child, program, port: Number(LINE.exec(program.output)?.[1]) }
}

/** The same for cases that need nothing of a broker but its port. */
export class ServedWorkers {
  #started: Promise<{ program: RunningProgram; dial: Dial }> | undefined

  readonly dial: Dial = async (events) => {
    this.#started ??= start()
    const { dial } = await this.#started
    return dial(events)
  }

  /** Ends it, and fails if it did not end well or had an error to log. */
  async stop(): Promise<void> {
    const started = await this.#started
    this.#started = undefined
    if (started === undefined) return
    const { program } = started
    program.signal('SIGTERM')
    await program.ends()
    if (program.errors !== '') throw new Error(`it logged errors:\n${program.errors}`)
  }
}

async function start(): Promise<{ program: RunningProgram; dial: Dial }> {
  const { program, port } = await serveOnTwoWorkers('--log-level', 'error')
  return { program, dial: dialSocket({ host: '127.0.0.1', port }) }
}
