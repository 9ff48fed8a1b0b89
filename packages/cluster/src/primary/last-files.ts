/** Whether the primary is about to run out of open files: then libuv cuts who comes, and tells nobody. */

import { readFileSync } from 'node:fs'

/** How many are left when that is told. */
const LAST = 8

/**
 * The lowest number of a file that is one of the last. A new file gets the lowest number that is free, so that of a
 * connection tells how many are open. Infinity where the system, not being Linux, does not say what the limit is.
 */
export function lowestOfLastFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft) - LAST
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
