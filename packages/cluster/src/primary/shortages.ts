/** What a primary tells of what the system does not give: files for connections, and processes. */

import { readFileSync } from 'node:fs'
import type { Broker, LogFields } from '@xtomp/core'
import type { HandoffWatcher } from './watch-handoffs.js'

/** How many files are left when that is told: libuv says nothing when it cuts who comes, for there are none. */
const LAST = 8
/** How long the same is not told again, in milliseconds. */
const QUIET_MS = 10_000

const FEW_FILES =
  'clients come faster than workers take them, and are cut: this process has opened all files that it may (ulimit -n, LimitNOFILE of a unit); doors with reusePort do not need it'
const LOST =
  'a worker had no file left for a connection that it was handed, which is closed (ulimit -n, LimitNOFILE of a unit)'
const NO_PROCESS =
  'a worker could not be started: this process may have too few files (ulimit -n); it is tried again, each second'

/** Tells the log of them, the same seldom. */
export class Shortages {
  readonly #broker: Pick<Broker, 'clock' | 'logger'>
  /** A new file gets the lowest number that is free, so that of a connection says how many are open. */
  readonly #lowest = mostOpenFiles() - LAST
  readonly #toldAt = new Map<string, number>()

  constructor(broker: Pick<Broker, 'clock' | 'logger'>) {
    this.#broker = broker
  }

  /** Watches the connections that a worker is handed. */
  watch(worker: number): HandoffWatcher {
    return {
      handed: (file = 0) => {
        // The primary accepts for all, and holds what no worker has taken yet.
        if (file >= this.#lowest) this.#tell('warn', {}, FEW_FILES)
      },
      lost: () => this.#tell('warn', { worker }, LOST),
    }
  }

  /** There is no process for a worker. */
  noProcess(err: unknown): void {
    this.#tell('error', { err }, NO_PROCESS)
  }

  #tell(level: 'warn' | 'error', fields: LogFields, text: string): void {
    const now = this.#broker.clock.now()
    const what = `${fields.worker} ${text}`
    if (now - (this.#toldAt.get(what) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return
    this.#toldAt.set(what, now)
    this.#broker.logger[level](fields, text)
  }
}

/** How many files this process may open, as Linux tells; Infinity where nobody does. As in the doors, which are not needed here. */
function mostOpenFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
