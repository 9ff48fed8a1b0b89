/** What a store has kept, on its way back into the queues. */

import { StoredMessage } from '../message.js'
import type { Store, StoredEntry } from '../ports/store.js'
import type { Router } from './router.js'

type MessageParts = Pick<StoredEntry, 'id' | 'headers' | 'body' | 'expiresAt'> & { readonly isDeadLetter?: boolean }

/** Before any message that this broker takes itself, in the order in which the store lists them. */
const FIRST_ARRIVAL = Number.MIN_SAFE_INTEGER

/** To whom kept messages are given back. */
export interface Recovering {
  /** The destinations of a host; one that is not configured any more keeps its messages in the store. */
  routerOf(host: string): Router | undefined
  /** Whether nobody wants them any more. */
  readonly isOver: boolean
}

/** Gives every kept message back to its queue. */
export async function recover(store: Store, to: Recovering): Promise<void> {
  let arrival = FIRST_ARRIVAL
  for await (const page of store.recover()) {
    if (to.isOver) return
    for (const entry of page) {
      const [host, name] = entry.queue.split('\0') as [string, string]
      const message = messageOf(entry, name)
      message.arrival = arrival++
      to.routerOf(host)?.recover(message)
    }
  }
}

/** A message of which all is known, its id among it. */
export function messageOf(
  { id, headers, body, expiresAt, isDeadLetter = false }: MessageParts,
  destination: string,
): StoredMessage {
  const dash = id.lastIndexOf('-')
  const message = new StoredMessage(
    { origin: id.slice(0, dash), sequence: Number(id.slice(dash + 1)) },
    destination,
    headers,
    body,
  )
  message.expiresAt = expiresAt
  message.isDeadLetter = isDeadLetter
  return message
}
