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
 * Counts octets held, against a bound: unfinished frames, queues, backlogs, transactions, subscriptions, unsent replies.
 * What is shared is counted once, by whoever took it first.
 */
export class Account {
  /** The bound, in octets. */
  readonly bound: number
  /** Octets held now. */
  used = 0
  /** Whoever holds memory that can be given back. */
  readonly relievables = new Set<Relievable>()
  /** What they hold. */
  readonly relievable: RelievablePart
  #isRelieving = false

  constructor(bound: number) {
    this.bound = bound
    this.relievable = new RelievablePart(this)
  }

  /** Counts `octets` more and answers true, or counts nothing and answers false: there is no room. */
  take(octets: number): boolean {
    if (this.used + octets > this.bound) {
      // Nobody loses anything for what would be refused nevertheless.
      if (this.#lasting + octets > this.bound) return false
      this.#relieve(octets)
      if (this.used + octets > this.bound) return false
    }
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

  /** Octets that nobody can be made to give back. */
  get #lasting(): number {
    return this.used - this.relievable.bytes
  }

  /** Makes room for `octets`, and some more. The largest go first. */
  #relieve(octets: number): void {
    // Who gives back may count something else on its way: that is made up for by the next in line, not from within.
    if (this.#isRelieving) return
    this.#isRelieving = true
    try {
      // Some more, but never all that there is: where most of what is held must stay, the rest is not to pay for it.
      const rare = Math.max(
        this.bound * RELIEVED_SHARE - octets,
        this.#lasting + this.relievable.bytes * RELIEVED_SHARE,
      )
      this.#relieveDownTo(Math.min(this.bound - octets, rare))
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

/** What relievables hold, as they count it: in the account, and as what could be given back. */
export class RelievablePart {
  /** Octets of the account that could be given back; some of them may be held by others, too. */
  bytes = 0
  readonly #account: Account

  constructor(account: Account) {
    this.#account = account
  }

  /** The bound of the account, in octets. */
  get bound(): number {
    return this.#account.bound
  }

  /** As {@link Account.take}. */
  take(octets: number): boolean {
    if (!this.#account.take(octets)) return false
    this.bytes += octets
    return true
  }

  /** As {@link Account.charge}. */
  charge(octets: number): void {
    this.bytes += octets
    this.#account.charge(octets)
  }

  /** As {@link Account.give}. */
  give(octets: number): void {
    this.bytes -= octets
    this.#account.give(octets)
  }
}
