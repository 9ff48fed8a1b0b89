/** Secures sockets that somebody has accepted: from the first octet that they send until it is known who they are. */

import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { type Broker, type ConnectionInfo, StompError } from '@xtomp/core'
import { Arrivals, beginsTls, firstOctets, LONGEST_MS, type SocketSettings, tlsFactsOf } from '@xtomp/net/socket'
import { type Certificates, type Contexts, replaced } from './certificates.js'
import { Failures } from './failures.js'
import { loginOf } from './login.js'
import { checkedContextsOf, type TlsSettings } from './settings.js'

/** What has become of a socket. */
export interface HandshakeEvents {
  /** It is secured, and whoever it is may come in; `transport` is the socket that was given. */
  secured(socket: TLSSocket, transport: Socket): void
  /** It may not: to be told why, in plain text where it does not speak TLS, and ended. */
  refused(socket: Socket, error: StompError, transport: Socket): void
}

/** Where a secured socket keeps what its peer has shown: the system forgets it when the socket is gone. */
const shown = Symbol('shown')

interface SecuredSocket extends Socket {
  [shown]?: { readonly facts: Pick<ConnectionInfo, 'tls'>; readonly login: string | undefined }
}

const NO_FACTS = {}

/** The facts of a socket that was secured here; of any other, none. */
function securedFactsOf(socket: Socket): Pick<ConnectionInfo, 'tls'> {
  return (socket as SecuredSocket)[shown]?.facts ?? NO_FACTS
}

/** Whom the certificate of a socket that was secured here has proved its peer to be. */
function provenLoginOf(socket: Socket): string | undefined {
  return (socket as SecuredSocket)[shown]?.login
}

/** How a door is to treat the sockets that it takes from here, the plain ones among them too. */
export const SECURED_SOCKETS = {
  factsOf: securedFactsOf,
  provenLoginOf,
} as const satisfies Partial<SocketSettings>

/** The TLS of a door. */
export class Handshakes {
  readonly #broker: Broker
  readonly #settings: TlsSettings
  readonly #events: HandshakeEvents
  readonly #arrivals: Arrivals
  readonly #failures: Failures
  /** It listens nowhere: sockets are given to it. */
  readonly #server: Server
  #certificates: Certificates
  #contexts: Contexts
  #isPlainTold = false

