/** Tells the log of an open server's faults: at a bounded rate, for each connection that cannot be accepted is one. */

import type { Server } from 'node:net'
import type { Broker } from '@xtomp/core'

/** How long faults are only counted after one was told, in milliseconds. */
const QUIET_MS = 10_000

/** From now on, where it is open, its faults are no reason to end the process: the system takes the next connection. */
export function tellFaults(server: Server, { clock, logger }: Pick<Broker, 'clock' | 'logger'>): void {
  let toldAt: number | undefined
  let untold = 0
  server.on('error', (err) => {
    const now = clock.now()
    untold++
    if (toldAt !== undefined && now - toldAt < QUIET_MS) return
    const fields = { err, on: placeOf(server), failures: untold }
    toldAt = now
    untold = 0
    logger.error(
      fields,
      'a connection could not be accepted: this process may have too few file descriptors (ulimit -n)',
    )
  })
}

function placeOf(server: Server): string | undefined {
  const place = server.address()
  return typeof place === 'string' ? place : place === null ? undefined : `${place.address}:${place.port}`
}
