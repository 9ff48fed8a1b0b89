/** The connections of one door: those that are in, and those that are on their way out. */

import { type Inbound, StompError } from '@xtomp/core'
import { tooMany } from './too-many.js'

/** What a door asks of a connection: where it is told that it may not stay. */
interface Received {
  readonly inbound: Inbound | undefined
}

/** Counts, bounds and ends what comes through a door, whatever carries it. */
export class Connections<Connection extends Received> {
  readonly #most: number
  readonly #in = new Set<Connection>()
  readonly #leaving = new Set<Connection>()
  #lastGone: (() => void) | undefined

  /** @param most - how many may be in; one more is told `connections-too-many` */
  constructor(most: number) {
    this.#most = most
  }

  /** How many are in; those on their way out do not count. */
  get size(): number {
    return this.#in.size
  }

  /** Those that are in. */
  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#in.values()
  }

  /** Lets one in, or tells it that there is no room. Answers whether it is in. */
  add(connection: Connection): boolean {
    const isIn = this.#in.size < this.#most
    if (isIn) this.#in.add(connection)
    else this.turnAway(connection, tooMany(this.#most))
    return isIn
  }

  /** Tells one why it may not come in; or `why` tells it. */
  turnAway(connection: Connection, why: StompError | (() => void)): void {
    this.#leaving.add(connection)
    if (typeof why === 'function') why()
    else connection.inbound?.refuse(why)
  }

  /** One has ended, and is yet to be closed: it takes nobody's place any more. */
  leave(connection: Connection): void {
    this.#in.delete(connection)
    this.#leaving.add(connection)
  }

  /** One is gone. Answers whether it was the last. */
  delete(connection: Connection): boolean {
    this.#in.delete(connection)
    this.#leaving.delete(connection)
    if (this.#isEmpty) this.#lastGone?.()
    return this.#isEmpty
  }

  /** Tells those that are in that the door is closing. */
  end(): void {
    for (const { inbound } of this.#in)
      inbound?.refuse(new StompError('broker-closing', 'this door is closing; connect again later'))
  }

  /** Resolves when all are gone. */
  async gone(): Promise<void> {
    if (!this.#isEmpty) await new Promise<void>((resolve) => (this.#lastGone = resolve))
  }

  get #isEmpty(): boolean {
    return this.#in.size + this.#leaving.size === 0
  }
}
