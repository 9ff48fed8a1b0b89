/** One end of the link between a worker and the primary: frames over a stream, one write a turn. */

import type { Duplex } from 'node:stream'
import type { DestinationContext } from '@xtomp/core/destination'
import { CODE } from './codes.js'
import { FrameReader } from './frame-reader.js'
import { FrameWriter } from './frame-writer.js'

/** What a link tells. */
export interface LinkEvents {
  /** A frame came; to be read within the call. */
  frame(reader: FrameReader): void
  /** What was collected in this turn is to be written now, too. */
  flushing(): void
  /** Something has left. */
  drained(): void
  /** The other end is gone. */
  closed(): void
}

/** What a link needs of its broker: what has not left counts as held. */
export type LinkContext = Pick<DestinationContext, 'clock' | 'account'>

const LENGTH_OCTETS = 4

/** Collects the frames of a turn, and cuts what comes into frames. */
export class Link {
  readonly #stream: Duplex
  readonly #context: LinkContext
  readonly #events: LinkEvents
  readonly #writer = new FrameWriter()
  readonly #reader = new FrameReader()
  /** The beginning of a frame that is not whole, and how much of it there is, and must be to look again. */
  #parts: Buffer[] = []
  #have = 0
  #need = 0
  #isPlanned = false
  #isEnding = false
  /** Octets written that the system has not taken. */
  #unsent = 0
  isClosed = false
  /** Whether it was cut here, and has not ended by itself. */
  isCut = false

  constructor(stream: Duplex, context: LinkContext, events: LinkEvents) {
    this.#stream = stream
    this.#context = context
    this.#events = events
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    // What broke it is of no interest: it is gone.
    stream.on('error', () => undefined)
    stream.on('close', () => this.#close())
  }

  /** Octets that have not left, what is collected among them. */
  get unsentBytes(): number {
    return this.#unsent + this.#writer.length
  }

  /** Begins a frame; {@link FrameWriter.end} it in the same call. It leaves at the end of this turn. */
  frame(code: number): FrameWriter {
    this.plan()
    return this.#writer.begin(code)
  }

  /** Sees to it that what is collected elsewhere leaves at the end of this turn. */
  plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    this.#context.clock.soon(() => this.#flush())
  }

  /** Says something rare. */
  tell(value: unknown): void {
    this.frame(CODE.tell)
      .rest(Buffer.from(JSON.stringify(value)))
      .end()
  }

  /** Whether it reads no more for now. */
  get isPaused(): boolean {
    return this.#stream.isPaused()
  }

  /** Reads no more; what was read already still comes. */
  pause(): void {
    this.#stream.pause()
  }

  /** Reads again. */
  resume(): void {
    this.#stream.resume()
  }

  /** Ends it once everything has left. */
  end(): void {
    this.#isEnding = true
    this.plan()
  }

  /** Cuts it now. */
  destroy(): void {
    this.isCut = true
    this.#stream.destroy()
  }

  #flush(): void {
    this.#events.flushing()
    this.#isPlanned = false
    const writer = this.#writer
    if (writer.length > 0 && !this.isClosed) {
      const { length } = writer
      this.#unsent += length
      this.#context.account.charge(length)
      this.#stream.write(writer.written, () => {
        this.#unsent -= length
        this.#context.account.give(length)
        this.#events.drained()
      })
      // What the system has taken within the call is ours again.
      writer.reuse(this.#stream.writableLength === 0)
    } else if (this.isClosed) writer.reuse(true)
    if (this.#isEnding) this.#stream.end()
  }

  #take(chunk: Buffer): void {
    let octets = chunk
    if (this.#have > 0) {
      this.#parts.push(chunk)
      this.#have += chunk.length
      if (this.#have < this.#need) return
      octets = Buffer.concat(this.#parts)
      this.#parts = []
      this.#have = 0
    }
    let at = 0
    for (let left = octets.length; ; left = octets.length - at) {
      this.#need = LENGTH_OCTETS + (left < LENGTH_OCTETS ? 0 : octets.readUInt32LE(at))
      if (left < LENGTH_OCTETS || left < this.#need) break
      const end = at + this.#need
      this.#events.frame(this.#reader.read(octets, at + LENGTH_OCTETS, end))
      // Whoever acted on it may have cut the link: then the rest is nobody's.
      if (this.isCut) return
      at = end
    }
    if (at === octets.length) return
    this.#parts = [octets.subarray(at)]
    this.#have = octets.length - at
  }

  #close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#events.closed()
  }
}
