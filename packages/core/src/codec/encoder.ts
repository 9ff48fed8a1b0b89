/** Frames into octets, and messages into MESSAGE frames: once for all subscribers that can share one. */

import type { Body } from '../body.js'
import type { Headers } from '../headers.js'
import type { StoredMessage } from '../message.js'
import { writeName, writeValue } from './escape.js'
import { COLON, LF, NUL, OctetWriter } from './octets.js'
import type { Version } from './version.js'

/** Where encoded frames go. The octets from `start` to before `end` stay as they are until they have left. */
export interface FrameSink {
  /** Takes a frame, or with `endsFrame` false its first part: the next call goes on with it. */
  add(octets: Uint8Array, start: number, end: number, endsFrame: boolean): void
  /** Takes the last part of a frame, which others take too. */
  share(rest: SharedRest): void
}

/** The rest of a large MESSAGE, in memory of its own: all who are sent it refer to the one encoding, for as long as it takes. */
export interface SharedRest {
  readonly octets: Uint8Array
  /** Where it ends; it begins at 0. */
  readonly end: number
  /** How many keep it waiting: it is counted once. */
  holders: number
}

/** A frame to be encoded: its headers not yet escaped. */
export interface FrameParts {
  readonly command: string
  readonly headers: Headers
  readonly body: Uint8Array
}

/** No octet of UTF-8 text takes more than this, escapes included. */
const OCTETS_PER_UNIT = 3

/** Writes a whole frame, ended by NUL LF: some clients need the LF. Answers where in `to.octets` it begins; it ends at `to.at`. */
export function encodeFrame(to: OctetWriter, frame: FrameParts, version: Version | undefined): number {
  let size = frame.command.length + frame.body.length + 4
  for (const text of frame.headers.pairs) size += text.length * OCTETS_PER_UNIT + 1
  to.reserve(size)
  const start = to.at
  to.ascii(frame.command)
  to.octet(LF)
  // What tells the version is read before a version is known, so it has no escapes (STOMP 1.2, Value Encoding).
  const isPlain = version === undefined || UNESCAPED_COMMANDS.includes(frame.command)
  writeHeaders(to, frame.headers.pairs, isPlain ? '1.0' : version)
  to.octet(LF)
  to.copy(frame.body)
  to.octet(NUL)
  to.octet(LF)
  return start
}

const UNESCAPED_COMMANDS: readonly string[] = ['CONNECT', 'STOMP', 'CONNECTED']

function writeHeaders(to: OctetWriter, pairs: readonly string[], version: Version): void {
  for (let at = 0; at < pairs.length; at += 2) {
    writeName(to, pairs[at] as string, version)
    to.octet(COLON)
    writeValue(to, pairs[at + 1] as string, version)
    to.octet(LF)
  }
}

/** What makes a MESSAGE of a message: who gets it, and how it is acknowledged. */
export interface MessageEnvelope {
  readonly version: Version
  /** The subscription's id; undefined for a 1.0 subscription without one. */
  readonly subscription: string | undefined
  /** The number in the `ack` header; 0 for none. */
  readonly ack: number
  readonly redelivered: boolean
}

/** A body above this is never copied for each subscriber: head and rest of the frame are sent in two parts. */
const SHARED_BODY_BYTES = 4 * 1024

/**
 * Encodes MESSAGE frames for all sessions of a broker. A MESSAGE is a head, which holds what belongs to one
 * subscription, and a rest that all subscribers of a version share. The last rest, and the last whole frame without
 * anything unique in it, are remembered: in a broadcast nearly every subscriber gets that.
 */
export class MessageEncoder {
  readonly #writer: OctetWriter
  #message: StoredMessage | undefined
  #version: Version | undefined
  #octets: Uint8Array = new Uint8Array(0)
  /** Where the last frame begins, where its rest does, and where both end. */
  #frameStart = 0
  #restStart = 0
  #end = 0
  /** Whose frame it is, where anybody else with that id may have it too. */
  #subscription: string | undefined
  #isShareable = false
  /** The rest of the last message, where that is large. */
  #shared: SharedRest | undefined

  constructor(writer: OctetWriter) {
    this.#writer = writer
  }

