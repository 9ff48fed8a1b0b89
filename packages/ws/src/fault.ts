/** What a client is told that passes a limit of WebSocket messages, or breaks its rules. */

import { ProtocolError, StompError } from '@xtomp/core'
import { NOT_UTF8, TOO_BIG } from './close-code.js'
import type { Room } from './room.js'

/** What the library throws. */
export type LibraryError = Error & { readonly code?: string }

/** What it says of more fragments than it may take, and of chunks. */
const TOO_MANY_PARTS = 'WS_ERR_TOO_MANY_BUFFERED_PARTS'
/** In how many chunks of the socket a fragment may come, on the average. */
export const PARTS_A_FRAGMENT = 16

/** The limits that the library looks after. */
export interface MessageLimits {
  readonly maxMessageBytes: number
  readonly maxFragments: number
}

/** The message at hand, and what it may be. */
export interface MessageAtHand extends MessageLimits {
  /** How large the client says that it is. */
  readonly saidLength: number
  /** How much might come of it where it is compressed. */
  readonly mostInflated: number
}

/**
 * What the library has found.
 *
 * @param closeCode - what it would close with
 */
export function faultOf(
  { message, code }: LibraryError,
  closeCode: number,
  { maxMessageBytes: limit, maxFragments, saidLength, mostInflated }: MessageAtHand,
): ProtocolError {
  // What is compressed says nothing of how large it is, and undoing that ends when it is more than the limit.
  if (closeCode === TOO_BIG && saidLength <= limit && mostInflated < limit)
    return connectTooLarge(mostInflated, mostInflated + 1)
  if (closeCode === TOO_BIG)
    return tooLarge('body-too-large', 'a WebSocket message', 'maxMessageBytes', limit, Math.max(saidLength, limit + 1))
  if (code === TOO_MANY_PARTS) return tooManyFragments(maxFragments)
  return new ProtocolError(closeCode === NOT_UTF8 ? 'bad-utf8' : 'bad-frame', `not WebSocket: ${message}`)
}

/** One who is not connected has sent so much. */
export function connectTooLarge(limit: number, seen: number): ProtocolError {
  return tooLarge('connect-too-large', 'a WebSocket message before CONNECTED', 'maxConnectBytes', limit, seen)
}

/** All of a door hold too much. */
export function noRoom({ limit, held }: Room): StompError {
  const text = `the connections of this door hold ${held} octets of messages that are not whole, and may hold ${limit} (option maxHeldBytes)`
  const excess = { what: 'this door', limit, seen: held, unit: 'octets', option: 'maxHeldBytes' }
  return new StompError('memory-full', text, { excess })
}

function tooLarge(
  code: 'connect-too-large' | 'body-too-large',
  what: string,
  option: string,
  limit: number,
  seen: number,
): ProtocolError {
  const text = `${what} may have ${limit} octets, this makes ${seen} or more (option ${option})`
  return new ProtocolError(code, text, { excess: { what, limit, seen, unit: 'octets', option } })
}

function tooManyFragments(limit: number): ProtocolError {
  const what = 'a WebSocket message'
  const text = `${what} may have ${limit} fragments, and come in ${PARTS_A_FRAGMENT} times as many parts (option maxFragments)`
  const excess = { what, limit, seen: limit + 1, unit: 'fragments', option: 'maxFragments' }
  return new ProtocolError('body-too-large', text, { excess })
}
