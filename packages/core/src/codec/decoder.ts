/** Octets into frames: whole ones, whatever the pieces in which they come. */

import { asBuffer } from '../body.js'
import { memoryFull, overLimit, ProtocolError, printable } from '../errors.js'
import { Headers } from '../headers.js'
import { unescapeText } from './escape.js'
import { type Frame, NO_BODY } from './frame.js'
import type { FrameLimits } from './limits.js'
import { BACKSLASH, COLON, CR, type Interner, LF, NUL, SPACE, TAB } from './octets.js'
import type { Version } from './version.js'

/*
 * The grammar (STOMP 1.2, Augmented BNF), with what we accept beside it:
 *
 *   stream  = *( *( EOL / NUL ) frame )            NUL between frames: some clients send one too many
 *   frame   = command EOL *( header EOL ) EOL *OCTET NUL
 *   header  = name ":" value                       the first colon ends the name, in every version
 *   EOL     = [CR] LF                              CRLF in every version; any other CR is an error
 *
 * The body is as long as the first content-length says, or ends at the first NUL.
 */

/** Where a line ends that has not ended yet, or that never will within its limit. */
const UNFINISHED = -1
const TOO_LONG = -2

/** Counts the octets of unfinished frames against a bound. */
export interface OctetAccount {
  /** The bound, in octets. */
  readonly bound: number
  /** Counts `octets` more and answers true, or counts nothing and answers false: there is no room. */
  take(octets: number): boolean
  /** Counts `octets` less. */
  give(octets: number): void
}

/** What all decoders of a broker share. */
export interface DecoderContext<Word extends string> {
  readonly limits: FrameLimits
  /** Counts unfinished frames. */
  readonly account: OctetAccount
  readonly interner: Interner
  /** The command words that the other side may send. */
  readonly commands: readonly Word[]
}

const NOTHING = Buffer.alloc(0)
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const BETWEEN_FRAMES = 0
const IN_COMMAND = 1
const IN_HEADERS = 2
const IN_BODY = 3

/** What a header line may hold beside plain text, as bits. */
const WIDE = 1
const ESCAPED = 2

/** 1 for the octets that mean something inside a line: most lines are done with one look at each octet. */
const MEANS = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= 0x80 || [NUL, LF, CR, COLON, BACKSLASH].includes(octet) ? 1 : 0,
)

/** Our copy of unfinished octets is at least that large, and holds that much of what may follow a long body. */
const LEAST_BYTES = 128
const CHUNK_BYTES = 64 * 1024 + 1

/** Where a line that should be a command goes on as a header does: behind a colon, and behind CONNECT or STOMP. */
const HEADER_IN_COMMAND = /:.*|(?<=^(?:CONNECT|STOMP)\s).*/s

/** A command word may have as many octets as that. */
const COMMAND_OCTETS = 64

/**
 * Decodes one direction of one connection. Give it octets with {@link Decoder.receive}, take frames with
 * {@link Decoder.next} until there is none, then {@link Decoder.keep} what is left of the octets. An incomplete frame
 * is not an error. After a ProtocolError the stream is lost.
 */
export class Decoder<Word extends string> {
  /** The agreed version; undefined until then: CONNECT is read without escapes, and its whole size is limited. */
  version: Version | undefined
  readonly #context: DecoderContext<Word>
  #octets: Buffer = NOTHING
  #at = 0
  #end = 0
  /** The size of our own copy of unread octets, as counted in the account; 0 while they are somebody else's. */
  #kept = 0
  /** Up to where the octets of an unfinished line or body were searched, so that none is searched twice. */
  #searched = 0
  #phase = BETWEEN_FRAMES
  #command: Word | undefined
  #pairs: string[] = []
  #headers = Headers.none
  #contentLength = -1
  /** Octets of the frame's lines so far. */
  #lineBytes = 0
  /** How many of them are counted in the account: an unfinished frame's headers are held as text. */
  #countedLines = 0
  /** Of the line scanned last: where its first colon is, from its start, and what it holds beside plain text. */
  #colon = -1
  #odd = 0

  constructor(context: DecoderContext<Word>) {
    this.#context = context
  }

  /** Whether a frame was begun and not ended. */
  get isInFrame(): boolean {
    return this.#phase !== BETWEEN_FRAMES || this.#at < this.#end
  }

  /** Octets that it holds of an unfinished frame, or of frames that were not taken yet. */
  get heldBytes(): number {
    return this.#kept + this.#countedLines
  }

