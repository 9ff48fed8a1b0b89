/** What was said, frame by frame, and its readable transcript. */

import type { Headers, Version } from '@xtomp/core'
import { CLIENT_COMMANDS, Decoder, FRAME_LIMITS, type Frame, Interner, SERVER_COMMANDS } from '@xtomp/core/codec'

/** How much of a body, and of a header, a transcript shows. */
const SHOWN_CHARACTERS = 100
/** A test that says more loses the beginning. */
const MOST_LINES = 1_000

/** Not to be read in any log, a test's included, however it is written. */
const HIDDEN = /^\s*passcode\s*$/i
const CONNECTS: readonly string[] = ['CONNECT', 'STOMP']
/**
 * Of a CONNECT only these are shown. Any other header may be a part of a passcode that a line feed or a slip has cut, or
 * a token under a name of the application's own.
 */
const SHOWN_OF_CONNECT: readonly string[] = ['accept-version', 'host', 'heart-beat', 'login', 'receipt']

/** Everything that is said on the connections of one broker. */
export class Recorder {
  readonly #lines: string[] = []
  #dropped = 0

  /** One line for each frame, in order; the last `lines` of those that concern `connection`, where one is named. */
  transcript(connection?: number, lines: number = MOST_LINES): string {
    const own =
      connection === undefined ? this.#lines : this.#lines.filter((line) => line.startsWith(`#${connection} `))
    const left = own.length - lines + (connection === undefined ? this.#dropped : 0)
    return [...(left > 0 ? [`(${left} lines before)`] : []), ...own.slice(-lines)].join('\n')
  }

  /** Notes one line. */
  note(connection: number, text: string): void {
    this.#lines.push(`#${connection} ${text}`)
    if (this.#lines.length <= MOST_LINES) return
    this.#lines.shift()
    this.#dropped++
  }
}

/** Reads along on one connection, and notes it. */
export class Listener {
  readonly #recorder: Recorder
  readonly #connection: number
  readonly #fromClient: Decoder<string>
  readonly #fromBroker: Decoder<string>
  #isLost = false
  /** Whether CONNECT was sent and not answered. */
  #isConnecting = false

  constructor(recorder: Recorder, connection: number) {
    this.#recorder = recorder
    this.#connection = connection
    this.#fromClient = decoderOf(CLIENT_COMMANDS)
    this.#fromBroker = decoderOf(SERVER_COMMANDS)
  }

  /** Octets of the client; answers the frames that are whole with them, and can be read yet. */
  heard(octets: Uint8Array): readonly Frame<string>[] {
    if (this.#isLost) return []
    this.#fromClient.receive(octets)
    const frames = this.#read()
    if (frames.length === 0 && !this.#fromClient.isInFrame) this.note('> (heart-beat)')
    return frames
  }

  /** A whole frame of the broker, and what became of it. */
  said(octets: Uint8Array, fate = ''): void {
    this.#fromBroker.receive(octets)
    for (let frame = this.#fromBroker.next(); frame !== undefined; frame = this.#fromBroker.next()) {
      this.note(`< ${lineOf(frame)}${fate}`)
      if (frame.command === 'CONNECTED') this.#agree(frame.headers)
    }
  }

  /** Anything else that happened. */
  note(text: string): void {
    this.#recorder.note(this.#connection, text)
  }

  #read(): readonly Frame<string>[] {
    const frames: Frame<string>[] = []
    try {
      while (!this.#isConnecting) {
        const frame = this.#fromClient.next()
        if (frame === undefined) break
        frames.push(frame)
        this.note(`> ${lineOf(frame)}`)
        // How what follows is to be read is known only with CONNECTED.
        this.#isConnecting = frame.command === 'CONNECT' || frame.command === 'STOMP'
      }
      this.#fromClient.keep()
    } catch (error) {
      // Nobody can say where the next frame begins; the broker has come to the same end.
      this.#isLost = true
      this.note(`> (not a frame: ${(error as Error).message})`)
    }
    return frames
  }

  #agree(headers: Headers): void {
    const version = (headers.get('version') ?? '1.0') as Version
    this.#fromClient.version = version
    this.#fromBroker.version = version
    this.#isConnecting = false
    this.#read()
  }
}

function decoderOf<Word extends string>(commands: readonly Word[]): Decoder<Word> {
  // Its own bounds are the broker's business; this one only reads along.
  const { headers } = FRAME_LIMITS
  const most = Number.MAX_SAFE_INTEGER
  return new Decoder({
    limits: { connectBytes: most, headerLineBytes: most, headers, bodyBytes: most },
    account: { bound: most, take: () => true, give: () => undefined },
    interner: new Interner(),
    commands,
  })
}

/** A frame in one line. */
export function lineOf({
  command,
  headers,
  body,
}: Pick<Frame<string>, 'headers' | 'body'> & { command: string }): string {
  const parts = [command]
  const isConnect = CONNECTS.includes(command)
  for (const [name, value] of headers) {
    if (isSecret(name)) parts.push('passcode:(hidden)')
    else if (isConnect && !isShownOfConnect(name, value)) parts.push('(a header, hidden)')
    else parts.push(`${plain(name)}:${plain(value)}`)
  }
  if (body.length > 0) parts.push(isConnect ? '(a body, hidden)' : bodyText(body))
  return parts.join(' ')
}

/** Whether a header of this name is not to be read. */
export function isSecret(name: string): boolean {
  return HIDDEN.test(name)
}

function isShownOfConnect(name: string, value: string): boolean {
  // Two headers in one line are one, which the second word gives away.
  return SHOWN_OF_CONNECT.includes(name) && !/passcode/i.test(value)
}

/** A body as text, quoted and cut; its size where it is not text, or is not all shown. */
export function bodyText(body: Uint8Array): string {
  const start = body.subarray(0, SHOWN_CHARACTERS)
  const text = JSON.stringify(new TextDecoder().decode(start))
  return body.length > start.length ? `${text}… (${body.length} octets)` : text
}

function plain(text: string): string {
  const cut = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
  // As JSON writes what cannot be printed, without its quotes; a space would look like the next header.
  const shown = JSON.stringify(cut).slice(1, -1)
  return shown.includes(' ') ? `"${shown}"` : shown
}
