/** What a primary tells of open files that run out: its own, of which libuv says nothing when it cuts who comes, and its workers'. */

import { readFileSync } from 'node:fs'
import type { Broker, LogFields } from '@xtomp/core'
import type { HandoffListener } from './watch-handoffs.js'

/** How many are left when that is told. */
const LAST = 8
/** How long the same is not told again, in milliseconds. */
const QUIET_MS = 10_000

/** Tells the log where there are no files for connections. */
export class LastFiles {
  readonly #broker: Pick<Broker, 'clock' | 'logger'>
  /** A new file gets the lowest number that is free, so that of a connection says how many are open. */
  readonly #lowest = mostOpenFiles() - LAST
  readonly #toldAt = new Map<string, number>()

  constructor(broker: Pick<Broker, 'clock' | 'logger'>) {
    this.#broker = broker
  }

  /** What is told of the connections that a worker is handed. */
  of(worker: number): HandoffListener {
    return {
      handed: (file = 0) => {
        // The primary accepts for all, and holds what no worker has taken yet.
        if (file >= this.#lowest)
          this.#warn(
            {},
            'clients come faster than workers take them, and are cut: this process has opened all files that it may (ulimit -n, LimitNOFILE of a unit); doors with reusePort do not need it',
          )
      },
      lost: () =>
        this.#warn(
          { worker },
          'a worker had no file left for a connection that it was handed, which is closed (ulimit -n, LimitNOFILE of a unit)',
        ),
    }
  }

  #warn(fields: LogFields, text: string): void {
    const now = this.#broker.clock.now()
    if (now - (this.#toldAt.get(text) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return
    this.#toldAt.set(text, now)
    this.#broker.logger.warn(fields, text)
  }
}

/** How many files this process may open, as Linux tells; Infinity where nobody does. */
function mostOpenFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
