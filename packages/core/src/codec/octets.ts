/** Octets by name, octets read as text, and text written as octets. */

export const NUL = 0x00
export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const COLON = 0x3a
export const BACKSLASH = 0x5c

const INTERNED_OCTETS = 64
const SLOTS = 1024

/**
 * Reads ASCII octets as strings and gives the same string object for the same octets, most of the time: header names,
 * destinations and ids come again and again, a string that is already known costs no allocation, and comparing it or
 * finding it in a Map is then a comparison of pointers. A fixed table where a newcomer takes the slot: nothing grows.
 */
export class Interner {
  readonly #strings: string[] = new Array<string>(SLOTS).fill('')

  /** The text of `octets` from `start` to before `end`, each octet a character below 128. */
  read(octets: Buffer, start: number, end: number): string {
    const length = end - start
    if (length > INTERNED_OCTETS) return octets.toString('latin1', start, end)
    if (length === 0) return ''
    // Three octets and the length tell most texts apart; looking at each is left to the comparison.
    const middle = octets[start + (length >> 1)] as number
    const hash = length + (octets[start] as number) * 7 + middle * 61 + (octets[end - 1] as number) * 419
    const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1)
    const known = this.#strings[slot] as string
    if (known.length === length && equals(known, octets, start)) return known
    const text = octets.toString('latin1', start, end)
    this.#strings[slot] = text
    return text
  }
}

function equals(text: string, octets: Buffer, start: number): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== octets[start + at]) return false
  return true
}

const SLAB_BYTES = 64 * 1024

/**
 * Writes one frame after the other into a slab of memory. What was written stays where it is: a full slab is left to
 * those who still refer to it, and {@link OctetWriter.reuse} starts the slab again once nobody does. A slab is small:
 * whoever refers to a few octets of it keeps all of it.
 */
export class OctetWriter {
  /** The slab now. */
  octets: Buffer = Buffer.alloc(0)
  /** Where the next octet goes. */
  at = 0
  readonly #slabBytes: number
  #isPinned = false

  /** Slabs have `slabBytes`, or what the largest frame needs. */
  constructor(slabBytes: number = SLAB_BYTES) {
    this.#slabBytes = slabBytes
  }

  /** Makes room for `size` more octets in one piece; what is written next begins at {@link OctetWriter.at}. */
  reserve(size: number): void {
    if (this.at + size <= this.octets.length) return
    this.octets = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, size))
    this.at = 0
    this.#isPinned = false
  }

  /** Starts the slab again, unless it is pinned: only when nobody else refers to what was written. */
  reuse(): void {
    if (this.#isPinned) return
    if (this.octets.length > this.#slabBytes) this.octets = Buffer.alloc(0)
    this.at = 0
  }

  /** Somebody refers to what was written, for as long as he likes: what comes is written behind it, until it is full. */
  pin(): void {
    this.#isPinned = true
  }

  octet(value: number): void {
    this.octets[this.at++] = value
  }

  /** ASCII text, as it is. */
  ascii(text: string): void {
    const { octets, at } = this
    for (let index = 0; index < text.length; index++) octets[at + index] = text.charCodeAt(index)
    this.at = at + text.length
  }

  /** Text of characters below 256, an octet each. */
  latin1(text: string): void {
    if (text.length <= SHORT_OCTETS) this.ascii(text)
    else this.at += this.octets.write(text, this.at, 'latin1')
  }

  /** Any text, as UTF-8. */
  utf8(text: string): void {
    this.at += this.octets.write(text, this.at, 'utf8')
  }

  /** A non-negative integer, in decimal. */
  decimal(value: number): void {
    let digits = 1
    for (let bound = 10; value >= bound; bound *= 10) digits++
    let rest = value
    for (let at = this.at + digits - 1; at >= this.at; at--) {
      const next = Math.floor(rest / 10)
      this.octets[at] = 0x30 + rest - next * 10
      rest = next
    }
    this.at += digits
  }

  /** Octets, as they are. */
  copy(from: Uint8Array, start = 0, end: number = from.length): void {
    if (end - start <= SHORT_OCTETS) {
      for (let at = start; at < end; at++) this.octets[this.at++] = from[at] as number
    } else {
      this.octets.set(start === 0 && end === from.length ? from : from.subarray(start, end), this.at)
      this.at += end - start
    }
  }
}

/** Below this a loop is quicker than the native copy, whose call alone costs as much. */
const SHORT_OCTETS = 48
