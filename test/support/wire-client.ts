/** A raw STOMP client over any door: writes octets literally, collects the frames that come back. */

import { ServerFrames, type WireFrame } from './server-frames.js'

export type { WireFrame } from './server-frames.js'

/** The client's end of a byte pipe, whatever carries it. */
export interface Pipe {
  write(octets: Uint8Array): void
  /** "I send no more": a half-close; answers may still come. */
  end(): void
  /** The connection breaks. */
  abort(): void
  /** Stops reading, so that the server sees back-pressure. */
  pause(): void
  resume(): void
}

/** What a pipe reports. */
export interface PipeEvents {
  receive(octets: Uint8Array): void
  closed(): void
}

/** Opens a pipe to a broker. */
export type Dial = (events: PipeEvents) => Pipe | Promise<Pipe>

/** Headers to be written as they are, in order; pairs where a name is to stand twice. */
export type WireHeaders = Readonly<Record<string, string | number>> | readonly HeaderPair[]

type HeaderPair = readonly [string, string | number]

/** How long a wait may last before the test fails: far beyond what any right answer takes. */
export const DEADLINE_MS = 5_000

const SHOWN_CHARACTERS = 200
const SHOWN_LINES = 40

/** A frame as text, ended by its NUL, every part as given: nothing is escaped, nothing is added. */
export function frameText(command: string, headers: WireHeaders = {}, body = ''): string {
  return `${command}\n${pairsOf(headers)
    .map(([name, value]) => `${name}:${value}\n`)
    .join('')}\n${body}\0`
}

function pairsOf(headers: WireHeaders): readonly HeaderPair[] {
  return Array.isArray(headers) ? (headers as readonly HeaderPair[]) : Object.entries(headers)
}

/** Text as octets; octets as they are. */
export function octetsOf(octets: string | Uint8Array): Uint8Array {
  return typeof octets === 'string' ? new TextEncoder().encode(octets) : octets
}

/** A client that knows only the wire. Every wait ends: with what was waited for, or with a failure that shows all. */
export class WireClient {
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>
  readonly #frames = new ServerFrames()
  readonly #received: WireFrame[] = []
  readonly #transcript: string[] = []
  readonly #waiting = new Set<() => void>()
  #pipe: Pipe | undefined
  #isClosed = false
  #fault: Error | undefined
  #receipts = 0

  readonly #deadlineMs: number

