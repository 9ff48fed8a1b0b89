/** A store that a test can watch and command: it notes every batch, and answers each as it is told to. */

import { createMemoryStore, type Store, type StoreBatch, type StoredEntry } from '@xtomp/core'
import { type Later, later } from './later.js'

/** What becomes of a batch. `later` waits for {@link FaultyStore.answers}. */
export type Fate = 'now' | 'throws' | 'rejects' | 'later'

/** Keeps in memory what it takes, so that a second broker can recover it. */
export class FaultyStore implements Store {
  /** All batches, as they were given. */
  readonly batches: StoreBatch[] = []
  /** What the next batches meet with. */
  fate: Fate = 'now'
  /** The answers that are still to be given, in the order of their batches. */
  readonly answers: Later<void>[] = []
  /** The failure that `throws` and `rejects` show. */
  readonly failure = new Error('disk full')
  /** Batches with a message of this body fail, whenever they would be taken. */
  poison: string | undefined
  isClosed = false
  readonly #kept = createMemoryStore()

  apply(batch: StoreBatch): undefined | Promise<void> {
    this.batches.push(batch)
    if (this.fate === 'throws') throw this.failure
    if (this.fate === 'rejects') return Promise.reject(this.failure)
    if (this.fate === 'now') return this.#take(batch)
    const answer = later()
    this.answers.push(answer)
    return answer.promise.then(() => this.#take(batch))
  }

  recover(): AsyncIterable<readonly StoredEntry[]> {
    return this.#kept.recover()
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  /** What is kept, as text: the queue's name, and the body. */
  async kept(): Promise<string[]> {
    const kept: string[] = []
    for await (const page of this.recover())
      for (const { queue, body } of page) kept.push(`${queue.split('\0')[1]} ${new TextDecoder().decode(body)}`)
    return kept
  }

  /** Each batch in one line: what it appends with a plus, what it settles with a minus, by the queue's name. */
  get lines(): string[] {
    const nameOf = (queue: string): string => queue.split('\0')[1] ?? ''
    return this.batches.map(({ appends, settlements }) =>
      [
        ...appends.map(({ queue, body }) => `+${nameOf(queue)} ${new TextDecoder().decode(body)}`),
        ...settlements.map(({ queue }) => `-${nameOf(queue)}`),
      ].join(', '),
    )
  }

  #take(batch: StoreBatch): undefined {
    if (batch.appends.some(({ body }) => new TextDecoder().decode(body) === this.poison)) throw this.failure
    this.#kept.apply(batch)
    return undefined
  }
}
