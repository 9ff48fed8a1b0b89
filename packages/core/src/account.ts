/** One bound over all memory that peers can make the broker hold. */

/** Something that can give memory back, at a loss, when the broker is at its bound. */
export interface Relievable {
  /** Octets that it holds. */
  readonly heldBytes: number
  /** Gives back what it holds. */
  relieve(): void
}

/** At the bound more is given back than needed, down to this share of it, so that it stays rare. */
const RELIEVED_SHARE = 0.9

/**
 * Counts octets held, against a bound: unfinished frames, queues, backlogs, transactions, unsent replies.
 * What is shared is counted once, by whoever took it first.
 */
export class Account {
  /** The bound, in octets. */
  readonly bound: number
  /** Octets held now. */
  used = 0
  /** Whoever holds memory that can be given back. */
  readonly relievables = new Set<Relievable>()
  #isRelieving = false

  constructor(bound: number) {
    this.bound = bound
  }

  /** Counts `octets` more and answers true, or counts nothing and answers false: there is no room. */
  take(octets: number): boolean {
    if (octets > this.bound) return false
    if (this.used + octets > this.bound) this.#relieve(octets)
    if (this.used + octets > this.bound) return false
    this.used += octets
    return true
  }

  /** Counts `octets` more, whatever the bound: they are held already. */
  charge(octets: number): void {
    this.used += octets
    if (this.used > this.bound) this.#relieve(0)
  }

  /** Counts `octets` less. */
  give(octets: number): void {
    this.used -= octets
  }

  /** Makes room for `octets`, and some more. The largest go first. */
  #relieve(octets: number): void {
    // Who gives back may count something else on its way: that is made up for by the next in line, not from within.
    if (this.#isRelieving) return
    this.#isRelieving = true
    try {
      this.#relieveDownTo(Math.max(0, this.bound * RELIEVED_SHARE - octets))
    } finally {
      this.#isRelieving = false
    }
  }

  #relieveDownTo(target: number): void {
    const largestFirst = [...this.relievables].sort((one, other) => other.heldBytes - one.heldBytes)
    for (const relievable of largestFirst) {
      if (this.used <= target) break
      // Who was before it may have ended this one, too.
      if (relievable.heldBytes > 0) relievable.relieve()
    }
  }
}