  constructor(broker: Broker, settings: TlsSettings, events: HandshakeEvents) {
    this.#broker = broker
    this.#settings = settings
    this.#events = events
    this.#certificates = settings.certificates
    this.#contexts = settings.contexts
    this.#failures = new Failures(broker)
    this.#arrivals = new Arrivals(broker.clock, settings.handshakeTimeoutMs, (socket) => this.#overdue(socket))
    this.#server = createServer({
      ...settings.contexts.byDefault,
      requestCert: settings.requestCert,
      // Node would cut who is not trusted, and TLS 1.3 has no word for it at that point: we say why, and then end it.
      rejectUnauthorized: false,
      // The deadline is ours, on the broker's clock.
      handshakeTimeout: LONGEST_MS,
      SNICallback: (name, found) => found(null, this.#contexts.forName(name)),
    })
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
  }

  /** How many are on their way. */
  get size(): number {
    return this.#arrivals.size
  }

  /** Takes a socket that has been accepted; what was read of it must have been put back. */
  begin(socket: Socket): void {
    this.#arrivals.add(socket)
    firstOctets(socket, beginsTls, (isTls) => {
      if (isTls) this.#shakeHands(socket)
      else this.#plain(socket)
    })
  }

  /**
   * Shows these from the next handshake on; what is left out stays as it is, `cert`, `key`, `pfx` and `passphrase`
   * together. Those who are in stay, and nobody who left can come back on what was agreed on before.
   * @throws TypeError as the options do; then all stays as it is
   */
  setCertificates(given: Certificates): void {
    const certificates = replaced(this.#certificates, given)
    const contexts = checkedContextsOf(certificates, this.#settings)
    // A new context has new keys for its tickets: a session from before, whose trust may be gone, is not resumed.
    this.#server.setSecureContext(contexts.byDefault)
    this.#contexts = contexts
    this.#certificates = certificates
  }

  /** Cuts those on their way, and each that still comes. */
  close(): void {
    this.#arrivals.close()
  }

  #shakeHands(socket: Socket): void {
    // Whose peer ends before the handshake is done has gone: half open, it would be kept until its time is up.
    socket.allowHalfOpen = false
    this.#server.emit('connection', socket)
  }

  #secured(socket: TLSSocket): void {
    const transport = transportOf(socket)
    if (!this.#arrivals.delete(transport)) return
    socket.allowHalfOpen = true
    const facts = tlsFactsOf(socket)
    const { requestCert, rejectUnauthorized } = this.#settings
    let login: string | undefined
    let refusal: StompError | undefined
    if (facts.isVerified) {
      try {
        login = this.#loginOf(facts)
      } catch (err) {
        this.#broker.logger.error({ err }, 'loginFrom failed: a client with a trusted certificate was turned away')
        refusal = new StompError('hook-failed', 'the broker could not tell whose certificate this is')
      }
    } else if (requestCert && rejectUnauthorized) {
      const code = facts.certificate === undefined ? undefined : String(socket.authorizationError)
      refusal = new StompError('auth-failed', whyNot(code))
      this.#failures.note({ remoteAddress: socket.remoteAddress, code }, refusal.message)
    }
    ;(socket as SecuredSocket)[shown] = { facts: { tls: facts }, login }
    if (refusal === undefined) this.#events.secured(socket, transport)
    else this.#events.refused(socket, refusal, transport)
  }

  #loginOf({ certificate }: NonNullable<ConnectionInfo['tls']>): string | undefined {
    const { loginFrom } = this.#settings
    return certificate === undefined || loginFrom === undefined ? undefined : loginOf(certificate, loginFrom)
  }

  #plain(socket: Socket): void {
    this.#arrivals.delete(socket)
    if (!this.#isPlainTold) {
      this.#isPlainTold = true
      const { remoteAddress, localAddress, localPort } = socket
      const text = 'a client spoke plain text on a port that speaks TLS; further ones are not told'
      this.#broker.logger.warn({ remoteAddress, localAddress, localPort }, text)
    }
    this.#events.refused(socket, new StompError('tls-required', 'this port speaks TLS; connect with TLS'), socket)
  }

  #failed(error: Error, socket: TLSSocket): void {
    // The system sends its alert by itself, where there is one.
    const { code, reason = error.message } = error as Error & { code?: string; reason?: string }
    const transport = transportOf(socket)
    // Who just goes away is no failure: Node may tell of that before it says that the socket is closed. Who was cut has
    // been told of.
    const isGone = code === 'ECONNRESET' || 'syscall' in error
    if (this.#arrivals.delete(transport) && !isGone)
      this.#failures.note({ remoteAddress: transport.remoteAddress, code }, reason)
    socket.destroy()
  }

  #overdue(socket: Socket): void {
    const { handshakeTimeoutMs } = this.#settings
    const reason = `it was not done after ${handshakeTimeoutMs} ms (option handshakeTimeoutMs)`
    this.#failures.note({ remoteAddress: socket.remoteAddress, code: 'ERR_TLS_HANDSHAKE_TIMEOUT' }, reason)
    socket.destroy()
  }
}

/** The socket below: Node names it for its own use only, and nothing else leads there (decision 0020). */
function transportOf(socket: TLSSocket): Socket {
  return Reflect.get(socket, '_parent') as Socket
}

function whyNot(code: string | undefined): string {
  return code === undefined
    ? 'this port wants a client certificate, and none was shown'
    : `the client certificate is not trusted here: ${code}`
}
