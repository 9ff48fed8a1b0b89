/** Tells the log of an open server's faults: at a bounded rate, for each connection that cannot be accepted is one. */

import type { Server } from 'node:net'
import type { Broker } from '@xtomp/core'
import { Seldom } from './seldom.js'

/** From now on, where it is open, its faults are no reason to end the process: the system takes the next connection. */
export function tellFaults(server: Server, { clock, logger }: Pick<Broker, 'clock' | 'logger'>): void {
  const faults = new Seldom(clock)
  server.on('error', (err) =>
    faults.note((failures) =>
      logger.error(
        { err, on: placeOf(server), failures },
        'a connection could not be accepted: this process may have too few file descriptors (ulimit -n)',
      ),
    ),
  )
}

function placeOf(server: Server): string | undefined {
  const place = server.address()
  return typeof place === 'string' ? place : place === null ? undefined : `${place.address}:${place.port}`
}
