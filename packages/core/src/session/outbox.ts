/** Encoded frames on their way to one connection. */

import type { FrameSink } from '../codec/encoder.js'
import type { OctetWriter } from '../codec/octets.js'
import type { Connection } from '../ports/connection.js'

/** No more is sent at once, so that it is seen when a peer takes anything at all. */
const PIECE_BYTES = 64 * 1024
/** From this size on octets are sent from where they are; below, copying several into one piece is cheaper than a call. */
const WORTH_A_CALL_BYTES = 8 * 1024

/** Frames that lie behind one another in a block of memory. */
interface Run {
  octets: Uint8Array
  start: number
  end: number
  /** Where in `octets` a frame ends, ascending; those from `nextEnd` on have not been sent. */
  readonly ends: number[]
  nextEnd: number
}

/**
 * A session's unsent frames, in order. They are references: into the slab where frames are encoded, and to the one
 * encoding that all subscribers of a broadcast share. An empty outbox is none: it is made when needed, and dropped.
 */
export class Outbox implements FrameSink {
  #runs: Run[] = []
  #first = 0
  #isMidFrame = false
  /** Octets in it. */
  bytes = 0

  add(octets: Uint8Array, start: number, end: number, endsFrame: boolean): void {
    this.bytes += end - start
    const last = this.#runs[this.#runs.length - 1]
    if (last !== undefined && last.octets === octets && last.end === start && this.#first < this.#runs.length) {
      last.end = end
      if (endsFrame) last.ends.push(end)
    } else {
      this.#runs.push({ octets, start, end, ends: endsFrame ? [end] : [], nextEnd: 0 })
    }
  }

  /** Sends until all has left or the connection takes no more; answers how many octets it then keeps. */
  flush(connection: Connection, writer: OctetWriter): number {
    while (this.bytes > 0) {
      const { octets, start, end } = this.#runs[this.#first] as Run
      const size = end - start
      const isAlone = size === this.bytes || size >= WORTH_A_CALL_BYTES
      const piece = isAlone ? octets.subarray(start, start + Math.min(size, PIECE_BYTES)) : this.#gather(writer)
      const frameEnds = this.#consume(piece.length)
      if (!connection.send(piece, frameEnds)) {
        if (piece.buffer === writer.octets.buffer) writer.leave()
        return piece.length
      }
      // The piece was the last thing written, and it has left.
      if (!isAlone) writer.at -= piece.length
    }
    return 0
  }

  /** Copies what is in memory that others will use again; what has a block of its own stays there. */
  park(): void {
    const runs = this.#runs.slice(this.#first)
    const isForeign = ({ octets, start, end }: Run): boolean => (end - start) * 2 < octets.length
    const copy = new Uint8Array(runs.reduce((sum, run) => (isForeign(run) ? sum + run.end - run.start : sum), 0))
    let at = 0
    for (const run of runs) {
      if (!isForeign(run)) continue
      copy.set(run.octets.subarray(run.start, run.end), at)
      const shift = at - run.start
      for (let index = run.nextEnd; index < run.ends.length; index++)
        run.ends[index] = (run.ends[index] as number) + shift
      run.octets = copy
      run.start += shift
      run.end += shift
      at = run.end
    }
    this.#runs = runs
    this.#first = 0
  }

  /** Drops all frames that were not begun; answers how many octets that were. */
  drop(): number {
    const before = this.bytes
    const begun: Run[] = []
    for (let at = this.#first; this.#isMidFrame && at < this.#runs.length; at++) {
      const run = this.#runs[at] as Run
      const end = run.ends[run.nextEnd]
      begun.push({ ...run, end: end ?? run.end, ends: end === undefined ? [] : [end], nextEnd: 0 })
      if (end !== undefined) break
    }
    this.#runs = begun
    this.#first = 0
    this.bytes = begun.reduce((sum, { start, end }) => sum + end - start, 0)
    return before - this.bytes
  }

  /** Copies the next small runs into one piece. */
  #gather(writer: OctetWriter): Uint8Array {
    writer.reserve(Math.min(this.bytes, PIECE_BYTES))
    const start = writer.at
    const { octets } = writer
    for (let at = this.#first; at < this.#runs.length; at++) {
      const run = this.#runs[at] as Run
      const size = run.end - run.start
      if (size >= WORTH_A_CALL_BYTES || writer.at - start + size > PIECE_BYTES) break
      writer.copy(run.octets, run.start, run.end)
    }
    return octets.subarray(start, writer.at)
  }

  /** Counts octets as sent; answers at which of them a frame ends. */
  #consume(size: number): number[] {
    const frameEnds: number[] = []
    let taken = 0
    while (taken < size) {
      const run = this.#runs[this.#first] as Run
      const part = Math.min(run.end - run.start, size - taken)
      const upTo = run.start + part
      for (; run.nextEnd < run.ends.length && (run.ends[run.nextEnd] as number) <= upTo; run.nextEnd++) {
        frameEnds.push(taken + (run.ends[run.nextEnd] as number) - run.start)
      }
      run.start = upTo
      taken += part
      if (run.start === run.end) this.#first++
    }
    this.bytes -= size
    this.#isMidFrame = frameEnds[frameEnds.length - 1] !== size
    return frameEnds
  }
}
