/** An ordered list of header lines, as names and values. */

import { brand } from './brand.js'

/** What a host writes where headers are wanted: an object, or pairs. Values that are not strings are written as such. */
export type HeadersInit = Readonly<Record<string, string | number | boolean>> | Iterable<readonly [string, string]>

/**
 * The headers of a frame or of a message, unescaped, in the order in which they came. Never changed after it is made.
 * A name may stand more than once: the first is the one that counts (STOMP 1.2, Repeated Header Entries).
 */
export class Headers implements Iterable<readonly [string, string]> {
  static {
    brand(Headers, 'Headers')
  }

  /** No headers. */
  static readonly none: Headers = new Headers([])

  /**
   * Name, value, name, value: one flat list, because a Map per frame is what makes brokers slow.
   * @internal
   */
  readonly pairs: readonly string[]

  private constructor(pairs: readonly string[]) {
    this.pairs = pairs
  }

  /**
   * Makes headers of a flat list, which is theirs from then on.
   * @internal
   */
  static of(pairs: readonly string[]): Headers {
    return new Headers(pairs)
  }

  /**
   * Makes headers of an object or of pairs; with `base`, of those that `init` does not name, then of `init`'s.
   * @throws TypeError at an empty name, and at a NUL: no frame could hold it
   */
  static from(init: HeadersInit, base: Headers = Headers.none): Headers {
    const given: string[] = []
    for (const [name, value] of Symbol.iterator in init ? init : Object.entries(init)) {
      const text = String(value)
      if (name === '') throw new TypeError('a header has a name; given an empty one')
      // No version of the protocol can say it: the frame would end there for whoever reads it.
      if (name.includes('\0') || text.includes('\0'))
        throw new TypeError(`a header holds no NUL; given one in ${name.replaceAll('\0', '\\0')}`)
      given.push(name, text)
    }
    const kept = base.pairs.length === 0 ? [] : without(base.pairs, new Headers(given))
    return new Headers([...kept, ...given])
  }

  /** The first value under `name`, or undefined. Names are compared exactly: STOMP's headers have a case. */
  get(name: string): string | undefined {
    const { pairs } = this
    for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === name) return pairs[at + 1]
    return undefined
  }

  /** Whether there is a header `name`. */
  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** How many header lines. */
  get size(): number {
    return this.pairs.length / 2
  }

  /** Name and value of each line, in order, repeats included. */
  *[Symbol.iterator](): IterableIterator<readonly [string, string]> {
    for (let at = 0; at < this.pairs.length; at += 2) yield [this.pairs[at] as string, this.pairs[at + 1] as string]
  }

  /** An object of names and first values, for printing and for tests. */
  toJSON(): Record<string, string> {
    const result: Record<string, string> = {}
    for (const [name, value] of this) result[name] ??= value
    return result
  }
}

function without(pairs: readonly string[], named: Headers): string[] {
  const kept: string[] = []
  for (let at = 0; at < pairs.length; at += 2) {
    if (!named.has(pairs[at] as string)) kept.push(pairs[at] as string, pairs[at + 1] as string)
  }
  return kept
}
