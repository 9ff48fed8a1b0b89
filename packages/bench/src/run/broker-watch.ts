/** What the system knows of a broker's processes. */

import { cpuSecondsOf, residentBytesOf } from '../process-figures.js'

/** Sums over its processes. */
export interface BrokerFigures {
  /** Resident, in octets; what its processes share counts once. */
  readonly memoryBytes: number
  readonly cpuSeconds: number
}

/** The figures of these processes; undefined of none. @throws Error where one is not there, or the system is not Linux */
export function figuresOfBroker(pids: readonly number[]): BrokerFigures | undefined {
  if (pids.length === 0) return undefined
  try {
    const cpuSeconds = pids.reduce((total, pid) => total + cpuSecondsOf(pid), 0)
    return { memoryBytes: residentBytesOf(pids), cpuSeconds }
  } catch (cause) {
    throw new Error(`there is no process ${pids.join(' or ')} to look at, or this is not Linux`, { cause })
  }
}