  private constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs
    this.closed = new Promise((resolve) => {
      this.#waiting.add(() => {
        if (this.#isClosed) resolve()
      })
    })
  }

  /** Opens a connection, and sends nothing yet. `deadlineMs` is how long any wait may last: more where all is made slow. */
  static async dial(dial: Dial, deadlineMs = DEADLINE_MS): Promise<WireClient> {
    const client = new WireClient(deadlineMs)
    client.#pipe = await dial({ receive: (octets) => client.#receive(octets), closed: () => client.#close() })
    return client
  }

  /** Whether the connection is gone. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** How many heart-beats came: LFs between frames, not counting the one that ends each frame. */
  get beats(): number {
    return this.#frames.beats
  }

  /** Frames that came and were not taken yet. */
  get received(): readonly WireFrame[] {
    return this.#received
  }

  /** The version agreed on. */
  get version(): string {
    return this.#frames.version
  }

  /** What was said so far, for a failure's message. */
  get transcript(): string {
    const left = this.#transcript.length - SHOWN_LINES
    const rest = this.#frames.rest.length === 0 ? [] : [`< ${shown(this.#frames.rest)} (unfinished)`]
    return [...(left > 0 ? [`(${left} lines before)`] : []), ...this.#transcript.slice(-SHOWN_LINES), ...rest].join(
      '\n',
    )
  }

  /** Writes octets literally; text as UTF-8. */
  write(octets: string | Uint8Array): void {
    const written = octetsOf(octets)
    this.#note(`> ${shown(written)}`)
    this.#pipe?.write(written)
  }

  /** Writes a frame made of the parts given, each literally. */
  send(command: string, headers?: WireHeaders, body?: string): void {
    this.write(frameText(command, headers, body))
  }

  /** Sends CONNECT and takes the CONNECTED that answers it. */
  async connect(headers: WireHeaders = {}, version = '1.2'): Promise<WireFrame> {
    this.send('CONNECT', [['accept-version', version], ['host', 'localhost'], ...pairsOf(headers)])
    return this.frame('CONNECTED')
  }

  /** Takes the next frame, whatever it is. */
  async next(): Promise<WireFrame> {
    await this.#until(() => this.#received.length > 0, 'a frame')
    return this.#received.shift() as WireFrame
  }

  /** Takes the next frame, which must be of this command and hold these headers; others may stand beside them. */
  async frame(command: string, headers: Readonly<Record<string, string>> = {}): Promise<WireFrame> {
    await this.#until(() => this.#received.length > 0, command)
    const frame = this.#received.shift() as WireFrame
    if (frame.command !== command) this.fail(`expected ${command}, got ${frame.command}`)
    for (const [name, value] of Object.entries(headers)) {
      if (frame.headers[name] !== value)
        this.fail(`expected ${name}:${value} in ${command}, got ${frame.headers[name]}`)
    }
    return frame
  }

  /** Takes the next so many frames, each a MESSAGE. */
  async messages(count: number): Promise<WireFrame[]> {
    const messages: WireFrame[] = []
    while (messages.length < count) messages.push(await this.frame('MESSAGE'))
    return messages
  }

  /**
   * Sends a frame with a receipt of its own and takes the RECEIPT for it, from among whatever else comes: that stays to
   * be taken. An ERROR, or the end of the connection, fails.
   */
  async confirm(command: string, headers: WireHeaders = {}, body?: string): Promise<WireFrame> {
    const id = `confirm-${++this.#receipts}`
    this.send(command, [...pairsOf(headers), ['receipt', id]], body)
    const isIt = (frame: WireFrame) => frame.command === 'RECEIPT' && frame.headers['receipt-id'] === id
    await this.#until(
      () => this.#received.some((frame) => isIt(frame) || frame.command === 'ERROR'),
      `the RECEIPT ${id}`,
    )
    const at = this.#received.findIndex(isIt)
    if (at < 0) this.fail(`expected the RECEIPT ${id}, got ERROR`)
    return this.#received.splice(at, 1)[0] as WireFrame
  }

  /** A round trip: when it is over the broker has done all that was sent before. Needs one transaction's room. */
  async roundTrip(): Promise<void> {
    const transaction = `round-trip-${this.#receipts}`
    this.send('BEGIN', { transaction })
    await this.confirm('ABORT', { transaction })
  }

  /** Fails if anything came or comes within a round trip. */
  async expectNothing(): Promise<void> {
    await this.roundTrip()
    const [frame] = this.#received
    if (frame !== undefined) this.fail(`expected nothing, got ${frame.command}`)
  }

  /** Takes an ERROR with this code, which must be the next and last frame, and waits for the close behind it. */
  async error(code: string, headers: Readonly<Record<string, string>> = {}): Promise<WireFrame> {
    const error = await this.frame('ERROR', { code, ...headers })
    await this.expectClosed()
    return error
  }

  /** Waits until the connection is gone; fails if a frame is left, or if what came does not end as a frame does. */
  async expectClosed(): Promise<void> {
    await this.#until(() => this.#isClosed || this.#received.length > 0, 'the end of the connection')
    const [frame] = this.#received
    if (frame !== undefined) this.fail(`expected the end of the connection, got ${frame.command}`)
    if (!this.#frames.isWhole) this.fail('the last frame is not ended by NUL and LF')
  }

  /** Waits until so many heart-beats came in all. */
  async beat(count: number): Promise<void> {
    await this.#until(() => this.beats >= count, `heart-beat ${count}`)
  }

  /** Sends DISCONNECT with a receipt, takes the RECEIPT and waits for the end. */
  async disconnect(): Promise<void> {
    await this.confirm('DISCONNECT')
    await this.#until(() => this.#isClosed, 'the end of the connection')
  }

  /** Sends no more; answers may still come. */
  end(): void {
    this.#note('> (end)')
    this.#pipe?.end()
  }

  /** Breaks the connection. */
  abort(): void {
    this.#note('> (abort)')
    this.#pipe?.abort()
  }

  /** Stops reading. */
  pause(): void {
    this.#note('(paused)')
    this.#pipe?.pause()
  }

  /** Reads again. */
  resume(): void {
    this.#note('(resumed)')
    this.#pipe?.resume()
  }

  /** Fails the test, showing all that was said. */
  fail(what: string): never {
    throw new Error(`${what}\n${this.transcript}`)
  }

  #receive(octets: Uint8Array): void {
    const beats = this.beats
    try {
      for (const frame of this.#frames.read(octets)) {
        this.#note(`< ${shown(frame.raw)}`)
        this.#received.push(frame)
      }
    } catch (fault) {
      this.#note(`< ${shown(octets)}`)
      this.#fault = fault as Error
    }
    if (this.beats > beats) this.#note(`< (${this.beats - beats} heart-beats)`)
    this.#wake()
  }

  #close(): void {
    this.#note('< (closed)')
    this.#isClosed = true
    this.#wake()
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look()
  }

  #note(line: string): void {
    this.#transcript.push(line)
  }

  async #until(isDone: () => boolean, what: string): Promise<void> {
    if (!this.#isSettled(isDone)) {
      await new Promise<void>((resolve) => {
        const end = () => {
          clearTimeout(timer)
          this.#waiting.delete(look)
          resolve()
        }
        const look = () => {
          if (this.#isSettled(isDone)) end()
        }
        const timer = setTimeout(end, this.#deadlineMs)
        this.#waiting.add(look)
      })
    }
    if (this.#fault !== undefined) this.fail(`the server broke the protocol: ${this.#fault.message}`)
    if (!isDone())
      this.fail(this.#isClosed ? `expected ${what}, but the connection ended` : `expected ${what}, and nothing came`)
  }

  #isSettled(isDone: () => boolean): boolean {
    return this.#isClosed || this.#fault !== undefined || isDone()
  }
}

function shown(octets: Uint8Array): string {
  const text = JSON.stringify(new TextDecoder().decode(octets.subarray(0, SHOWN_CHARACTERS)))
  return octets.length > SHOWN_CHARACTERS ? `${text} … ${octets.length} octets` : text
}
