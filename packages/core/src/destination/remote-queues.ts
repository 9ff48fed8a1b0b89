/** Queues that an owner keeps for this broker: in another process, say. */

import type { Backplane } from '../ports/backplane.js'
import type { Completion } from '../ports/destination.js'
import type { KeptDestination } from './local.js'
import type { QueueIdentity } from './queue.js'
import type { Work } from './work.js'

/** Who keeps the names of a host: its router, as a remote queue sees it. */
export interface RemoteQueueKeeper {
  readonly host: string
  /** The queue is of no use here any more: it may be forgotten. */
  unused(queue: KeptDestination): void
}

/** Where a broker has its queues when they are not its own. */
export interface RemoteQueues {
  /** What stands behind a queue's name here. */
  queue(identity: QueueIdentity, keeper: RemoteQueueKeeper): KeptDestination
  /** Does what a transaction does to the owner's queues, all or nothing; `completion` is told when that is certain. */
  commit(host: string, work: Work, completion: Completion): void
}

/** A backplane that has the queues, too. */
export interface BackplaneWithQueues extends Backplane {
  readonly queues?: RemoteQueues
}
