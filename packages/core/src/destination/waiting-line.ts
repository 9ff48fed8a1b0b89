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

/** One place in a line. */
interface Place extends Waiting {
  /** Leaves it before its turn. */
  readonly leave: () => void
  before: Place | undefined
  after: Place | undefined
}

/** A line in which nobody overtakes: the first is asked until it has found room, then the next. */
export class WaitingLine {
  readonly #context: DestinationContext
  #first: Place | undefined
  #last: Place | undefined
  /** Whether the first is being asked. */
  #isAsking = false

  constructor(context: DestinationContext) {
    this.#context = context
  }

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#first === undefined
  }

  /** Whether whoever comes now has to wait his turn. */
  get isAhead(): boolean {
    return !this.isEmpty && !this.#isAsking
  }

  /** Goes to the end of the line; `left` runs when it has left before its turn. */
  join(waiting: Waiting, left: () => void): void {
    const leave = (): void => {
      if (this.#leave(place)) left()
    }
    const place: Place = { ...waiting, leave, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = place
    else this.#last.after = place
    this.#last = place
    this.#context.waiting.set(waiting.completion, leave)
  }

  /** Asks the first, and whoever comes after it, until one finds no room. */
  ask(): void {
    // What gets its room may leave again at once, and end up here: the stack must not grow with the line.
    if (this.#isAsking) return
    this.#isAsking = true
    for (let place = this.#first; place?.task(); place = this.#first) this.#remove(place)
    this.#isAsking = false
  }

  /** Turns everybody away: the broker is closed. */
  close(): void {
    const error = new StompError('broker-closing', 'the broker was closed before there was room')
    while (this.#first !== undefined) this.#turnAway(this.#first, error)
  }

  /** Whoever waited there has gone, and is told that there was no room. */
  #leave(place: Place): boolean {
    // Whoever is being asked at this moment has his answer soon enough.
    if (this.#isAsking && place === this.#first) return false
    this.#turnAway(place, new StompError('queue-full', 'whoever waited for room has gone'))
    return true
  }

  #turnAway(place: Place, error: StompError): void {
    this.#remove(place)
    place.completion.done(error)
  }

  #remove({ completion, message, leave, before, after }: Place): void {
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    // A transaction may have found room here, and wait in another line by now.
    if (this.#context.waiting.get(completion) === leave) this.#context.waiting.delete(completion)
    if (message !== undefined) this.#context.release(message)
  }
}
