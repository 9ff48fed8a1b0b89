/** Every refusal of the broker: a stable code, a sentence for a person, and who was to blame. */

import { brand } from './brand.js'

/**
 * All codes. A code is stable: programs may depend on it. The `message` header of an ERROR frame is the code in words;
 * what to do is in the body.
 */
export const ERROR_CODES = [
  'bad-frame',
  'bad-command',
  'bad-escape',
  'bad-utf8',
  'bad-content-length',
  'unexpected-body',
  'header-missing',
  'header-invalid',
  'not-connected',
  'already-connected',
  'version-unsupported',
  'host-unknown',
  'auth-failed',
  'tls-required',
  'tls-unexpected',
  'access-refused',
  'hook-failed',
  'heart-beat-missed',
  'connect-timeout',
  'connect-too-large',
  'header-too-long',
  'headers-too-many',
  'body-too-large',
  'subscription-duplicate',
  'subscription-unknown',
  'subscriptions-too-many',
  'ack-unknown',
  'ack-unexpected',
  'nack-unsupported',
  'selector-unsupported',
  'destination-reserved',
  'destination-too-long',
  'destinations-too-many',
  'pattern-refused',
  'transaction-duplicate',
  'transaction-unknown',
  'transactions-too-many',
  'transaction-too-large',
  'transaction-conflict',
  'queue-full',
  'memory-full',
  'store-failed',
  'slow-consumer',
  'stalled',
  'connections-too-many',
  'session-closed',
  'broker-closing',
  'internal-error',
] as const

/** A stable, machine-readable reason for a refusal; sent to a client in the ERROR frame's `code` header. */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** What stands before the message in a stack is read before any field is set: the name is the prototype's. */
function named(type: { readonly prototype: Error }, name: string): void {
  brand(type, name)
  Object.defineProperty(type.prototype, 'name', { value: name })
}

/**
 * A refusal with a code. What the broker itself or the host is answerable for: a full queue, a failing store, a
 * refused login. `message` is safe to show to the peer.
 */
export class StompError extends Error {
  static {
    named(StompError, 'StompError')
  }

  /** Why, as a stable code. A {@link Refusal} may carry a code of the host application's own. */
  readonly code: ErrorCode | (string & {})
  /** The limit that was reached, where it is one. */
  readonly excess: Excess | undefined

  constructor(
    code: ErrorCode | (string & {}),
    message: string,
    { excess, ...options }: ErrorOptions & { readonly excess?: Excess } = {},
  ) {
    super(message, options)
    // Found where it is written: a host without types may have thought of 403.
    if (typeof code !== 'string' || code === '') throw new TypeError(`a code must be a word; given ${String(code)}`)
    this.code = code
    this.excess = excess
  }
}

/** The peer broke the protocol or exceeded a limit: it gets an ERROR frame and is disconnected. */
export class ProtocolError extends StompError {
  static {
    named(ProtocolError, 'ProtocolError')
  }

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { readonly excess?: Excess }) {
    super(code, message, options)
  }
}

/**
 * What a hook throws to refuse with a code and a sentence of its own: both reach the client.
 * Anything else that a hook throws becomes `hook-failed`, with no detail for the client.
 *
 * @example
 * ```ts
 * import { createBroker, Refusal } from '@xtomp/core'
 *
 * const broker = createBroker({
 *   hooks: {
 *     connect: ({ headers }) => {
 *       if (headers.get('login') === 'bob') throw new Refusal('account-suspended', 'pay your bill first')
 *     },
 *   },
 * })
 * await broker.close()
 * ```
 */
export class Refusal extends StompError {
  static {
    named(Refusal, 'Refusal')
  }
}

/** A limit that was reached: the limit, what was seen, and the option that moves it. */
export interface Excess {
  /** What is limited, for a person: `a header line`. */
  readonly what: string
  /** The limit in force. */
  readonly limit: number
  /** The size seen; what is known of it when the limit was passed. */
  readonly seen: number
  /** The unit of both: `octets`, `messages`. */
  readonly unit: string
  /** The option that moves the limit: `limits.headerLineBytes`. */
  readonly option: string
}

/** An error for a passed limit: names the limit, the size seen and the option. */
export function overLimit(code: ErrorCode, excess: Excess): ProtocolError {
  const { what, limit, seen, unit, option } = excess
  return new ProtocolError(code, `${what} may have ${limit} ${unit}, this makes ${seen} (option ${option})`, { excess })
}

/** An error for the one bound over everything that is held, which is reached by all together. */
export function memoryFull(bound: number): StompError {
  const excess = { what: 'the broker', limit: bound, seen: bound, unit: 'octets', option: 'limits.totalBytes' }
  return new StompError('memory-full', `the broker holds ${bound} octets, its bound (option limits.totalBytes)`, {
    excess,
  })
}

const ECHO_OCTETS = 64

/**
 * Text that came from a peer, made fit to be shown: printable ASCII, at most 64 octets.
 * Everything else is written as `?`, and a cut is shown by `...`.
 */
export function printable(text: string): string {
  const cut = text.length > ECHO_OCTETS ? `${text.slice(0, ECHO_OCTETS - 3)}...` : text
  return cut.replace(/[^\x20-\x7e]/g, '?')
}
