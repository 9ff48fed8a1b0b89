/** A message that its queue gave up: what it is turned into, and how it gets to where such messages go. */

import type { StompError } from '../errors.js'
import { Headers } from '../headers.js'
import { StoredMessage } from '../message.js'
import type { Completion } from '../ports/destination.js'
import type { DestinationContext, GiveUpReason } from './context.js'
import type { Delivery } from './delivery.js'
import { entryOf, settlementOf } from './journal.js'
import type { LocalDestination } from './local.js'

/** Where a dead letter came from: its queue's name. */
const ORIGIN = 'dead-letter-origin'
/** Why it was given up. */
const REASON = 'dead-letter-reason'
/** How often it had been delivered in vain. */
const COUNT = 'dead-letter-count'

/** The message as a dead letter: the same id and body, with where it came from, why, and after how many attempts. */
export function deadLetterOf({ message, attempts }: Delivery, reason: GiveUpReason, to: string): StoredMessage {
  const marks = { [ORIGIN]: message.destination, [REASON]: reason, [COUNT]: attempts }
  const letter = new StoredMessage(message, to, Headers.from(marks, message.headers), message.heldBody)
  letter.isDeadLetter = true
  return letter
}

/** A queue giving deliveries up, and where they go; undefined where they are gone. */
export interface GivingUp {
  readonly from: LocalDestination & { readonly storeKey: string }
  readonly to: LocalDestination | undefined
  readonly deliveries: readonly Delivery[]
  readonly reason: GiveUpReason
}

/** Moves deliveries to the dead letters, or discards them: one batch. Where the store fails they are still the queue's. */
export function giveUp(
  context: DestinationContext,
  { from, to, deliveries, reason }: GivingUp,
  completion: Completion,
): void {
  const letters = new Map<StoredMessage, StoredMessage>()
  for (const delivery of deliveries) {
    if (to === undefined || delivery.message.isDeadLetter) continue
    const letter = deadLetterOf(delivery, reason, to.name)
    if (to.reserve(letter) === undefined) letters.set(delivery.message, letter)
  }
  const stored = (error?: StompError): void => {
    if (error !== undefined) {
      for (const letter of letters.values()) to?.unreserve(letter)
      completion.done(error)
      return
    }
    from.finish(deliveries)
    for (const letter of letters.values()) to?.arrive(letter)
    for (const { message } of deliveries) context.reports.givenUp(message, reason, letters.get(message)?.destination)
    completion.done()
  }
  if (!context.journal.isDurable) {
    stored()
    return
  }
  const key = to?.storeKey
  const appends = key === undefined ? [] : [...letters.values()].map((letter) => entryOf(key, letter))
  const settlements = deliveries.map(({ message }) => settlementOf(from.storeKey, message))
  context.journal.write({ appends, settlements }, stored)
}
