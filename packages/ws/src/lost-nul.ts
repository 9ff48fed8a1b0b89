/** The NUL that React Native cuts off the end of what it sends, put back where a message ends and its frame could. */

const NUL = 0x00
const LF = 0x0a
const CR = 0x0d

/** A head that is longer is no frame that one would send so; from then on nothing is put back. */
const MOST_HEAD_BYTES = 64 * 1024

const NOTHING = Buffer.alloc(0)
const LEAST_KEPT_BYTES = 256

/** What the head of a frame tells. */
interface Head {
  /** Where the body begins in the message at hand. */
  readonly body: number
  /** The content-length. */
  readonly length: number | undefined
}

/** Follows a client's frames through its messages, as far as is needed to see that an end is missing. */
export class LostNul {
  /** Octets until the end of a frame with a content-length, its NUL included; 0 between frames. */
  #left = 0
  /** Room for the beginning of a head that goes on in the next message: it grows twofold, and no octet is looked at twice. */
  #kept = NOTHING
  #keptBytes = 0
  #hasGivenUp = false

  /** Whether a NUL is missing behind this message: its last frame is all there, or says nothing of its length. */
  isMissing(message: Buffer): boolean {
    if (this.#hasGivenUp) return false
    let at = Math.min(this.#left, message.length)
    this.#left -= at
    if (this.#left > 0) return this.#isAllButNul()
    for (;;) {
      if (this.#keptBytes === 0) while (message[at] === LF || message[at] === CR) at++
      const head = at < message.length ? this.#headOf(message, at) : undefined
      if (head === undefined) return false
      const { body, length } = head
      if (length === undefined) {
        const end = message.indexOf(NUL, body)
        if (end < 0) return true
        at = end + 1
      } else {
        at = body + length + 1
        if (at > message.length) {
          this.#left = at - message.length
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

  /** The head that goes on, or begins, where it is told; undefined where its end has not come. */
  #headOf(message: Buffer, at: number): Head | undefined {
    const before = this.#keptBytes
    if (before === 0) {
      const body = bodyOf(message, at)
      if (body >= 0) return { body, length: lengthIn(message.subarray(at, body)) }
    }
    this.#keep(message.subarray(at))
    // A blank line may have begun with what was there.
    const body = before === 0 ? -1 : bodyOf(this.#kept.subarray(0, this.#keptBytes), Math.max(0, before - 2))
    if (body < 0 && this.#keptBytes < MOST_HEAD_BYTES) return undefined
    this.#hasGivenUp = body < 0
    const head = this.#kept.subarray(0, body)
    this.#kept = NOTHING
    this.#keptBytes = 0
    return body < 0 ? undefined : { body: at + body - before, length: lengthIn(head) }
  }

  #keep(octets: Buffer): void {
    const size = Math.min(this.#keptBytes + octets.length, MOST_HEAD_BYTES)
    if (size > this.#kept.length) {
      const room = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#kept.length, LEAST_KEPT_BYTES))
      this.#kept.copy(room, 0, 0, this.#keptBytes)
      this.#kept = room
    }
    octets.copy(this.#kept, this.#keptBytes, 0, size - this.#keptBytes)
    this.#keptBytes = size
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
