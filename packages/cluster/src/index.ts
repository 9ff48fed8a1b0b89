/**
 * A STOMP broker on all cores of a machine: one primary that has the queues, and workers on one port that behave as one
 * broker. Start with {@link startCluster}.
 *
 * @module @xtomp/cluster
 */

export type { Cluster, WorkerDestination, WorkerFacts, WorkerSession } from './cluster.js'
export type { ClusterOptions } from './options.js'
export { startCluster } from './start-cluster.js'
export type { ToldDestination, ToldSession } from './words.js'
