/**
 * The interfaces that others implement: a connection, a store, a destination, a backplane.
 *
 * @module @xtomp/core/ports
 */

export type { ArrivedMessage, Backplane, BackplaneBroker } from './backplane.js'
export type { CloseReason, Connection, ConnectionInfo, Inbound } from './connection.js'
export type { Completion, Delivery, Destination, Outcome, Recipient } from './destination.js'
export type { Settlement, Store, StoreBatch, StoredEntry } from './store.js'
