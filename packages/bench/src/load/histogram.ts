/**
 * How often things took how long, in the layout of an HDR histogram: each power of two is cut into as many equal parts, so
 * that three digits count, however short or long something took. A histogram goes from one process to another as a list.
 */

/** Parts of a power of two. */
const PART_BITS = 10
const PARTS = 2 ** PART_BITS
/** Ten minutes: whatever takes longer counts as that. */
export const MOST_US = 600_000_000

const BUCKETS = bucketOf(MOST_US) + 1

/** Counts by microseconds. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0
  #maxUs = 0

  /** How many things were noted. */
  get count(): number {
    return this.#count
  }

  /** The longest; to the microsecond. */
  get maxUs(): number {
    return this.#maxUs
  }

  /** Notes how long something took, in microseconds. */
  note(us: number, times = 1): void {
    const whole = us > 0 ? Math.min(Math.round(us), MOST_US) : 0
    const bucket = bucketOf(whole)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times
    this.#count += times
    if (whole > this.#maxUs) this.#maxUs = whole
  }

  /** So many in a hundred took this long, in microseconds, or less. */
  at(percentile: number): number {
    const wanted = Math.max(1, Math.ceil((percentile / 100) * this.#count - 1e-9))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0
      if (seen >= wanted) return Math.min(mostIn(bucket), this.#maxUs)
    }
    return this.#maxUs
  }

  /** Adds what a list says. */
  add(list: readonly number[]): void {
    for (let at = 0; at + 1 < list.length; at += 2) this.note(list[at] ?? 0, list[at + 1])
  }

  /** Times and counts, in turn: of each bucket that has something, the longest time. */
  list(): number[] {
    const list: number[] = []
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[bucket] ?? 0
      if (count > 0) list.push(Math.min(mostIn(bucket), this.#maxUs), count)
    }
    return list
  }

  /** Forgets all. */
  clear(): void {
    this.#counts.fill(0)
    this.#count = 0
    this.#maxUs = 0
  }
}

/** The first 2 × PARTS buckets are a microsecond each, every other PARTS as long as those before twice. */
function bucketOf(us: number): number {
  const shift = Math.max(0, 31 - PART_BITS - Math.clz32(us))
  return shift * PARTS + (us >>> shift)
}

/** The longest time in a bucket. */
function mostIn(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / PARTS) - 1)
  return (bucket - shift * PARTS + 1) * 2 ** shift - 1
}
