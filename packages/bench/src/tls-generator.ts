/** The load on servers behind TLS: a client in a process of its own, in Node, the same for all; the C one speaks none. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadFigures } from './generator.js'
import { openFiles, quiet } from './process-figures.js'
import type { RunningServer } from './server-process.js'

/** More than any server has open without connections. */
const IDLE_FILES = 64

/** Runs it once against a server, to its end, and until the server has let go of its connections. */
export async function loadTls(server: RunningServer, args: readonly string[]): Promise<LoadFigures> {
  const child = start(server, args)
  let output = ''
  child.stdout?.on('data', (text) => {
    output += text
  })
  await once(child, 'close')
  await openFiles(server.pid, { most: IDLE_FILES })
  if (output === '') throw new Error('the client of a TLS server ended without figures')
  return JSON.parse(output) as LoadFigures
}

/** Holds idle, subscribed connections to a server until the answer is called. */
export async function holdTls(server: RunningServer, connections: number): Promise<() => Promise<void>> {
  const child = start(server, ['hold', '--conns', String(connections)])
  await openFiles(server.pid, { least: connections })
  await quiet(server.pid)
  return async () => {
    const gone = once(child, 'close')
    child.kill('SIGKILL')
    await gone
  }
}

function start({ port, pid }: RunningServer, args: readonly string[]): ChildProcess {
  const program = fileURLToPath(new URL('./tls-client.js', import.meta.url))
  return spawn(process.execPath, [program, ...args, '--port', String(port), '--pid', String(pid)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
