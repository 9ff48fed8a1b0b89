/** The command as it is built, with two workers, for cases that need nothing of a broker but its port. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expectBuilt } from './built.js'
import { dialSocket } from './doors.js'
import { RunningProgram } from './programs.js'
import { root } from './sources.js'
import type { Dial } from './wire-client.js'

const ARGS = ['serve', '--workers', '2', '--port', '0', '--web-port', 'off', '--log-level', 'error']
const LINE = /STOMP on \S+:(\d+)\n/

/** Starts `xtomp serve --workers 2` when it is first dialled. */
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
  expectBuilt()
  const command = [join(root, 'packages', 'cli', 'bin', 'xtomp.js'), ...ARGS]
  const program = new RunningProgram(spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] }))
  await program.prints('xtomp: STOMP on ')
  await program.prints('\n')
  const port = Number(LINE.exec(program.output)?.[1])
  return { program, dial: dialSocket({ host: '127.0.0.1', port }) }
}
