/** Whoever waits for room in a queue, in the order in which they came. */

import { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Completion } from '../ports/destination.js'
import type { DestinationContext } from './context.js'

/** Work that waits for room. */
export interface Waiting {
  /** Tries it; false where there is still no room. */
  readonly task: () => boolean
  readonly completion: Completion
  /** What is held meanwhile. */
  readonly message?: StoredMessage
}

/** A line in which nobody overtakes: the first is asked until it has found room, then the next. */
export class WaitingLine {
  readonly #context: DestinationContext
  #line: Waiting[] = []
  /** Whether the first is being asked. */
  #isAsking = false

  constructor(context: DestinationContext) {
    this.#context = context
  }

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#line.length === 0
  }

  /** Whether whoever comes now has to wait his turn. */
  get isAhead(): boolean {
    return !this.isEmpty && !this.#isAsking
  }

  /** Goes to the end of the line. */
  join(waiting: Waiting): void {
    this.#line.push(waiting)
  }

  /** Asks the first, and whoever comes after it, until one finds no room. */
  ask(): void {
    // What gets its room may leave again at once, and end up here: the stack must not grow with the line.
    if (this.#isAsking) return
    this.#isAsking = true
    while (this.#line[0]?.task()) this.#release(this.#line.shift() as Waiting)
    this.#isAsking = false
  }

  /** Whoever waited under this completion has gone, and is told that there was no room. */
  leave(completion: Completion): void {
    // Whoever is being asked at this moment has his answer soon enough.
    const asked = this.#isAsking ? this.#line[0] : undefined
    const gone = this.#line.find((waiting) => waiting.completion === completion && waiting !== asked)
    if (gone === undefined) return
    this.#line = this.#line.filter((waiting) => waiting !== gone)
    this.#turnAway(gone, new StompError('queue-full', 'whoever waited for room has gone'))
  }

  /** Turns everybody away: the broker is closed. */
  close(): void {
    const line = this.#line
    this.#line = []
    const error = new StompError('broker-closing', 'the broker was closed before there was room')
    for (const waiting of line) this.#turnAway(waiting, error)
  }

  #turnAway(waiting: Waiting, error: StompError): void {
    this.#release(waiting)
    waiting.completion.done(error)
  }

  #release({ message }: Waiting): void {
    if (message !== undefined) this.#context.release(message)
  }
}
