/** Frames of the link, one behind the other, in memory that is used again. */

const LEAST_OCTETS = 64 * 1024
/** More than that is not kept for the next turn. */
const MOST_KEPT = 1024 * 1024
/** A code unit of a text takes no more octets than that in UTF-8. */
const MOST_PER_UNIT = 3
const LENGTH_OCTETS = 4

/** Writes frames: `begin`, the fields in their order, `end`. */
export class FrameWriter {
  #octets = Buffer.allocUnsafeSlow(LEAST_OCTETS)
  #frameAt = 0
  /** Where a length is to be written once it is known. */
  #partAt = 0
  /** How many octets are written. */
  length = 0

  /** Begins a frame. */
  begin(code: number): this {
    this.#frameAt = this.length
    this.#room(LENGTH_OCTETS + 1)
    this.length += LENGTH_OCTETS
    this.#octets[this.length++] = code
    return this
  }

  /** Ends the frame. */
  end(): void {
    this.#octets.writeUInt32LE(this.length - this.#frameAt - LENGTH_OCTETS, this.#frameAt)
  }

  /** Begins a part whose length stands before it. */
  beginPart(): this {
    this.#partAt = this.length
    return this.number(0)
  }

  /** Ends it. */
  endPart(): void {
    this.#octets.writeUInt32LE(this.length - this.#partAt - LENGTH_OCTETS, this.#partAt)
  }

  /** 8 bits. */
  small(value: number): this {
    this.#room(1)
    this.#octets[this.length++] = value
    return this
  }

  /** 32 bits. */
  number(value: number): this {
    this.#room(4)
    this.length = this.#octets.writeUInt32LE(value, this.length)
    return this
  }

  /** 64 bits, as a number of JavaScript. */
  wide(value: number): this {
    this.#room(8)
    this.length = this.#octets.writeDoubleLE(value, this.length)
    return this
  }

  /** A text, as UTF-8. */
  text(value: string): this {
    this.#room(LENGTH_OCTETS + value.length * MOST_PER_UNIT)
    const at = this.length + LENGTH_OCTETS
    const size = this.#octets.write(value, at)
    this.#octets.writeUInt32LE(size, this.length)
    this.length = at + size
    return this
  }

  /** Octets to the end of the frame or part; a string has one character below 256 for each. */
  rest(octets: Uint8Array | string): this {
    this.#room(octets.length)
    if (typeof octets === 'string') this.#octets.write(octets, this.length, 'latin1')
    else this.#octets.set(octets, this.length)
    this.length += octets.length
    return this
  }

  /** What is written; valid until {@link reuse}. */
  get written(): Buffer {
    return this.#octets.subarray(0, this.length)
  }

  /** Begins anew: in the same memory where nobody needs what was written, else in other. */
  reuse(isFree: boolean): void {
    if (!isFree || this.#octets.length > MOST_KEPT) this.#octets = Buffer.allocUnsafeSlow(LEAST_OCTETS)
    this.length = 0
  }

  #room(octets: number): void {
    if (this.length + octets <= this.#octets.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#octets.length, this.length + octets))
    this.#octets.copy(larger, 0, 0, this.length)
    this.#octets = larger
  }
}
