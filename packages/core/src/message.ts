/** What a producer sent, independent of any frame. */

import { type Body, keepBody, octetsOf } from './body.js'
import { brand } from './brand.js'
import { messageHeaders } from './header-names.js'
import { Headers, type HeadersInit } from './headers.js'

/** What {@link Message.with} changes; what is left out stays. */
export interface MessageChanges {
  /** Added to the headers, replacing those of the same name. */
  readonly headers?: HeadersInit
  /** The new body; text is written as UTF-8. */
  readonly body?: string | Uint8Array
}

/** A message, as hooks and the host application see it. Never changed: {@link Message.with} makes another. */
export interface Message {
  /** Unique in the broker, the same on every delivery. */
  readonly id: string
  /** Where it was sent. */
  readonly destination: string
  /** The producer's headers, without those that the broker writes itself. */
  readonly headers: Headers
  /** The octets of the body. In a hook they are valid until the hook's answer is given. */
  readonly body: Uint8Array
  /** The body, read as UTF-8. */
  text(): string
  /** The body, read as JSON. Throws a SyntaxError where it is none. */
  json<T = unknown>(): T
  /** The same message with other headers or another body. */
  with(changes: MessageChanges): Message
}

/** What a message costs beside its body and the text of its headers; measured, rounded up. */
const OVERHEAD_BYTES = 256

/** Where a message's id comes from: ids are unique in the broker and, by their origin, in its store. */
export class MessageIds {
  /** The first part of all ids that this gives. */
  readonly origin: string
  /** The number given last. */
  sequence = 0

  constructor(origin: string) {
    this.origin = origin
  }

  /** Moves on to the next id, and is it. */
  next(): this {
    this.sequence++
    return this
  }
}

/**
 * The broker's own message. Its body may be a view of the received chunk until {@link StoredMessage.own} is called:
 * whoever keeps the message longer than the call must call that first.
 */
export class StoredMessage implements Message {
  static {
    brand(StoredMessage, 'StoredMessage')
  }

  /** First part of the id: the broker that took it. */
  readonly origin: string
  /** Second part of the id. */
  readonly sequence: number
  /** Its place in the order in which its queue came to have its messages. */
  arrival = 0
  readonly destination: string
  readonly headers: Headers
  /** In milliseconds since 1970; 0 for never. */
  expiresAt = 0
  /** Whether it was moved to a dead-letter destination: it is not moved again. */
  isDeadLetter = false
  /** How many hold it: shared octets are counted by the first. */
  holders = 0
  /** How many of them are backlogs, which can be made to give it back. */
  backlogs = 0
  #body: Body
  #isBorrowed = false

  constructor(
    id: { readonly origin: string; readonly sequence: number },
    destination: string,
    headers: Headers,
    body: Body,
  ) {
    this.origin = id.origin
    this.sequence = id.sequence
    this.destination = destination
    this.headers = headers
    this.#body = body
  }

  get id(): string {
    return `${this.origin}-${this.sequence}`
  }

  get body(): Uint8Array {
    return octetsOf(this.#body)
  }

  /** The body in the form in which it is held. */
  get heldBody(): Body {
    return this.#body
  }

  /** What it is counted as while it is held: body, headers, and a constant for the rest. */
  get bytes(): number {
    let bytes = OVERHEAD_BYTES + this.#body.length
    for (const text of this.headers.pairs) bytes += text.length
    return bytes
  }

  /** Says that the body is a view of octets that are somebody else's after this call. */
  borrow(): this {
    this.#isBorrowed = true
    return this
  }

  /** Puts the body into memory of its own, once, so that a small message never pins a large read buffer. */
  own(): this {
    this.#body = keepBody(this.#body, this.#isBorrowed)
    this.#isBorrowed = false
    return this
  }

  text(): string {
    return new TextDecoder().decode(this.body)
  }

  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T
  }

  with({ headers, body }: MessageChanges): StoredMessage {
    const changed = new StoredMessage(
      this,
      this.destination,
      headers === undefined ? this.headers : messageHeaders(Headers.from(headers, this.headers)),
      body === undefined ? this.#body : copyOf(body),
    )
    changed.expiresAt = this.expiresAt
    changed.isDeadLetter = this.isDeadLetter
    changed.#isBorrowed = body === undefined && this.#isBorrowed
    return changed
  }
}

/** A body of its own: text as UTF-8, octets copied. */
export function copyOf(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? new TextEncoder().encode(body) : Uint8Array.from(body)
}
