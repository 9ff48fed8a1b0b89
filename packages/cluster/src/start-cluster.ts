/** One call for the primary and for its workers, which run the same program. */

import nodeCluster from 'node:cluster'
import type { Cluster } from './cluster.js'
import { type ClusterOptions, checkOptions } from './options.js'
import { startPrimary } from './primary/start-primary.js'
import { startWorker } from './worker/start-worker.js'

/**
 * Starts a broker on several processes. The program that calls it runs once more for each worker: there it makes the
 * worker's broker, opens its doors, and answers undefined; in the first process it answers the cluster, once every worker
 * is ready. A worker that ends is replaced.
 *
 * @throws Error where a worker cannot open its doors, with what it said; then nothing is left
 * @throws TypeError where an option makes no sense
 * @example
 * ```ts
 * import { startCluster } from '@xtomp/cluster'
 * import { listen } from '@xtomp/net'
 *
 * const cluster = await startCluster({
 *   workers: 2,
 *   open: (broker) => listen(broker, { port: 61613 }).then(({ port }) => port),
 * })
 * if (cluster !== undefined) {
 *   console.log(`${cluster.workers().length} workers listen on ${cluster.opened}`)
 *   await cluster.close({ drainMs: 5_000 })
 * }
 * ```
 */
export async function startCluster<User = unknown>(options: ClusterOptions<User>): Promise<Cluster | undefined> {
  checkOptions(options)
  if (nodeCluster.isPrimary) return startPrimary(options)
  await startWorker(options)
  return undefined
}
