/** One frame of the link, read field by field. */

/** Reads the fields of a frame, each once and in its order. The octets are valid while the frame is handled. */
export class FrameReader {
  #octets: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0
  /** What the frame is. */
  code = 0

  /** Begins to read the frame between two places. */
  read(octets: Buffer, at: number, end: number): this {
    this.#octets = octets
    this.#at = at + 1
    this.#end = end
    this.code = octets[at] ?? 0
    return this
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  /** 8 bits. */
  small(): number {
    return this.#octets[this.#at++] ?? 0
  }

  /** 32 bits. */
  number(): number {
    const value = this.#octets.readUInt32LE(this.#at)
    this.#at += 4
    return value
  }

  /** 64 bits. */
  wide(): number {
    const value = this.#octets.readDoubleLE(this.#at)
    this.#at += 8
    return value
  }

  /** A text. */
  text(): string {
    const from = this.#at + 4
    this.#at = from + this.#octets.readUInt32LE(this.#at)
    return this.#octets.toString('utf8', from, this.#at)
  }

  /** The octets of a part whose length stands before it, as a frame to be read: its code is its first octet. */
  part(): Buffer {
    const size = this.number()
    const from = this.#at
    this.#at += size
    return this.#octets.subarray(from, this.#at)
  }

  /** All that is left. */
  rest(): Buffer {
    const rest = this.#octets.subarray(this.#at, this.#end)
    this.#at = this.#end
    return rest
  }

  /** All that is left, without reading it. */
  get ahead(): Buffer {
    return this.#octets.subarray(this.#at, this.#end)
  }
}
