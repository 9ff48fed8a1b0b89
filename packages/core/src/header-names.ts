/** The header names that the broker itself writes, and that a message therefore never carries. */

import { Headers } from './headers.js'

/** Removed from a message at SEND, whatever the number of repeats: the broker writes them anew for each MESSAGE. */
export const BROKER_OWNED: ReadonlySet<string> = new Set([
  'destination',
  'message-id',
  'subscription',
  'ack',
  'redelivered',
  'content-length',
  'receipt',
  'receipt-id',
  'transaction',
])

/** The headers that a message keeps: all but the broker's own. */
export function messageHeaders(headers: Headers): Headers {
  const { pairs } = headers
  let kept: string[] | undefined
  for (let at = 0; at < pairs.length; at += 2) {
    if (BROKER_OWNED.has(pairs[at] as string)) continue
    kept ??= []
    kept.push(pairs[at] as string, pairs[at + 1] as string)
  }
  return kept === undefined ? Headers.none : Headers.of(kept)
}
