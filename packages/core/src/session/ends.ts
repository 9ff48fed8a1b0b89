/** Why a session ends: each reason with its code, in a sentence for whom it concerns. */

import type { ClientCommand } from '../codec/frame.js'
import { ProtocolError, StompError } from '../errors.js'
import type { CloseReason } from '../ports/connection.js'

export const DISCONNECTED: CloseReason = { code: 'disconnect', message: 'the client disconnected' }
export const CLOSED_BY_HOST: CloseReason = {
  code: 'session-closed',
  message: 'the host application ended this session',
}
const PEER_CLOSED: CloseReason = { code: 'peer-closed', message: 'the peer closed the connection' }

/** The connection is gone, or will bring nothing more. */
export function gone(cause?: Error): CloseReason {
  return cause === undefined ? PEER_CLOSED : { code: 'peer-lost', message: `the connection broke: ${cause.message}` }
}

/** A command that its session does not take now: before CONNECT, or after it. */
export function outOfPlace(command: ClientCommand, isConnecting: boolean): ProtocolError {
  return isConnecting
    ? new ProtocolError('not-connected', `${command} came before CONNECT`)
    : new ProtocolError('already-connected', `${command} came on a session that is connected`)
}

/** CONNECT did not come in time. */
export function unasked(timeoutMs: number): ProtocolError {
  return new ProtocolError(
    'connect-timeout',
    `no whole CONNECT came within ${timeoutMs} ms (option limits.connectTimeoutMs)`,
  )
}

/** CONNECT was not answered in time. No fault of the peer: a hook or the store took too long. */
export function unanswered(timeoutMs: number): StompError {
  return new StompError(
    'connect-timeout',
    `the broker did not answer in time whether you may connect, within ${timeoutMs} ms of the connection; try again later (option limits.connectTimeoutMs)`,
  )
}

/** No beat came, nor anything else. */
export function silent(silentMs: number, graceFactor: number): ProtocolError {
  return new ProtocolError(
    'heart-beat-missed',
    `nothing was heard for ${Math.round(silentMs)} ms, more than ${graceFactor} times what was agreed (option heartBeat.graceFactor)`,
  )
}

/** A topic's backlog is full, and its policy is `disconnect`. */
export function tooSlow(): StompError {
  return new StompError(
    'slow-consumer',
    'messages come faster than you take them, and no more may wait (option destinations[].backlogBytes)',
  )
}

/** What it leaves untaken is more than the broker has room for. */
export function burdensome(bound: number): CloseReason {
  return {
    code: 'slow-consumer',
    message: `the peer leaves octets untaken while the broker holds ${bound}, its bound (option limits.totalBytes)`,
  }
}

/** It has taken nothing for too long. */
export function stuck(stallMs: number): CloseReason {
  return { code: 'stalled', message: `the peer took no octet for ${stallMs} ms (option limits.stallMs)` }
}

/** The broker's own fault, of which the peer is told no more than that. */
export function ownFault(): StompError {
  return new StompError('internal-error', 'the broker made a mistake; its operator has been told')
}
