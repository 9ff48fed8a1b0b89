/** What a session says: written now, sent once a turn, counted while the peer is slow to take it. */

import { encodeFrame, type FrameParts, type FrameSink, type SharedRest } from '../codec/encoder.js'
import type { Version } from '../codec/version.js'
import type { CloseReason, Connection } from '../ports/connection.js'
import { WakeUp } from '../wheel.js'
import type { SessionContext } from './context.js'
import type { Flushable } from './flusher.js'
import { Outbox } from './outbox.js'

/** Told what becomes of what was written. */
export interface Speaker {
  /** Octets were sent. */
  spoke(): void
  /** All that was written has left. */
  drainedAll(): void
  /** The peer takes nothing, for too long. */
  stalled(): void
  /** What is held for it, and counted, has changed. */
  held(): void
}

const EOL = new Uint8Array([0x0a])
const EOL_ENDS: readonly number[] = [1]

/** A session that is closing waits that much for a peer that takes nothing: somebody may be waiting for its end. */
const CLOSING_STALL_MS = 2_000

/** The outgoing half of a session. While the connection takes everything it owns no memory. */
export class Outgoing implements FrameSink, Flushable {
  readonly #connection: Connection
  readonly #context: SessionContext
  readonly #speaker: Speaker
  #outbox: Outbox | undefined
  /** Octets that the connection holds back; it is given no more while there are any. */
  #inFlight = 0
  #charged = 0
  /** How often a connection that tells late was given something, and whether it may still say that this has left. */
  #sent = 0
  #isUndecided = false
  #stall: WakeUp | undefined
  #closeReason: CloseReason | undefined
  #isDirty = false
  #isOver = false

  constructor(connection: Connection, context: SessionContext, speaker: Speaker) {
    this.#connection = connection
    this.#context = context
    this.#speaker = speaker
  }

  /** Octets that were written and have not left. */
  get unsentBytes(): number {
    return this.#inFlight + (this.#outbox === undefined ? 0 : this.#outbox.bytes)
  }

  /** Whether the peer is slow: the connection holds octets back. */
  get isBlocked(): boolean {
    return this.#inFlight > 0
  }

  /** What a slow peer makes the broker hold. */
  get heldBytes(): number {
    return this.#inFlight === 0 ? 0 : this.unsentBytes
  }

  /** Writes a frame. */
  write(frame: FrameParts, version: Version | undefined): void {
    const { writer } = this.#context
    const start = encodeFrame(writer, frame, version)
    this.add(writer.octets, start, writer.at, true)
  }

  add(octets: Uint8Array, start: number, end: number, endsFrame: boolean): void {
    if (this.#isOver) return
    this.#outbox ??= new Outbox()
    this.#outbox.add(octets, start, end, endsFrame)
    this.#added(endsFrame)
  }

  share(rest: SharedRest): void {
    if (this.#isOver) return
    this.#outbox ??= new Outbox()
    this.#outbox.share(rest)
    this.#added(true)
  }

  /** Sends a beat, unless something else waits to be sent. */
  beat(): void {
    if (this.#isOver || this.unsentBytes > 0) return
    if (!this.#connection.send(EOL, EOL_ENDS)) this.#blocked(EOL.length)
  }

  /** Sends what waits only for its turn, where it is so much that nothing more may be added. */
  catchUp(): void {
    if (this.#inFlight === 0 && this.unsentBytes >= this.#context.limits.unsentBytes) this.flush()
  }

  flush(): void {
    this.#isDirty = false
    if (this.#isOver) return
    if (this.#inFlight === 0) this.#send()
    else this.#outbox?.park(this.#context.writer)
    this.#charge()
    // Counting it may have cut this very session.
    if (this.#inFlight === 0 && !this.#isOver) this.#allSent()
  }

  /** The connection takes octets again. */
  drained(): void {
    if (this.#isOver) return
    this.#inFlight = 0
    if (this.#stall !== undefined) this.#context.destinations.wheel.clear(this.#stall)
    this.flush()
  }

  /** Sends what was written, then closes the connection. */
  close(reason: CloseReason): void {
    this.#closeReason = reason
    if (this.#isOver) return
    if (this.unsentBytes === 0) this.#allSent()
    else if (this.#inFlight > 0) this.#blocked(this.#inFlight)
  }

  /** Forgets everything: there is no connection any more. */
  end(): void {
    this.#isOver = true
    this.#inFlight = 0
    this.#charge()
    this.#outbox = undefined
    if (this.#stall !== undefined) this.#context.destinations.wheel.clear(this.#stall)
  }

  #added(endsFrame: boolean): void {
    if (!this.#isDirty) {
      this.#isDirty = true
      this.#context.flusher.add(this)
    }
    if (!endsFrame || this.#inFlight > 0 || this.unsentBytes < this.#context.limits.unsentBytes) return
    // Much has come together: it leaves now, so that a busy consumer always has room. Of very many that would be all of them
    // in one turn: where their sender waits, they need not have room.
    const { crowd } = this.#context.destinations
    if (crowd.isPatient) crowd.fill()
    else this.#send()
  }

  #send(): void {
    const outbox = this.#outbox
    if (outbox === undefined) return
    const kept = outbox.flush(this.#connection, this.#context.writer)
    if (outbox.isDone) this.#outbox = undefined
    else outbox.park(this.#context.writer)
    this.#speaker.spoke()
    if (kept === 0) return
    this.#blocked(kept)
    if (this.#connection.isLate) this.#waitAndSee()
    // Counted now: many may be blocked before the turn is over.
    this.#charge()
  }

  #blocked(bytes: number): void {
    this.#inFlight = bytes
    this.#stall ??= new WakeUp(() => this.#speaker.stalled())
    const { stallMs } = this.#context.limits
    const patienceMs = this.#closeReason === undefined ? stallMs : Math.min(stallMs, CLOSING_STALL_MS)
    this.#context.destinations.wheel.set(this.#stall, patienceMs)
  }

  #allSent(): void {
    this.#speaker.drainedAll()
    // Saying so may have written more.
    if (this.#closeReason === undefined || this.unsentBytes > 0) return
    this.#isOver = true
    this.#connection.close(this.#closeReason)
  }

  /** A connection that tells late is given the time to say that its peer has taken all. */
  #waitAndSee(): void {
    this.#isUndecided = true
    const sent = ++this.#sent
    this.#context.destinations.clock.soon(() => {
      if (sent !== this.#sent) return
      this.#isUndecided = false
      this.#charge()
    })
  }

  /** Counts what a slow peer makes the broker hold, beyond what its queues and backlogs do. */
  #charge(): void {
    const isSlow = this.#inFlight > 0
    if (isSlow && this.#isUndecided) return
    const outbox = this.#outbox
    const bytes = isSlow ? (outbox?.ownBytes(this.#inFlight) ?? this.#inFlight) : 0
    const { relievable } = this.#context.destinations.account
    const more = bytes - this.#charged + (outbox?.hold(isSlow) ?? 0)
    this.#charged = bytes
    if (outbox?.isDone) this.#outbox = undefined
    this.#speaker.held()
    if (more > 0) relievable.charge(more)
    else relievable.give(-more)
  }
}
