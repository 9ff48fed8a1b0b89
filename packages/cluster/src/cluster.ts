/** What the primary holds of its workers. */

import type { Broker, BrokerStats, CloseOptions } from '@xtomp/core'
import type { ToldDestination, ToldSession } from './words.js'

/** A worker that runs. */
export interface WorkerFacts {
  /** Its number, which no other worker of this cluster has had. */
  readonly worker: number
  /** Its process. */
  readonly pid: number
}

/** A session, and whose it is; what JSON cannot say of the user is left out. */
export type WorkerSession = ToldSession & Pick<WorkerFacts, 'worker'>

/** A destination, over all workers. */
export type WorkerDestination = ToldDestination

/** Workers on one port, behaving as one broker. */
export interface Cluster extends AsyncDisposable {
  /**
   * The primary's own broker. It has the queues and takes no clients; what is published here reaches the clients of all
   * workers, and `dead-letter`, `expire` and the store's `error` are told here.
   */
  readonly broker: Broker
  /** What `open` answered in the first worker that was ready. */
  readonly opened: unknown
  /** The workers that are ready. */
  workers(): readonly WorkerFacts[]
  /** What there is in all processes. A topic counts in each worker that knows it; `bytes` and `alarms` are sums, too. */
  stats(): Promise<BrokerStats>
  /** The sessions of all workers, in pages of 1,000; those that come or go meanwhile may be missed. */
  sessions(): AsyncIterable<WorkerSession>
  /** The destinations of all hosts: messages are the primary's, subscriptions those of all workers. */
  destinations(): Promise<readonly WorkerDestination[]>
  /** Has each worker do what its option `reload` says. */
  reload(): void
  /** Closes all workers as `broker.close()` does, then the primary's broker and its store; resolves when all have ended. */
  close(options?: CloseOptions): Promise<void>
}
