/** The NUL that React Native cuts off the end of what it sends, put back where a message ends and its frame could. */

const NUL = 0x00
const LF = 0x0a
const CR = 0x0d

/** A head that is longer is no frame that one would send so; from then on nothing is put back. */
const MOST_HEAD_BYTES = 64 * 1024

/** Follows a client's frames through its messages, as far as is needed to see that an end is missing. */
export class LostNul {
  /** Octets until the end of a frame with a content-length, its NUL included; 0 between frames. */
  #left = 0
  /** The beginning of a frame whose head goes on in the next message. */
  #head: Buffer | undefined
  #hasGivenUp = false

  /** Whether a NUL is missing behind this message: its last frame is all there, or says nothing of its length. */
  isMissing(message: Buffer): boolean {
    if (this.#hasGivenUp) return false
    const octets = this.#head === undefined ? message : Buffer.concat([this.#head, message])
    this.#head = undefined
    let at = Math.min(this.#left, octets.length)
    this.#left -= at
    if (this.#left > 0) return this.#isAllButNul()
    for (;;) {
      while (octets[at] === LF || octets[at] === CR) at++
      if (at >= octets.length) return false
      const body = bodyOf(octets, at)
      if (body < 0) {
        this.#keep(octets.subarray(at))
        return false
      }
      const length = lengthIn(octets.subarray(at, body))
      if (length === undefined) {
        const end = octets.indexOf(NUL, body)
        if (end < 0) return true
        at = end + 1
      } else {
        at = body + length + 1
        if (at > octets.length) {
          this.#left = at - octets.length
          return this.#isAllButNul()
        }
      }
    }
  }

  #isAllButNul(): boolean {
    if (this.#left > 1) return false
    this.#left = 0
    return true
  }

  #keep(head: Buffer): void {
    if (head.length > MOST_HEAD_BYTES) this.#hasGivenUp = true
    else this.#head = Buffer.from(head)
  }
}

/** Where the body begins, behind the blank line; -1 where that has not come. */
function bodyOf(octets: Buffer, from: number): number {
  for (let lf = octets.indexOf(LF, from); lf >= 0; lf = octets.indexOf(LF, lf + 1)) {
    const next = octets[lf + 1] === CR ? lf + 2 : lf + 1
    if (octets[next] === LF) return next + 1
  }
  return -1
}

function lengthIn(head: Buffer): number | undefined {
  const [, digits] = /^content-length: *(\d{1,15}) *\r?$/m.exec(head.toString('latin1')) ?? []
  return digits === undefined ? undefined : Number(digits)
}
