/** A client that chance moves: it talks, or babbles, in any chunks, and may stop reading, end or break at any point. */

import { ServerFrames, type WireFrame } from '../support/server-frames.js'
import type { Dial, Pipe } from '../support/wire-client.js'
import { mutated } from './mutations.js'
import type { Random } from './random.js'
import { Talker } from './talker.js'

const MOST_STEPS = 60
const MOST_CHUNKS = 40
const SHOWN_OCTETS = 300

/** What it does and what it is told; it judges only whether the server keeps to the protocol. */
export class FuzzedClient {
  /** What the server did that no server may. */
  readonly faults: string[] = []
  /** The codes of the ERRORs that came. */
  readonly codes: string[] = []
  isClosed = false
  readonly #random: Random
  readonly #talker: Talker
  readonly #frames = new ServerFrames()
  readonly #transcript: string[] = []
  /** How often what it says is garbled on the way, or nothing but noise. */
  readonly #noise: number
  readonly #garbling: number
  #pipe: Pipe | undefined
  #stepsLeft: number
  #isPaused = false
  #hasPaused = false
  #hasEnded = false
  #hasAborted = false

  private constructor(random: Random) {
    this.#random = random
    this.#talker = new Talker(random)
    this.#noise = random.pick([0, 0, 0, 0, 0.02, 1])
    this.#garbling = random.pick([0, 0, 0, 0.02, 0.1, 0.5])
    this.#stepsLeft = 1 + random.below(MOST_STEPS)
  }

  /** Opens a connection. */
  static async dial(dial: Dial, random: Random): Promise<FuzzedClient> {
    const client = new FuzzedClient(random)
    client.#pipe = await dial({ receive: (octets) => client.#receive(octets), closed: () => client.#close() })
    return client
  }

  /** Whether there is nothing more that it wants to do. */
  get isDone(): boolean {
    return this.isClosed || this.#stepsLeft <= 0 || this.#hasAborted
  }

  /** What was said, for a failure's message. */
  get transcript(): string {
    return this.#transcript.join('\n')
  }

  /** Does one thing. */
  step(): void {
    this.#stepsLeft--
    const draw = this.#random.below(300)
    if (this.#stepsLeft === 0) this.leave()
    else if (draw < 5) this.#pause()
    else if (draw < 12) this.#resume()
    else if (draw < 13) this.abort()
    else this.#say()
  }

  /** Has done enough: it stays without a word, ends, or breaks. */
  leave(): void {
    const draw = this.#random.below(4)
    if (draw === 0) this.abort()
    else if (draw < 3) this.end()
  }

  /** Sends no more. */
  end(): void {
    if (this.#hasEnded || this.#hasAborted) return
    this.#hasEnded = true
    this.#note('> (end)')
    this.#pipe?.end()
  }

  /** Breaks. */
  abort(): void {
    this.#hasAborted = true
    this.#note('> (abort)')
    this.#pipe?.abort()
  }

  #pause(): void {
    this.#isPaused = true
    this.#hasPaused = true
    this.#note('(paused)')
    this.#pipe?.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#note('(resumed)')
    this.#pipe?.resume()
  }

  #say(): void {
    if (this.#hasEnded || this.#hasAborted) return
    const said: Buffer[] = []
    for (let frames = 1 + this.#random.size(4); frames > 0; frames--) said.push(this.#frame())
    this.#write(Buffer.concat(said))
  }

  #frame(): Buffer {
    const random = this.#random
    if (random.chance(this.#noise)) return random.octets(1 + random.size(600))
    const frame = this.#talker.next()
    return random.chance(this.#garbling) ? mutated(frame, random) : frame
  }

  #write(octets: Buffer): void {
    this.#note(`> ${shown(octets)}`)
    const random = this.#random
    const most = random.pick([octets.length, octets.length, 1, 3, 50])
    for (let at = 0, count = 0; at < octets.length; count++) {
      const end = count < MOST_CHUNKS ? at + 1 + random.below(Math.max(1, most)) : octets.length
      this.#pipe?.write(Buffer.from(octets.subarray(at, end)))
      at = end
    }
  }

  #receive(octets: Uint8Array): void {
    if (this.isClosed) this.faults.push('octets came after the end')
    try {
      for (const frame of this.#frames.read(octets)) this.#hear(frame)
    } catch (fault) {
      this.#note(`< ${shown(octets)}`)
      this.faults.push((fault as Error).message)
    }
  }

  #hear(frame: WireFrame): void {
    this.#note(`< ${shown(frame.raw)}`)
    if (this.codes.length > 0) this.faults.push(`${frame.command} came after an ERROR`)
    if (frame.command === 'ERROR') {
      const { code = '(none)' } = frame.headers
      this.codes.push(code)
      if (code === 'internal-error') this.faults.push('the broker made a mistake')
    }
    const fault = this.#talker.hear(frame)
    if (fault !== undefined && this.#noise + this.#garbling === 0) this.faults.push(fault)
  }

  #close(): void {
    this.#note('< (closed)')
    if (this.isClosed) this.faults.push('closed twice')
    this.isClosed = true
    // One that has stopped reading is cut, and so is one that stalls.
    if (!this.#frames.isWhole && !this.#hasPaused && !this.#hasAborted)
      this.faults.push('the last frame is not ended by NUL and LF')
  }

  #note(line: string): void {
    this.#transcript.push(line)
  }
}

function shown(octets: Uint8Array): string {
  const text = JSON.stringify(Buffer.from(octets.subarray(0, SHOWN_OCTETS)).toString('latin1'))
  return octets.length > SHOWN_OCTETS ? `${text} … ${octets.length} octets` : text
}
