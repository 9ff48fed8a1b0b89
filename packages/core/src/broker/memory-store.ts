/** A store in memory: it outlives a broker, but not the process. */

import type { Store, StoreBatch, StoredEntry } from '../ports/store.js'

/** How many messages a page of `recover` has at most. */
const PAGE = 1_000

/**
 * A store that keeps messages in memory and answers at once. A broker without a store keeps its queues in memory just
 * as well; this one is for a broker that is closed and opened again in one process, and it shows what a store is.
 */
export function createMemoryStore(): Store {
  return new MemoryStore()
}

class MemoryStore implements Store {
  /** By queue, then by id; a Map keeps the order of arrival. */
  readonly #queues = new Map<string, Map<string, StoredEntry>>()

  apply({ appends, settlements }: StoreBatch): undefined {
    for (const { queue, id } of settlements) {
      const kept = this.#queues.get(queue)
      kept?.delete(id)
      if (kept?.size === 0) this.#queues.delete(queue)
    }
    for (const entry of appends) this.#queue(entry.queue).set(entry.id, { ...entry, body: Uint8Array.from(entry.body) })
    return undefined
  }

  async *recover(): AsyncIterable<readonly StoredEntry[]> {
    // All of it now: what is appended between two pages is no news to the broker.
    const entries = [...this.#queues.values()].flatMap((kept) => [...kept.values()])
    for (let at = 0; at < entries.length; at += PAGE) yield entries.slice(at, at + PAGE)
  }

  #queue(name: string): Map<string, StoredEntry> {
    let kept = this.#queues.get(name)
    if (kept === undefined) {
      kept = new Map()
      this.#queues.set(name, kept)
    }
    return kept
  }
}