  /** Takes octets, which stay the caller's: they are read until `keep` is called. */
  receive(octets: Uint8Array): void {
    if (this.#at < this.#end) {
      this.#append(octets)
      return
    }
    this.#forget()
    this.#octets = asBuffer(octets)
    this.#end = octets.length
  }

  /** The next whole frame, or undefined where more octets are needed. @throws ProtocolError */
  next(): Frame<Word> | undefined {
    if (this.#phase === BETWEEN_FRAMES && !this.#skipToFrame()) return undefined
    if (this.#phase === IN_COMMAND && !this.#readCommand()) return undefined
    if (this.#phase === IN_HEADERS && !this.#readHeaders()) return undefined
    return this.#readBody()
  }

  /** Copies what is unread and not ours, once, and counts what it holds. @throws StompError `memory-full` */
  keep(): void {
    this.#countLines()
    if (this.#at === this.#end) this.#forget()
    else if (this.#kept === 0) this.#move(this.#sizeFor(this.#end - this.#at))
  }

  /** Drops everything, and takes it off the account. */
  release(): void {
    this.#forget()
    this.#phase = BETWEEN_FRAMES
    this.#countLines()
    this.#pairs = []
    this.#headers = Headers.none
  }

  #skipToFrame(): boolean {
    for (; this.#at < this.#end; this.#at++) {
      const octet = this.#octets[this.#at]
      if (octet === LF || octet === NUL) continue
      if (octet === CR) {
        if (this.#at + 1 === this.#end) return false
        if (this.#octets[this.#at + 1] === LF) continue
        throw new ProtocolError('bad-frame', 'a carriage return between frames is not followed by a line feed')
      }
      this.#phase = IN_COMMAND
      this.#lineBytes = 0
      this.#contentLength = -1
      return true
    }
    return false
  }

  #readCommand(): boolean {
    const lineEnd = this.#scanLine(COMMAND_OCTETS)
    if (lineEnd === UNFINISHED) return false
    const textEnd = lineEnd === TOO_LONG ? this.#at + COMMAND_OCTETS : this.#textEnd(lineEnd)
    const text = this.#context.interner.read(this.#octets, this.#at, textEnd)
    if (lineEnd === TOO_LONG || !isOneOf(this.#context.commands, text)) {
      const allowed = this.#context.commands.join(', ')
      throw new ProtocolError(
        'bad-command',
        `${printable(withoutHeaders(text))} is not a STOMP command that may be sent here; these are: ${allowed}`,
      )
    }
    this.#command = text
    this.#phase = IN_HEADERS
    this.#nextLine(lineEnd)
    return true
  }

  #readHeaders(): boolean {
    for (;;) {
      const lineEnd = this.#scanLine(this.#lineLimit())
      if (lineEnd === UNFINISHED) return false
      if (lineEnd === TOO_LONG) throw this.#lineTooLong()
      const textEnd = this.#textEnd(lineEnd)
      const isBlank = textEnd === this.#at
      if (!isBlank) this.#readHeader(textEnd)
      this.#nextLine(lineEnd)
      if (isBlank) break
    }
    this.#endHeaders()
    return true
  }

  #readHeader(textEnd: number): void {
    if (this.#pairs.length >= this.#context.limits.headers * 2) {
      const seen = this.#pairs.length / 2 + 1
      const limit = this.#context.limits.headers
      throw overLimit('headers-too-many', { what: 'a frame', limit, seen, unit: 'headers', option: 'limits.headers' })
    }
    if (this.#colon <= 0) {
      const line = this.#shown(this.#at, textEnd, `number ${this.#pairs.length / 2 + 1}`)
      throw new ProtocolError('bad-frame', `the header line ${line} is not a name, a colon and a value`)
    }
    const colon = this.#at + this.#colon
    this.#pairs.push(this.#text(this.#at, colon), this.#text(colon + 1, textEnd))
  }

  #text(start: number, end: number): string {
    const text = this.#odd & WIDE ? this.#wide(start, end) : this.#context.interner.read(this.#octets, start, end)
    if (this.version === '1.0') return trimmed(text)
    if (!(this.#odd & ESCAPED) || this.version === undefined || this.#isConnect) return text
    return unescapeText(text, this.version)
  }

  #wide(start: number, end: number): string {
    try {
      return utf8.decode(this.#octets.subarray(start, end))
    } catch {
      const text = this.#shown(start, end, `line number ${this.#pairs.length / 2 + 1}`)
      throw new ProtocolError('bad-utf8', `a header holds octets that are not UTF-8: ${text}`)
    }
  }

  /** A part of a line for an error. Of a CONNECT nothing is shown but its place: it may be a part of the passcode. */
  #shown(start: number, end: number, place: string): string {
    return this.#isConnect ? place : printable(this.#octets.toString('latin1', start, end))
  }

  /** Whether it is read as a CONNECT: what comes before a version is agreed on is, and another one later. */
  get #isConnect(): boolean {
    return this.version === undefined || this.#command === 'CONNECT' || this.#command === 'STOMP'
  }

  /**
   * Where the line's LF is; notes the first colon and what else is in the line. A line that comes in pieces is gone on
   * with where the last piece ended: no octet is looked at twice, and what is found does not depend on the pieces.
   */
  #scanLine(limit: number): number {
    const octets = this.#octets
    const bound = this.#at + limit
    const end = Math.min(this.#end, bound + 1)
    if (this.#searched <= this.#at) {
      this.#searched = this.#at
      this.#colon = -1
      this.#odd = 0
    }
    let at = this.#searched
    for (; at < end; at++) {
      const octet = octets[at] as number
      if (MEANS[octet] === 0) continue
      if (octet === LF) return at
      if (octet === COLON) {
        if (this.#colon < 0) this.#colon = at - this.#at
      } else if (octet === BACKSLASH) this.#odd |= ESCAPED
      else if (octet >= 0x80) this.#odd |= WIDE
      else if (octet === NUL) throw new ProtocolError('bad-frame', 'a NUL inside a line; a blank line ends the headers')
      else if (at + 1 === this.#end) break
      else if (octets[at + 1] !== LF) throw new ProtocolError('bad-frame', 'a carriage return inside a line')
    }
    this.#searched = at
    return at > bound ? TOO_LONG : UNFINISHED
  }

  #textEnd(lineEnd: number): number {
    return lineEnd > this.#at && this.#octets[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd
  }

  #nextLine(lineEnd: number): void {
    this.#lineBytes += lineEnd + 1 - this.#at
    this.#at = lineEnd + 1
    this.#searched = 0
  }

  /** Octets that the line may have: before a version is agreed on, what is left of the whole frame, too. */
  #lineLimit(): number {
    const { headerLineBytes, connectBytes } = this.#context.limits
    return this.version === undefined ? Math.min(headerLineBytes, connectBytes - this.#lineBytes) : headerLineBytes
  }

  #lineTooLong(): ProtocolError {
    const { headerLineBytes: limit } = this.#context.limits
    const seen = this.#searched - this.#at
    if (seen <= limit) this.#checkConnect(seen)
    return overLimit('header-too-long', {
      what: 'a header line',
      limit,
      seen,
      unit: 'octets',
      option: 'limits.headerLineBytes',
    })
  }

  /** Before a version is agreed on the whole frame is small: nobody has said yet who is asking. */
  #checkConnect(more: number): void {
    const limit = this.#context.limits.connectBytes
    const seen = this.#lineBytes + more
    if (this.version === undefined && seen > limit) {
      throw overLimit('connect-too-large', {
        what: 'a CONNECT frame',
        limit,
        seen,
        unit: 'octets',
        option: 'limits.connectBytes',
      })
    }
  }

  #endHeaders(): void {
    this.#phase = IN_BODY
    this.#headers = this.#pairs.length === 0 ? Headers.none : Headers.of(this.#pairs)
    // A CONNECT that names no version is one of 1.0, where spaces around names and values mean nothing.
    if (this.version === undefined && !this.#headers.has('accept-version'))
      this.#headers = Headers.of(this.#pairs.map(trimmed))
    const given = this.#headers.get('content-length')
    if (given === undefined) return
    const length = lengthIn(given)
    if (length === undefined) {
      throw new ProtocolError(
        'bad-content-length',
        `content-length must be a number of octets, 0 or more; this is ${printable(given)}`,
      )
    }
    this.#contentLength = length
    this.#checkBody(length)
  }

  #checkBody(seen: number): void {
    const limit = this.#context.limits.bodyBytes
    if (seen > limit) {
      throw overLimit('body-too-large', { what: 'a body', limit, seen, unit: 'octets', option: 'limits.bodyBytes' })
    }
    this.#checkConnect(seen)
  }

