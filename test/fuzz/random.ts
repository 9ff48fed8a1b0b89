/** Numbers that look like chance and come again with the same seed. */

/** Chance, as a test needs it. */
export class Random {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed >>> 0
    this.#state = this.seed
  }

  /** A whole number from 0 to before `bound`. */
  below(bound: number): number {
    return Math.floor(this.#next() * bound)
  }

  /** Whether something happens that happens with this probability. */
  chance(probability: number): boolean {
    return this.#next() < probability
  }

  /** One of them. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  /** One of them, or with `probability` nothing. */
  maybe<T>(probability: number, make: () => T): T | undefined {
    return this.chance(probability) ? make() : undefined
  }

  /** So many octets. */
  octets(count: number): Buffer {
    const octets = Buffer.alloc(count)
    for (let at = 0; at < count; at++) octets[at] = this.below(256)
    return octets
  }

  /** Small numbers mostly, and now and then one up to `bound`. */
  size(bound: number): number {
    return Math.floor(this.#next() ** 4 * bound)
  }

  /** A seed for another such source, so that what one part draws does not change what another gets. */
  fork(): Random {
    return new Random(Math.floor(this.#next() * 2 ** 32))
  }

  /** Mulberry32: a counter, well stirred. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
