/** What a session hears: octets into frames, taken in order, one at a time, and only while nothing stands in the way. */

import type { Decoder } from '../codec/decoder.js'
import type { ClientCommand, Frame } from '../codec/frame.js'
import { LF } from '../codec/octets.js'
import type { Version } from '../codec/version.js'
import type { Connection } from '../ports/connection.js'
import type { Turn } from '../turn.js'
import type { Step } from './ask.js'
import type { SessionContext } from './context.js'

/** Why a session is not read, as bits; it is read when no reason is left. */
const UNFINISHED_STEP = 1
export const HELD_BY_QUEUE = 2
export const UNSENT_REPLIES = 4
export const UNSTORED_WORK = 8
const SPENT_TURN = 16

/** Acts on what is heard. */
export interface Hearer {
  /** Whether it acts on nothing any more. */
  readonly isOver: boolean
  /** Acts on a frame; a promise where that waits. */
  take(frame: Frame): Step
  /** The frame has failed in the end; or the octets are no frames, or there is no room for them. */
  failed(error: unknown, frame?: Frame): void
  /** Nothing is left, and nothing more will come. */
  endOfInput(): void
  /** It is read no more, or again: silence in between is not the client's. */
  deaf(isDeaf: boolean): void
  /** What is held of unfinished frames may have changed. */
  held(): void
}

/** The incoming half of a session. */
export class Incoming {
  readonly #connection: Connection
  readonly #context: SessionContext
  readonly #hearer: Hearer
  /** While there are octets of a frame. */
  #decoder: Decoder<ClientCommand> | undefined
  #version: Version | undefined
  #pauses = 0
  #isRunning = false
  #isInputEnded = false
  /** No further frame is taken: DISCONNECT or a fault came, and what came before it is being finished. */
  isLastTaken = false

  constructor(connection: Connection, context: SessionContext, hearer: Hearer) {
    this.#connection = connection
    this.#context = context
    this.#hearer = hearer
  }

  /** The agreed version; undefined before CONNECTED. */
  get version(): Version | undefined {
    return this.#version
  }

  set version(version: Version) {
    this.#version = version
    if (this.#decoder !== undefined) this.#decoder.version = version
  }

  /** Whether something stands in the way of the next frame. */
  get isPaused(): boolean {
    return this.#pauses !== 0
  }

  /** Octets of frames that are not finished, or not taken yet. */
  get heldBytes(): number {
    return this.#decoder === undefined ? 0 : this.#decoder.heldBytes
  }

  receive(octets: Uint8Array): void {
    // Nothing after the last frame is looked at, so nothing of it is kept while that waits for its answer.
    if (this.isLastTaken) return
    // A beat between frames says no more than that it came.
    if (this.#decoder === undefined && octets.length === 1 && octets[0] === LF) return
    try {
      this.#decoder ??= this.#context.decoders.take(this.#version)
      this.#decoder.receive(octets)
      // Octets that came while a frame is acted on, or while the session waits, are kept for later.
      if (this.#isRunning || this.isPaused) this.#keep()
    } catch (error) {
      this.#hearer.failed(error)
    }
    this.#run()
  }

  /** Nothing more will come. */
  ended(): void {
    this.#isInputEnded = true
    this.#run()
  }

  /** No other frame is begun until the reason has gone, and the connection is not read. */
  pause(reason: number): void {
    if (this.#pauses === 0) {
      this.#connection.pause()
      this.#hearer.deaf(true)
    }
    this.#pauses |= reason
  }

  /** The reason has gone. */
  goOn(reason: number): void {
    if ((this.#pauses & reason) === 0) return
    this.#pauses &= ~reason
    if (this.isPaused || this.#hearer.isOver) return
    this.#hearer.deaf(false)
    if (!this.#isInputEnded) this.#connection.resume()
    this.#run()
  }

  /** The reason is none any more, and what is left to be done is not done here. */
  forget(reason: number): void {
    this.#pauses &= ~reason
  }

  /** Drops everything. */
  release(): void {
    this.#decoder?.release()
  }

  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    const { turn } = this.#context.destinations
    try {
      while (this.#isListening) {
        if (turn.isSpent) {
          this.#waitForTurn(turn)
          break
        }
        const frame = this.#decoder?.next()
        if (frame === undefined) break
        turn.spend(1)
        const step = this.#hearer.take(frame)
        if (step !== undefined) this.#waitFor(step, frame)
      }
      this.#keep()
    } catch (error) {
      this.#hearer.failed(error)
    }
    this.#isRunning = false
    if (this.#isInputEnded && this.#isListening) {
      this.isLastTaken = true
      this.#hearer.endOfInput()
    }
  }

  /** It waits for a hook, for others to know of a subscription, or for very many to be served: no other frame is begun. */
  #waitFor(step: Promise<void>, frame: Frame): void {
    this.pause(UNFINISHED_STEP)
    step.then(
      () => this.goOn(UNFINISHED_STEP),
      (error: unknown) => {
        this.forget(UNFINISHED_STEP)
        this.#hearer.failed(error, frame)
      },
    )
  }

  /** Others have their turn first. */
  #waitForTurn(turn: Turn): void {
    this.pause(SPENT_TURN)
    turn.later(() => this.goOn(SPENT_TURN), this.#version === undefined)
  }

  get #isListening(): boolean {
    return !this.isPaused && !this.isLastTaken && !this.#hearer.isOver
  }

  #keep(): void {
    if (!this.#hearer.isOver) this.#decoder?.keep()
    // Making room in the broker may have ended this very session.
    if (this.#hearer.isOver) this.release()
    else if (this.#decoder?.isInFrame === false) {
      this.#context.decoders.giveBack(this.#decoder)
      this.#decoder = undefined
    }
    this.#hearer.held()
  }
}