  /** Encodes a message for one subscription into `sink`. */
  encode(message: StoredMessage, envelope: MessageEnvelope, sink: FrameSink): void {
    const isSame = message === this.#message && envelope.version === this.#version
    const isShareable = envelope.ack === 0 && !envelope.redelivered
    if (isSame && isShareable && this.#isShareable && envelope.subscription === this.#subscription) {
      sink.add(this.#octets, this.#frameStart, this.#end, true)
    } else if (message.heldBody.length > SHARED_BODY_BYTES) {
      this.#encodeLarge(message, envelope, sink)
    } else {
      this.#encodeSmall(message, envelope)
      this.#isShareable = isShareable
      this.#subscription = envelope.subscription
      sink.add(this.#octets, this.#frameStart, this.#end, true)
    }
  }

  /** Forgets what was encoded: its memory is about to be used again. */
  forget(): void {
    this.#message = undefined
    this.#octets = new Uint8Array(0)
    this.#shared = undefined
  }

  #encodeSmall(message: StoredMessage, envelope: MessageEnvelope): void {
    const isSame = message === this.#message && envelope.version === this.#version
    const octets = this.#octets
    const from = this.#restStart
    const end = this.#end
    const restBytes = isSame ? end - from : restBound(message)
    this.#writer.reserve(headBound(envelope) + restBytes)
    this.#frameStart = this.#writer.at
    writeHead(this.#writer, envelope)
    this.#restStart = this.#writer.at
    if (isSame) this.#writer.copy(octets, from, end)
    else writeRest(this.#writer, message, envelope.version)
    this.#end = this.#writer.at
    this.#remember(this.#writer.octets, message, envelope.version)
  }

  #encodeLarge(message: StoredMessage, envelope: MessageEnvelope, sink: FrameSink): void {
    if (this.#shared === undefined || message !== this.#message || envelope.version !== this.#version) {
      const writer = new OctetWriter(0)
      writer.reserve(restBound(message))
      writeRest(writer, message, envelope.version)
      this.#shared = { octets: writer.octets, end: writer.at, holders: 0 }
      this.#remember(writer.octets, message, envelope.version)
    }
    this.#isShareable = false
    this.#writer.reserve(headBound(envelope))
    const start = this.#writer.at
    writeHead(this.#writer, envelope)
    sink.add(this.#writer.octets, start, this.#writer.at, false)
    sink.share(this.#shared)
  }

  #remember(octets: Uint8Array, message: StoredMessage, version: Version): void {
    this.#octets = octets
    this.#message = message
    this.#version = version
  }
}

const HEAD_OCTETS = 80

function headBound(envelope: MessageEnvelope): number {
  return HEAD_OCTETS + (envelope.subscription?.length ?? 0) * OCTETS_PER_UNIT
}

function writeHead(to: OctetWriter, { subscription, ack, redelivered, version }: MessageEnvelope): void {
  to.ascii('MESSAGE\n')
  if (subscription !== undefined) {
    to.ascii('subscription:')
    writeValue(to, subscription, version)
    to.octet(LF)
  }
  if (ack !== 0) {
    to.ascii('ack:')
    to.decimal(ack)
    to.octet(LF)
  }
  if (redelivered) to.ascii('redelivered:true\n')
}

const REST_OCTETS = 128

function restBound(message: StoredMessage): number {
  let units = message.destination.length + message.origin.length
  for (const text of message.headers.pairs) units += text.length + 1
  return REST_OCTETS + units * OCTETS_PER_UNIT + message.heldBody.length
}

function writeRest(to: OctetWriter, message: StoredMessage, version: Version): void {
  to.ascii('message-id:')
  to.ascii(message.origin)
  to.ascii('-')
  to.decimal(message.sequence)
  to.ascii('\ndestination:')
  writeValue(to, message.destination, version)
  to.ascii('\ncontent-length:')
  to.decimal(message.heldBody.length)
  to.octet(LF)
  writeHeaders(to, message.headers.pairs, version)
  to.octet(LF)
  writeBody(to, message.heldBody)
  to.octet(NUL)
  to.octet(LF)
}

function writeBody(to: OctetWriter, body: Body): void {
  if (typeof body === 'string') to.latin1(body)
  else to.copy(body)
}
