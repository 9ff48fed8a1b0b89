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

/**
 * Appends and settlements over any queues, to be taken all or not at all: those of one COMMIT, or of one message on its
 * way to the dead letters; or those of several frames that came in one turn, in their order. Nothing that is appended
 * here is settled here.
 */
export interface StoreBatch {
  readonly appends: readonly StoredEntry[]
  readonly settlements: readonly Settlement[]
}

/**
 * Keeps messages until they are settled. One broker uses it at a time. The broker calls `apply` in the order in which
 * things happened, and need not wait for the answers before.
 *
 * What comes while every answer is given is one batch, at once. What comes while an answer is still to come is collected,
 * and given at the end of the turn as one batch, of at most 1,000 appends and settlements or 1 MiB of bodies. A store for
 * which a call is dear answers with a promise, even a resolved one, so that it is called twice a turn and not once a frame.
 */
export interface Store {
  /**
   * Takes a batch, all or nothing. `undefined` means that it is done now; a promise, that it is done when that resolves,
   * and that nothing of it was taken when that rejects. Throwing is the same as rejecting. A batch of several frames
   * that fails is given again, each frame by itself, and each answer is its frame's; until such a batch is answered no
   * other is given, so that what is given again is not behind what came later.
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
