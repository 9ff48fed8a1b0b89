/** What a host may set of a cluster, and the check that it makes sense. */

import type { Broker, BrokerOptions } from '@xtomp/core'

/** The options of `startCluster`; the same in the primary and in the workers, which run the same program. */
export interface ClusterOptions<User = unknown> {
  /** How many workers. One for each core is a good start. */
  readonly workers: number
  /**
   * Opens the doors, in each worker; they share their ports. What it answers (anything that JSON can say) is
   * {@link Cluster.opened} in the primary.
   */
  readonly open: (broker: Broker<User>) => unknown
  /**
   * The broker's options. Hooks and limits hold in each worker; the primary uses the rules, the limits and the store.
   * Make the store in the primary only. Default: as `createBroker()`.
   */
  readonly broker?: Omit<BrokerOptions<User>, 'backplane'>
  /** Does in each worker what {@link Cluster.reload} is for: reads certificates anew, say. Default: nothing. */
  readonly reload?: () => unknown
  /**
   * What workers run, where it is not what this process runs: a file, and what follows it on the command line.
   * Default: this program, with its arguments.
   */
  readonly program?: { readonly file: string; readonly args: readonly string[] }
  /** How long a worker drains that is told to stop by itself, by SIGTERM, in milliseconds. @defaultValue 5,000 */
  readonly drainMs?: number
}

/** @throws TypeError where an option makes no sense */
export function checkOptions<User>(options: ClusterOptions<User>): void {
  const { workers, open, reload, drainMs = 0 } = options
  if (!Number.isInteger(workers) || workers < 1) throw wrong('workers', 'a whole number, 1 or more', workers)
  if (typeof open !== 'function') throw wrong('open', 'a function', open)
  if (reload !== undefined && typeof reload !== 'function') throw wrong('reload', 'a function', reload)
  if (!Number.isFinite(drainMs) || drainMs < 0) throw wrong('drainMs', 'a number, 0 or more', drainMs)
}

function wrong(name: string, allowed: string, given: unknown): TypeError {
  return new TypeError(`${name} must be ${allowed}; given ${String(given)}`)
}
