/** One bound over all memory that peers can make the broker hold. */

/**
 * Counts octets held, against a bound: unfinished frames, queues, backlogs, transactions, unsent replies.
 * What is shared is counted once, by whoever took it first.
 */
export class Account {
  /** The bound, in octets. */
  readonly bound: number
  /** Octets held now. */
  used = 0
  /** Asked to make room for that many octets before a `take` is refused; the broker cuts the largest backlogs. */
  relieve: ((octets: number) => void) | undefined

  constructor(bound: number) {
    this.bound = bound
  }

  /** Counts `octets` more and answers true, or counts nothing and answers false: there is no room. */
  take(octets: number): boolean {
    if (this.used + octets > this.bound) {
      this.relieve?.(this.used + octets - this.bound)
      if (this.used + octets > this.bound) return false
    }
    this.used += octets
    return true
  }

  /** Counts `octets` more, whatever the bound: they are held already. */
  charge(octets: number): void {
    this.used += octets
    if (this.used > this.bound) this.relieve?.(this.used - this.bound)
  }

  /** Counts `octets` less. */
  give(octets: number): void {
    this.used -= octets
  }
}
