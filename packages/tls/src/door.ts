/** A door whose sockets are secured before they come in. */

import type { Server, Socket } from 'node:net'
import { type Broker, StompError } from '@xtomp/core'
import type { Listener as SocketListener } from '@xtomp/net'
import { type ListenSettings, SocketDoor, SpareFiles } from '@xtomp/net/socket'
import type { Certificates } from './socket/certificates.js'
import { Handshakes, SECURED_SOCKETS } from './socket/handshakes.js'
import type { TlsSettings } from './socket/settings.js'

/** An open TLS door. */
export interface Listener extends SocketListener {
  /**
   * Shows these certificates from the next handshake on, and trusts these authorities; what is left out stays as it is,
   * `cert`, `key`, `pfx` and `passphrase` together. No session ends of it. Certificates that were replaced are not
   * honoured any more when a client takes up an earlier TLS session.
   * @throws TypeError where something is missing, cannot be read or does not belong together; then all stays as it is
   */
  setCertificates(certificates: Certificates): void
}

/** A fatal alert `internal_error` (RFC 8446, 6.2), which is what servers say that have no room: TLS has no other word. */
const ALERT = new Uint8Array([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50])

/** A listener that is more than a SocketDoor by its handshakes. */
export class TlsDoor extends SocketDoor implements Listener {
  readonly #handshakes: Handshakes
  readonly #most: number

  constructor(broker: Broker, server: Server, settings: ListenSettings & TlsSettings) {
    super(broker, server, { ...settings, ...SECURED_SOCKETS, transport: 'tls' })
    this.#most = settings.maxConnections
    this.#handshakes = new Handshakes(broker, settings, {
      secured: (socket) => this.accept(socket),
      refused: (socket, error) => this.turnAway(socket, error),
    })
    new SpareFiles(broker).receiveFrom(
      server,
      (socket) => this.#arrived(socket),
      (socket, why) => this.#refuse(socket, why),
    )
  }

  setCertificates(certificates: Certificates): void {
    this.#handshakes.setCertificates(certificates)
  }

  override stop(): void {
    this.#handshakes.close()
    super.stop()
  }

  /** Apart from those who are in: one of them too many is told so over TLS, which it must be let begin. */
  #arrived(socket: Socket): void {
    if (this.#handshakes.size < this.#most) this.#handshakes.begin(socket)
    else this.#refuse(socket, tooManyHandshakes(this.#most))
  }

  /** Tells one why that has not begun its handshake. */
  #refuse(socket: Socket, why: StompError): void {
    this.turnAway(socket, (_, { inbound }) => {
      socket.write(ALERT)
      inbound?.refuse(why)
    })
  }
}

function tooManyHandshakes(limit: number): StompError {
  const text = `${limit} connections are in their TLS handshake, as many as may be (option maxConnections)`
  const excess = { what: 'this door', limit, seen: limit + 1, unit: 'handshakes', option: 'maxConnections' }
  return new StompError('connections-too-many', text, { excess })
}
