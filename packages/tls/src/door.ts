/** A door whose sockets are secured before they come in. */

import type { Server } from 'node:net'
import type { Broker } from '@xtomp/core'
import type { Listener as SocketListener } from '@xtomp/net'
import { type ListenSettings, SocketDoor } from '@xtomp/net/socket'
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

/** A listener that is more than a SocketDoor by its handshakes. */
export class TlsDoor extends SocketDoor implements Listener {
  readonly #handshakes: Handshakes

  constructor(broker: Broker, server: Server, settings: ListenSettings & TlsSettings) {
    super(broker, server, { ...settings, ...SECURED_SOCKETS, transport: 'tls' })
    this.#handshakes = new Handshakes(broker, settings, {
      secured: (socket) => this.accept(socket),
      refused: (socket, error) => this.turnAway(socket, error),
    })
    server.on('connection', (socket) => this.#handshakes.begin(socket))
  }

  setCertificates(certificates: Certificates): void {
    this.#handshakes.setCertificates(certificates)
  }

  override stop(): void {
    this.#handshakes.close()
    super.stop()
  }
}
