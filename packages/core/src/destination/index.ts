/**
 * What queues and topics are made of, for a package that keeps them for brokers in other processes. No promise is made
 * of it: it changes with the broker.
 *
 * @module @xtomp/core/destination
 */

export { memoryFull } from '../errors.js'
export { Headers } from '../headers.js'
export { MessageIds, StoredMessage } from '../message.js'
export { type Completion, nobody, type Outcome } from '../ports/destination.js'
export { commit, type Plan } from './commit.js'
export type { DestinationContext } from './context.js'
export { Delivery, type Origin } from './delivery.js'
export type { Inside } from './inside.js'
export type { DestinationSnapshot, KeptDestination, LocalDestination, NoRoom } from './local.js'
export { isPattern } from './name.js'
export { PatternTrie } from './pattern-trie.js'
export type { QueueIdentity } from './queue.js'
export type { BackplaneWithQueues, RemoteQueueKeeper, RemoteQueues } from './remote-queues.js'
export type { Router } from './router.js'
export { type Consumer, Subscription, type SubscriptionRequest } from './subscription.js'
export type { Placed, PlannedSettlement, Work } from './work.js'
