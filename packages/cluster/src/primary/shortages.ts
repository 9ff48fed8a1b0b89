/** What a primary tells of what the system does not give: files for connections, and processes. */

import type { Broker } from '@xtomp/core'
import { mostOpenFiles, Seldom } from '@xtomp/net/socket'
import type { HandoffWatcher } from './watch-handoffs.js'

/** How many files are left when that is told: libuv says nothing when it cuts who comes, for there are none. */
const LAST = 8

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
  readonly #fewFiles: Seldom
  readonly #noProcess: Seldom

  constructor(broker: Pick<Broker, 'clock' | 'logger'>) {
    this.#broker = broker
    this.#fewFiles = new Seldom(broker.clock)
    this.#noProcess = new Seldom(broker.clock)
  }

  /** Watches the connections that a worker is handed. */
  watch(worker: number): HandoffWatcher {
    const { clock, logger } = this.#broker
    const losses = new Seldom(clock)
    return {
      handed: (file = 0) => {
        // The primary accepts for all, and holds what no worker has taken yet.
        if (file >= this.#lowest) this.#fewFiles.note((times) => logger.warn({ times }, FEW_FILES))
      },
      lost: () => losses.note((lost) => logger.warn({ worker, lost }, LOST)),
    }
  }

  /** There is no process for a worker. */
  noProcess(err: unknown): void {
    this.#noProcess.note((times) => this.#broker.logger.error({ err, times }, NO_PROCESS))
  }
}
