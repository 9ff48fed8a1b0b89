/** The store, as the destinations use it: batches are answered in the order in which they were given. */

import { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Settlement, Store, StoreBatch, StoredEntry } from '../ports/store.js'

type Done = (error?: StompError) => void

/** A batch that is not answered, or whose answer waits for those before. */
class Pending {
  readonly done: Done
  isAnswered = false
  error: StompError | undefined
  /** The batch after it. */
  next: Pending | undefined

  constructor(done: Done) {
    this.done = done
  }
}

/**
 * Gives batches to the store without waiting for the answers before, and passes the answers on in order: a queue
 * then holds its messages in the order in which they were sent, and RECEIPTs leave in the order of their frames.
 */
export class Journal {
  readonly #store: Store | undefined
  readonly #report: (error: unknown) => void
  #first: Pending | undefined
  #last: Pending | undefined

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
      if (this.#first === undefined) resolve()
      else this.#add(() => resolve()).isAnswered = true
    })
  }

  /** Writes a batch; `done` is told in turn, inside the call where the store answers at once and nothing waits. */
  write(batch: StoreBatch, done: Done): void {
    const answer = this.#apply(batch)
    const isNow = answer === undefined || answer instanceof StompError
    if (isNow && this.#first === undefined) {
      done(answer)
      return
    }
    const pending = this.#add(done)
    if (isNow) {
      this.#answered(pending, answer)
      return
    }
    // Whatever it is that the store gave: a promise of another library will do.
    Promise.resolve(answer).then(
      () => this.#answered(pending, undefined),
      (error: unknown) => this.#answered(pending, this.#failure(error)),
    )
  }

  #add(done: Done): Pending {
    const pending = new Pending(done)
    if (this.#last === undefined) this.#first = pending
    else this.#last.next = pending
    this.#last = pending
    return pending
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
    while (this.#first?.isAnswered) {
      const { done, error: failure, next } = this.#first
      this.#first = next
      if (next === undefined) this.#last = undefined
      done(failure)
    }
  }
}

/** A message, as the store keeps it for a queue. */
export function entryOf(queue: string, message: StoredMessage): StoredEntry {
  const { id, headers, body, expiresAt, isDeadLetter } = message
  return { queue, id, headers, body, expiresAt, isDeadLetter }
}

/** That a queue needs a message no longer. */
export function settlementOf(queue: string, message: StoredMessage): Settlement {
  return { queue, id: message.id }
}
