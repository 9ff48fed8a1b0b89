/** What a store has kept, on its way back into the queues. */

import { StoredMessage } from '../message.js'
import type { Store, StoredEntry } from '../ports/store.js'
import { isDeadLetter } from './dead-letter.js'
import type { Router } from './router.js'

/** Before any message that this broker takes itself, in the order in which the store lists them. */
const FIRST_ARRIVAL = Number.MIN_SAFE_INTEGER

/** Gives every kept message back to its queue. A host that is not configured any more keeps its messages in the store. */
export async function recover(store: Store, routerOf: (host: string) => Router | undefined): Promise<void> {
  let arrival = FIRST_ARRIVAL
  for await (const page of store.recover()) {
    for (const entry of page) {
      const [host, name] = entry.queue.split('\0') as [string, string]
      const message = messageOf(entry, name)
      message.arrival = arrival++
      routerOf(host)?.recover(message)
    }
  }
}

function messageOf({ id, headers, body, expiresAt }: StoredEntry, destination: string): StoredMessage {
  const dash = id.lastIndexOf('-')
  const message = new StoredMessage(
    { origin: id.slice(0, dash), sequence: Number(id.slice(dash + 1)) },
    destination,
    headers,
    body,
  )
  message.expiresAt = expiresAt
  message.isDeadLetter = isDeadLetter(headers)
  return message
}