  #readBody(): Frame<Word> | undefined {
    const bodyEnd = this.#contentLength >= 0 ? this.#measuredEnd() : this.#searchedEnd()
    if (bodyEnd < 0) return undefined
    const body = bodyEnd === this.#at ? NO_BODY : this.#octets.subarray(this.#at, bodyEnd)
    const headers = this.#headers
    this.#at = bodyEnd + 1
    this.#searched = 0
    this.#phase = BETWEEN_FRAMES
    // An idle connection does not keep its last frame.
    this.#pairs = []
    this.#headers = Headers.none
    return {
      command: this.#command as Word,
      headers,
      body,
      isBorrowed: body !== NO_BODY && !this.#cede(body.length),
    }
  }

  #measuredEnd(): number {
    const end = this.#at + this.#contentLength
    if (end >= this.#end) return -1
    if (this.#octets[end] !== NUL) {
      throw new ProtocolError(
        'bad-content-length',
        `content-length is ${this.#contentLength}, but no NUL follows that many octets of body`,
      )
    }
    return end
  }

  #searchedEnd(): number {
    if (this.#searched < this.#at) this.#searched = this.#at
    const found = this.#received.indexOf(NUL, this.#searched)
    this.#checkBody((found < 0 ? this.#end : found) - this.#at)
    if (found >= 0) return found
    this.#searched = this.#end
    return -1
  }

  /** What was received: behind it our own copy has memory that was used for something else before. */
  get #received(): Buffer {
    return this.#end === this.#octets.length ? this.#octets : this.#octets.subarray(0, this.#end)
  }

  /** Gives our own copy away with a body that fills most of it, rather than have that copied again. */
  #cede(bodyBytes: number): boolean {
    if (this.#kept === 0 || bodyBytes * 2 < this.#kept) return false
    const rest = this.#octets.subarray(this.#at, this.#end)
    this.#forget()
    if (rest.length > 0) {
      this.#octets = rest
      this.#end = rest.length
      this.#move(rest.length)
    }
    return true
  }

  #append(octets: Uint8Array): void {
    if (this.#end + octets.length > this.#kept) this.#move(this.#sizeFor(this.#end - this.#at + octets.length))
    this.#octets.set(octets, this.#end)
    this.#end += octets.length
  }

  /** How large our copy should be: it doubles, up to what the frame needs, as far as that is known, and one chunk more. */
  #sizeFor(needed: number): number {
    const most = this.#contentLength >= 0 ? this.#contentLength : this.#context.limits.bodyBytes
    const useful = this.#phase === IN_BODY ? most + CHUNK_BYTES : Number.POSITIVE_INFINITY
    return Math.max(needed, Math.min(useful, Math.max(needed * 2, LEAST_BYTES)))
  }

  /** Moves what is unread to the start of a copy of our own. */
  #move(size: number): void {
    this.#count(size)
    const copy = Buffer.allocUnsafeSlow(size)
    const end = this.#octets.copy(copy, 0, this.#at, this.#end)
    const searched = Math.max(0, this.#searched - this.#at)
    this.#forget()
    this.#octets = copy
    this.#kept = size
    this.#end = end
    this.#searched = searched
  }

  #countLines(): void {
    const lines = this.#phase === BETWEEN_FRAMES ? 0 : this.#lineBytes
    const more = lines - this.#countedLines
    if (more > 0) this.#count(more)
    else if (more < 0) this.#context.account.give(-more)
    // Making room may have released this very decoder.
    this.#countedLines += more
  }

  #count(octets: number): void {
    const { account } = this.#context
    if (!account.take(octets)) throw memoryFull(account.bound)
  }

  #forget(): void {
    if (this.#kept > 0) this.#context.account.give(this.#kept)
    this.#octets = NOTHING
    this.#kept = 0
    this.#at = 0
    this.#end = 0
    this.#searched = 0
  }
}

function isOneOf<Word extends string>(words: readonly Word[], text: string): text is Word {
  return (words as readonly string[]).includes(text)
}

/** The number that a content-length says, spaces around it ignored; undefined where it is none. */
function lengthIn(text: string): number | undefined {
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9 || at > 14) return /^ *\d{1,15} *$/.test(text) ? Number(text) : undefined
    length = length * 10 + digit
  }
  return text === '' ? undefined : length
}

/** A command as an error may show it: a header that has lost its line, a passcode say, is not. */
function withoutHeaders(text: string): string {
  return text.replace(HEADER_IN_COMMAND, '')
}

/** Spaces around names and values mean nothing in 1.0; other white space is text. */
function trimmed(text: string): string {
  // A pattern for the end of a text looks from each of its spaces anew: the time of a long run of them would be its square.
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isSpace(unit: number): boolean {
  return unit === SPACE || unit === TAB
}
