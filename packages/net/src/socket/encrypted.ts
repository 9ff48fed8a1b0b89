/** What an encrypting socket does with what it is given: it has taken it before it says so. */

import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** One record of TLS. */
const RECORD_BYTES = 16_384

/** Whether a socket encrypts. */
export function isEncrypted(socket: Socket): socket is TLSSocket {
  return (socket as Partial<TLSSocket>).encrypted === true
}

/**
 * Whether so many octets, written now, count as sent when `write` returns. An encrypting socket that has nothing on its way
 * has taken a record into memory of its own by then, as the system does, and tells of it only a turn later.
 */
export function isTakenAtOnce(socket: Socket, octets: number): boolean {
  return isEncrypted(socket) && socket.writableLength === 0 && octets <= RECORD_BYTES
}
