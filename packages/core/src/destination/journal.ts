/** The store, as the destinations use it: batches are answered in the order in which they were given. */

import { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Settlement, Store, StoreBatch, StoredEntry } from '../ports/store.js'

type Done = (error?: StompError) => void

interface Pending {
  readonly done: Done
  isAnswered: boolean
  error: StompError | undefined
}

/**
 * Gives batches to the store without waiting for the answers before, and passes the answers on in order: a queue
 * then holds its messages in the order in which they were sent, and RECEIPTs leave in the order of their frames.
 */
export class Journal {
  readonly #store: Store | undefined
  readonly #report: (error: unknown) => void
  #pending: Pending[] = []

  constructor(store: Store | undefined, report: (error: unknown) => void) {
    this.#store = store
    this.#report = report
  }

  /** Whether there is a store: without one there is nothing to write, and nothing to wait for. */
  get isDurable(): boolean {
    return this.#store !== undefined
  }

  /** Resolves when every batch so far is answered. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#pending.length === 0) resolve()
      else this.#pending.push({ done: () => resolve(), isAnswered: true, error: undefined })
    })
  }

  /** Writes a batch; `done` is told in turn, inside the call where the store answers at once and nothing waits. */
  write(batch: StoreBatch, done: Done): void {
    const answer = this.#apply(batch)
    if (!(answer instanceof Promise) && this.#pending.length === 0) {
      done(answer)
      return
    }
    const pending: Pending = { done, isAnswered: false, error: undefined }
    this.#pending.push(pending)
    if (answer instanceof Promise) {
      answer.then(
        () => this.#answered(pending, undefined),
        (error: unknown) => this.#answered(pending, this.#failure(error)),
      )
    } else {
      this.#answered(pending, answer)
    }
  }

  #apply(batch: StoreBatch): undefined | StompError | Promise<void> {
    try {
      return this.#store?.apply(batch)
    } catch (error) {
      return this.#failure(error)
    }
  }

  #failure(error: unknown): StompError {
    this.#report(error)
    return new StompError('store-failed', 'the message store failed; nothing of this was done, try again')
  }

  #answered(pending: Pending, error: StompError | undefined): void {
    pending.isAnswered = true
    pending.error = error
    while (this.#pending[0]?.isAnswered) {
      const first = this.#pending.shift() as Pending
      first.done(first.error)
    }
  }
}

/** A message, as the store keeps it for a queue. */
export function entryOf(queue: string, message: StoredMessage): StoredEntry {
  const { id, headers, body, expiresAt } = message
  return { queue, id, headers, body, expiresAt }
}

/** That a queue needs a message no longer. */
export function settlementOf(queue: string, message: StoredMessage): Settlement {
  return { queue, id: message.id }
}
