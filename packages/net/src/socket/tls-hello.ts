/** A client that begins TLS on a port that does not speak it. */

import type { Socket } from 'node:net'
import { type Broker, type Inbound, StompError } from '@xtomp/core'

/** The first octet of every TLS connection, and of no STOMP frame: a record of the handshake (RFC 8446, 5.1). */
const HANDSHAKE = 0x16

/** A fatal alert `unexpected_message` (RFC 8446, 6): the only words that such a client understands. */
const ALERT = new Uint8Array([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a])

/** Whether octets begin TLS, being the first of a connection. */
export function beginsTls(octets: Uint8Array): boolean {
  return octets[0] === HANDSHAKE
}

/** Whose first octets they are. */
interface Arrived {
  readonly inbound: Inbound | undefined
}

/** Answers what refuses such clients: an alert for their TLS, an ERROR for whoever looks on, and one line in the log. */
export function refuseTls(broker: Broker): (socket: Socket, connection: Arrived) => void {
  let isTold = false
  return (socket, connection) => {
    if (!isTold) {
      isTold = true
      const { remoteAddress, localAddress, localPort } = socket
      const text = 'a client began TLS on a port that does not speak it; further ones are not told'
      broker.logger.warn({ remoteAddress, localAddress, localPort }, text)
    }
    socket.write(ALERT)
    connection.inbound?.refuse(new StompError('tls-unexpected', 'this port does not speak TLS; connect without it'))
  }
}
