/** Sits between a connection and the broker: reads along, and does the faults. */

import {
  type Clock,
  type CloseReason,
  type Connection,
  type ConnectionInfo,
  Headers,
  type Inbound,
  type StompError,
} from '@xtomp/core'
import { encodeFrame, type Frame, OctetWriter } from '@xtomp/core/codec'
import type { FaultList, FaultyAnswer, Stricken } from './faults.js'
import { commandOf, FrameCutter, isBeat, joined } from './frame-cutter.js'
import type { Listener } from './recorder.js'

/** What a tap needs. */
export interface TapParts {
  /** The adapter's end. */
  readonly connection: Connection
  readonly clock: Clock
  /** The faults of this connection, and wider ones. */
  readonly faults: FaultList
  readonly listener: Listener
  /** Ends the broker's side only, where the adapter can. */
  readonly halfClose?: (() => void) | undefined
  /** The connection is gone. */
  gone(): void
}

/** What waits to leave: octets, or the end. */
interface Waiting {
  readonly octets: Uint8Array
  readonly frameEnds: readonly number[]
  readonly due: number
}

/** The broker holds it as the connection, the adapter as what it reports to. */
export class Tap implements Connection, Inbound, Stricken {
  readonly info: ConnectionInfo
  /** The broker's end. */
  inbound: Inbound | undefined
  readonly #parts: TapParts
  readonly #cutter = new FrameCutter()
  /** Frames that wait for others to come along. */
  #merging: Uint8Array[] = []
  readonly #waiting: Waiting[] = []
  #cancel: (() => void) | undefined
  #isBlocked = false
  #isHalfClosed = false
  #closing: CloseReason | undefined
  #isGone = false
  /** Whether the broker was told that it is gone. */
  #isTold = false

  constructor(parts: TapParts) {
    this.#parts = parts
    this.info = parts.connection.info
  }

  /** Whether the client is in this process, and in nobody's network. */
  get isInMemory(): boolean {
    return this.#parts.halfClose !== undefined
  }

  // The broker's side

