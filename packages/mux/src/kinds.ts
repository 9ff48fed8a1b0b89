/** What the first octets of a connection say of the rest. */

import { METHODS } from 'node:http'
import { SIGNATURES } from './proxy-header.js'

/** What a connection begins. */
export type Kind = 'tls' | 'proxy' | 'http' | 'stomp'

/** How a kind begins. */
interface Opening {
  readonly kind: Kind
  readonly octets: Buffer
}

/** A record of the TLS handshake, and no STOMP frame, begins with this octet (RFC 8446, 5.1). */
const TLS: Opening = { kind: 'tls', octets: Buffer.of(0x16) }

/** A proxy tells first of all who it stands for, as a text or in octets (PROXY protocol, 2.1 and 2.2). */
const PROXY = SIGNATURES.map((octets): Opening => ({ kind: 'proxy', octets }))

/**
 * A method and a space begin a request (RFC 9112, 3), and no STOMP frame, whose command ends with its line: CONNECT and
 * SUBSCRIBE are both.
 */
const HTTP = METHODS.map((method): Opening => ({ kind: 'http', octets: Buffer.from(`${method} `) }))

/** Before anything is known: a PROXY header stands before all, TLS included. */
export const FIRST: readonly Opening[] = [...PROXY, TLS, ...HTTP]

/** After a PROXY header, and under TLS: there is one at most, and it is not encrypted. */
export const LATER: readonly Opening[] = [TLS, ...HTTP]

/**
 * The kind that octets begin, or undefined while it may be one or another. All that is none of the openings is STOMP: a
 * command, heart-beats before it, and what is wrong, to which the session has the answer.
 */
export function kindOf(octets: Buffer, openings: readonly Opening[]): Kind | undefined {
  let isOpen = false
  for (const opening of openings) {
    const length = Math.min(octets.length, opening.octets.length)
    if (octets.compare(opening.octets, 0, length, 0, length) !== 0) continue
    if (length === opening.octets.length) return opening.kind
    isOpen = true
  }
  return isOpen ? undefined : 'stomp'
}
