/** What all connections of a door hold of messages that are not whole: one bound for all of them. */

/** Counts octets that are held; more than `limit` is too much. */
export class Room {
  readonly limit: number
  held = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get isFull(): boolean {
    return this.held > this.limit
  }
}
