/** The seam behind durable queues: what keeps messages until they are settled. */

import type { Headers } from '../headers.js'

/** A message as a store keeps it. */
export interface StoredEntry {
  /** The queue that holds it: its virtual host, a NUL, and its name. Opaque to the store. */
  readonly queue: string
  /** The message's id, unique in its queue: on its way to the dead letters a message is in two. */
  readonly id: string
  /** Its headers. */
  readonly headers: Headers
  /** Its body; not changed while the call's promise is pending. */
  readonly body: Uint8Array
  /** When it expires, in milliseconds since 1970; 0 for never. */
  readonly expiresAt: number
  /** Whether it was moved here as a dead letter: it is not moved again. */
  readonly isDeadLetter: boolean
}

/** A message that need not be kept any longer. */
export interface Settlement {
  /** The queue that held it. */
  readonly queue: string
  /** The message's id. */
  readonly id: string
}

/** Appends and settlements over any queues, to be taken all or not at all. */
export interface StoreBatch {
  readonly appends: readonly StoredEntry[]
  readonly settlements: readonly Settlement[]
}

/**
 * Keeps messages until they are settled. One broker uses it at a time. The broker calls `apply` in the order in which
 * things happened, without waiting for the answers before.
 */
export interface Store {
  /**
   * Takes a batch, all or nothing. `undefined` means that it is done now; a promise, that it is done when that resolves,
   * and that nothing of it was taken when that rejects. Throwing is the same as rejecting.
   */
  apply(batch: StoreBatch): undefined | Promise<void>
  /**
   * What was kept when this was called, oldest first within each queue, in pages, so that it need not fit into memory at
   * once. What is appended in the meantime is not listed.
   */
  recover(): AsyncIterable<readonly StoredEntry[]>
  /** Nothing more is asked after this. */
  close?(): Promise<void>
}
