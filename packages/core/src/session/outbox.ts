/** Encoded frames on their way to one connection. */

import type { FrameSink, SharedRest } from '../codec/encoder.js'
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
  /** What it is a part of, where others are sent that too. */
  readonly shared: SharedRest | undefined
}

const NONE: readonly SharedRest[] = []

/**
 * A session's unsent frames, in order. They are references: into the slab where frames are encoded, and to the one
 * encoding that all subscribers of a broadcast share. An empty outbox is none: it is made when needed, and dropped.
 */
export class Outbox implements FrameSink {
  #runs: Run[] = []
  #first = 0
  /** What the connection keeps a part of, where that is shared. */
  #inFlight: SharedRest | undefined
  /** What is shared and waits here, too: counted. */
  #held = NONE
  /** Octets in it. */
  bytes = 0
  /** How many of them are shared. */
  #sharedBytes = 0

  add(octets: Uint8Array, start: number, end: number, endsFrame: boolean): void {
    this.bytes += end - start
    const last = this.#runs[this.#runs.length - 1]
    if (last !== undefined && last.octets === octets && last.end === start && this.#first < this.#runs.length) {
      last.end = end
      if (endsFrame) last.ends.push(end)
    } else {
      this.#runs.push({ octets, start, end, ends: endsFrame ? [end] : [], nextEnd: 0, shared: undefined })
    }
  }

  share(shared: SharedRest): void {
    const { octets, end } = shared
    this.bytes += end
    this.#sharedBytes += end
    this.#runs.push({ octets, start: 0, end, ends: [end], nextEnd: 0, shared })
  }

  /** Whether nothing is left of it, neither to be sent nor to be counted. */
  get isDone(): boolean {
    return this.bytes === 0 && this.#inFlight === undefined && this.#held.length === 0
  }

  /** Octets that nobody else has, with `inFlight` more that the connection keeps. */
  ownBytes(inFlight: number): number {
    return this.bytes - this.#sharedBytes + (this.#inFlight === undefined ? inFlight : 0)
  }

  /** Holds what is shared while it must wait, and nothing else; answers by how many octets more or less is held by anybody. */
  hold(mustWait: boolean): number {
    const before = this.#held
    this.#held = mustWait ? this.#shared() : NONE
    let more = 0
    for (const shared of this.#held) if (shared.holders++ === 0) more += shared.octets.length
    for (const shared of before) if (--shared.holders === 0) more -= shared.octets.length
    return more
  }

  /** Sends until all has left or the connection takes no more; answers how many octets it then keeps. */
  flush(connection: Connection, writer: OctetWriter): number {
    this.#inFlight = undefined
    while (this.bytes > 0) {
      const { octets, start, end, shared } = this.#runs[this.#first] as Run
      const size = end - start
      const isAlone = size === this.bytes || size >= WORTH_A_CALL_BYTES
      const piece = isAlone ? octets.subarray(start, start + Math.min(size, PIECE_BYTES)) : this.#gather(writer)
      const frameEnds = this.#consume(piece.length)
      if (!connection.send(piece, frameEnds)) {
        if (piece.buffer === writer.octets.buffer) writer.pin()
        this.#inFlight = shared
        return piece.length
      }
      // The piece was the last thing written, and it has left.
      if (!isAlone) writer.at -= piece.length
    }
    return 0
  }

  /** Copies what is in memory that others will use again, or need little of; what has a block of its own stays there. */
  park(writer: OctetWriter): void {
    const runs = this.#runs.slice(this.#first)
    const isForeign = ({ octets, start, end, shared }: Run): boolean =>
      shared === undefined && (octets === writer.octets || (end - start) * 2 < octets.length)
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

  #shared(): readonly SharedRest[] {
    if (this.#sharedBytes === 0 && this.#inFlight === undefined) return NONE
    const all = new Set<SharedRest>(this.#inFlight === undefined ? [] : [this.#inFlight])
    for (let at = this.#first; at < this.#runs.length; at++) {
      const { shared } = this.#runs[at] as Run
      if (shared !== undefined) all.add(shared)
    }
    return [...all]
  }

  /** Copies the next small runs into one piece. */
  #gather(writer: OctetWriter): Uint8Array {
    let size = 0
    let next = this.#first
    for (; next < this.#runs.length; next++) {
      const { start, end } = this.#runs[next] as Run
      if (end - start >= WORTH_A_CALL_BYTES || size + end - start > PIECE_BYTES) break
      size += end - start
    }
    writer.reserve(size)
    const from = writer.at
    for (let at = this.#first; at < next; at++) {
      const { octets, start, end } = this.#runs[at] as Run
      writer.copy(octets, start, end)
    }
    return writer.octets.subarray(from, writer.at)
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
      if (run.shared !== undefined) this.#sharedBytes -= part
      if (run.start === run.end) this.#first++
    }
    this.bytes -= size
    return frameEnds
  }
}
