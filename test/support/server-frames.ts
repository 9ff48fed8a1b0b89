/** Reads what a server sends, for tests: a parser of its own, so that the codec is not judged by itself. */

/** A frame as it came from the server. */
export interface WireFrame {
  readonly command: string
  /** The header lines as they stood on the wire, escapes and all. */
  readonly lines: readonly string[]
  /** Names and first values, unescaped where the session's version has escapes. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** The body, read as UTF-8. */
  readonly text: string
  /** The octets of the frame, from the command to the NUL, without the LF after it. */
  readonly raw: Uint8Array
}

const LF = 0x0a
const NUL = 0x00
/** A TLS alert, and how long one is: what a client that began TLS in vain is told before the ERROR. */
const ALERT = 0x15
const ALERT_OCTETS = 7

/** Cuts a stream into frames and beats. Strict: an LF must follow each NUL, and no octet may stand elsewhere. */
export class ServerFrames {
  /** The version agreed on, as CONNECTED told it; '1.0' before. */
  version = '1.0'
  /** LFs that were neither part of a frame nor the LF that ends one. */
  beats = 0
  #octets = Buffer.alloc(0)
  #start = 0
  #end = 0
  #afterNul = false
  #hasBegun = false

  /** Takes octets, and answers the frames that are whole now. Throws at anything that no server may send. */
  read(octets: Uint8Array): WireFrame[] {
    this.#append(octets)
    const frames: WireFrame[] = []
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame)
    return frames
  }

  /** Whether all that came is whole frames, each ended by NUL LF, and beats. */
  get isWhole(): boolean {
    return this.#start === this.#end && !this.#afterNul
  }

  /** What came and is not a whole frame. */
  get rest(): Uint8Array {
    return this.#octets.subarray(this.#start, this.#end)
  }

  #append(octets: Uint8Array): void {
    if (this.#end + octets.length > this.#octets.length) {
      const kept = this.#end - this.#start
      const grown = Buffer.alloc(Math.max(kept + octets.length, Math.min(kept * 2, kept + 32 * 1024 * 1024), 4096))
      this.#octets.copy(grown, 0, this.#start, this.#end)
      this.#octets = grown
      this.#start = 0
      this.#end = kept
    }
    this.#octets.set(octets, this.#end)
    this.#end += octets.length
  }

  #next(): WireFrame | undefined {
    if (!this.#hasBegun && this.#octets[this.#start] === ALERT) {
      if (this.#end - this.#start < ALERT_OCTETS) return undefined
      this.#start += ALERT_OCTETS
    }
    this.#hasBegun ||= this.#start < this.#end
    while (this.#start < this.#end && this.#octets[this.#start] === LF) {
      if (this.#afterNul) this.#afterNul = false
      else this.beats++
      this.#start++
    }
    if (this.#start === this.#end) return undefined
    if (this.#afterNul) throw new Error(`no LF follows the NUL of a frame, but octet ${this.#octets[this.#start]}`)
    return this.#frame()
  }

  #frame(): WireFrame | undefined {
    const held = this.#octets.subarray(this.#start, this.#end)
    const headEnd = held.indexOf('\n\n', 0, 'latin1')
    if (headEnd < 0) return undefined
    const [command = '', ...lines] = new TextDecoder('utf-8', { fatal: true })
      .decode(held.subarray(0, headEnd))
      .split('\n')
    if (!/^[A-Z]+$/.test(command)) throw new Error(`a server frame begins ${JSON.stringify(command)}`)
    const headers = this.#headers(command, lines)
    const bodyStart = headEnd + 2
    const length = headers['content-length']
    const bodyEnd = length === undefined ? held.indexOf(NUL, bodyStart) : bodyStart + Number(length)
    if (bodyEnd < 0 || bodyEnd >= held.length) return undefined
    if (held[bodyEnd] !== NUL) throw new Error(`content-length is ${length}, and no NUL follows that many octets`)
    const raw = Uint8Array.from(held.subarray(0, bodyEnd + 1))
    const body = raw.subarray(bodyStart, bodyEnd)
    this.#start += bodyEnd + 1
    this.#afterNul = true
    if (command === 'CONNECTED') this.version = headers.version ?? '1.0'
    return { command, lines, headers, body, text: new TextDecoder().decode(body), raw }
  }

  #headers(command: string, lines: readonly string[]): Record<string, string> {
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(':')
      if (colon < 1) throw new Error(`a header line of ${command} is ${JSON.stringify(line)}`)
      const escapes = command === 'CONNECTED' ? undefined : ESCAPES[this.version]
      const [name, value] = [line.slice(0, colon), line.slice(colon + 1)].map((text) =>
        escapes === undefined ? text : readEscapes(text, escapes),
      )
      headers[name as string] ??= value as string
    }
    return headers
  }
}

type Escapes = Readonly<Record<string, string>>

/** By version: 1.0 has none, and to a client of 1.1 a CR written as an escape is fatal. */
const IN_1_1: Escapes = { '\\n': '\n', '\\c': ':', '\\\\': '\\' }
const ESCAPES: Readonly<Record<string, Escapes>> = { '1.1': IN_1_1, '1.2': { ...IN_1_1, '\\r': '\r' } }

function readEscapes(text: string, escapes: Escapes): string {
  return text.replace(/\\./g, (written) => {
    const meant = escapes[written]
    if (meant === undefined) throw new Error(`the server sent the escape ${written}`)
    return meant
  })
}
