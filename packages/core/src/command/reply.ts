/** Server frames that a command causes: CONNECTED, RECEIPT and ERROR. */

import type { FrameParts } from '../codec/encoder.js'
import { NO_BODY } from '../codec/frame.js'
import type { Version } from '../codec/version.js'
import { VERSIONS } from '../codec/version.js'
import type { StompError } from '../errors.js'
import { Headers } from '../headers.js'
import type { HeartBeatOffer } from './command.js'

/** What CONNECTED tells (STOMP 1.2, CONNECTED Frame). */
export interface Connected {
  readonly version: Version
  readonly session: string
  /** What the broker can send and what it wants. */
  readonly heartBeat: HeartBeatOffer
  /** The name for the `server` header; `false` for none. */
  readonly server: string | false
}

/** The answer to CONNECT. */
export function connectedFrame({ version, session, heartBeat, server }: Connected): FrameParts {
  const headers = ['version', version, 'session', session, 'heart-beat', `${heartBeat.sendMs},${heartBeat.wantMs}`]
  if (server !== false) headers.push('server', server)
  return { command: 'CONNECTED', headers: Headers.of(headers), body: NO_BODY }
}

/** That the frame with this receipt was processed (STOMP 1.2, RECEIPT). */
export function receiptFrame(receipt: string): FrameParts {
  return { command: 'RECEIPT', headers: Headers.of(['receipt-id', receipt]), body: NO_BODY }
}

/**
 * What went wrong (STOMP 1.2, ERROR): a short `message`, a stable `code`, and a sentence that says what to do.
 * `receipt` is that of the frame at fault, if it had one.
 */
export function errorFrame(error: StompError, receipt?: string): FrameParts {
  const headers = ['message', error.code.replaceAll('-', ' '), 'code', error.code, 'content-type', 'text/plain']
  if (error.code === 'version-unsupported') headers.push('version', [...VERSIONS].reverse().join(','))
  if (receipt !== undefined) headers.push('receipt-id', receipt)
  // No content-length: a client of Node (stompit 1.0) ends its process at an ERROR that has one beside a text/plain body.
  const body = new TextEncoder().encode(`${error.message.replaceAll('\0', '?')}\n`)
  return { command: 'ERROR', headers: Headers.of(headers), body }
}