  send(octets: Uint8Array, frameEnds: readonly number[]): boolean {
    if (this.#isGone) return false
    const frames = this.#cutter.cut(octets, frameEnds).filter((frame) => this.#passes(frame))
    if (frames.length > 0) this.#add(frames)
    this.#pump()
    return !this.#isBlocked
  }

  pause(): void {
    this.#parts.connection.pause()
  }

  resume(): void {
    this.#parts.connection.resume()
  }

  close(reason: CloseReason): void {
    this.#closing = reason
    this.#release()
    this.#pump()
  }

  abort(): void {
    this.#parts.connection.abort()
  }

  // The adapter's side

  receive(octets: Uint8Array): void {
    if (this.#isTold) return
    const frames = this.#parts.listener.heard(octets)
    const answered = this.#answered(frames)
    if (answered === undefined) this.inbound?.receive(octets)
    else this.#answer(answered.frame, answered.answer)
  }

  drained(): void {
    this.#isBlocked = false
    this.#pump()
    if (!this.#isBlocked && !this.#isTold) this.inbound?.drained()
  }

  ended(): void {
    this.#parts.listener.note('> (end)')
    if (!this.#isTold) this.inbound?.ended()
  }

  refuse(error: StompError): void {
    if (!this.#isTold) this.inbound?.refuse(error)
  }

  closed(cause?: Error): void {
    this.#isGone = true
    this.#cancel?.()
    this.#parts.listener.note(cause === undefined ? '< (closed)' : `< (broken: ${cause.message})`)
    this.#parts.gone()
    this.#tellBroker(cause)
  }

  // Faults

  drop(): void {
    this.#parts.connection.abort()
  }

  halfClose(): void {
    if (this.#isHalfClosed || this.#isGone) return
    this.#parts.listener.note('< (end)')
    this.#isHalfClosed = true
    if (this.#parts.halfClose === undefined)
      this.#parts.connection.close({ code: 'half-close', message: 'a fault, on purpose' })
    else this.#parts.halfClose()
  }

  faultsChanged(): void {
    this.#merge()
    this.#pump()
  }

  #passes(frame: Uint8Array): boolean {
    const { faults, listener } = this.#parts
    if (this.#isHalfClosed) return false
    if (isBeat(frame)) {
      const isMissed = faults.find('miss-heart-beats') !== undefined
      listener.note(isMissed ? '< (heart-beat, missed)' : '< (heart-beat)')
      return !isMissed
    }
    const command = commandOf(frame)
    const swallow = faults.find('swallow', (fault) => fault.command === command)
    if (swallow === undefined) {
      listener.said(frame)
      return true
    }
    if (--swallow.left <= 0) faults.spend(swallow)
    listener.said(frame, ' (swallowed)')
    return false
  }

  #add(frames: readonly Uint8Array[]): void {
    if (this.#parts.faults.find('merge') === undefined) this.#leave(frames, false)
    else {
      this.#merging.push(...frames)
      this.#merge()
    }
  }

  /** Lets go what is complete, or all of it where nothing is to be merged any more. */
  #merge(): void {
    const most = this.#parts.faults.find('merge')?.frames
    if (most === undefined) this.#release()
    else while (this.#merging.length >= most) this.#leave(this.#merging.splice(0, most), true)
  }

  #release(): void {
    if (this.#merging.length > 0) this.#leave(this.#merging.splice(0), true)
  }

  #leave(frames: readonly Uint8Array[], isOne: boolean): void {
    const { faults, clock } = this.#parts
    const octets = joined(frames)
    const due = clock.now() + (faults.find('delay')?.ms ?? 0)
    const most = faults.find('split')?.octets
    if (most === undefined) {
      let end = 0
      const frameEnds = isOne ? [octets.length] : frames.map(({ length }) => (end += length))
      this.#waiting.push({ octets, frameEnds, due })
      return
    }
    for (let at = 0; at < octets.length; at += most) {
      const piece = octets.subarray(at, at + most)
      // To whom frames matter each piece is said to be one: then it comes by itself.
      this.#waiting.push({ octets: piece, frameEnds: [piece.length], due })
    }
  }

  #pump(): void {
    const { connection, clock, faults } = this.#parts
    const isDelayed = faults.find('delay') !== undefined
    while (this.#waiting.length > 0 && !this.#isBlocked && !this.#isGone) {
      const [first] = this.#waiting as [Waiting]
      if (isDelayed && first.due > clock.now()) {
        this.#cancel?.()
        this.#cancel = clock.after(first.due - clock.now(), () => this.#pump())
        return
      }
      this.#waiting.shift()
      this.#isBlocked = !connection.send(first.octets, first.frameEnds)
    }
    if (this.#closing === undefined || this.#isBlocked || this.#isGone) return
    this.#isGone = true
    connection.close(this.#closing)
  }

  #answered(frames: readonly Frame<string>[]): { frame: Frame<string>; answer: FaultyAnswer } | undefined {
    const { faults } = this.#parts
    for (const frame of frames) {
      const fault = faults.find('answer-next', ({ answer: { to } }) => to === undefined || to === frame.command)
      if (fault === undefined) continue
      faults.spend(fault)
      return { frame, answer: fault.answer }
    }
    return undefined
  }

  /** The broker sees a client that is lost; the client sees an ERROR that the broker knows nothing of. */
  #answer(frame: Frame<string>, answer: FaultyAnswer): void {
    const { code = 'internal-error', message = 'a fault, on purpose', headers = {}, body = '' } = answer
    const receipt = frame.headers.get('receipt')
    const all = { message, code, ...(receipt === undefined ? {} : { 'receipt-id': receipt }), ...headers }
    const writer = new OctetWriter()
    const parts = { command: 'ERROR', headers: Headers.from(all), body: new TextEncoder().encode(body) }
    const start = encodeFrame(writer, parts, '1.2')
    const octets = writer.octets.slice(start, writer.at)
    this.#parts.listener.said(octets, ' (a fault)')
    this.#add([octets])
    this.close({ code, message })
    this.#parts.clock.soon(() => this.#tellBroker(undefined))
  }

  #tellBroker(cause: Error | undefined): void {
    if (this.#isTold) return
    this.#isTold = true
    this.inbound?.closed(cause)
  }
}
