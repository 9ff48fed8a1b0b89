/** A socket, TCP, UNIX or secured, is a Connection. */

import type { Socket } from 'node:net'
import type { CloseReason, Connection, ConnectionInfo, Inbound } from '@xtomp/core'
import { isEncrypted, isTakenAtOnce } from './encrypted.js'
import { beginsTls } from './tls-hello.js'

/** Where the parts of a socket find their connection: listeners shared by all sockets cost an idle one nothing. */
const connectionOf = Symbol('connection')

interface ConnectedSocket extends Socket {
  [connectionOf]?: SocketConnection
}

/** What takes connections: a broker. */
interface Acceptor {
  accept(connection: Connection): Inbound
}

/** How the sockets of a door are treated. */
export interface SocketSettings {
  /** What `info.transport` says. */
  readonly transport: string
  /** How long a peer may keep a closing connection, in milliseconds. */
  readonly lingerMs: number
  /** What is known of a socket beyond its addresses, or better than it knows itself. */
  readonly factsOf?: ((socket: Socket) => Partial<ConnectionInfo>) | undefined
  /** Who a socket has proved its peer to be. */
  readonly provenLoginOf?: ((socket: Socket) => string | undefined) | undefined
  /** Answers a peer that begins TLS, where it is not spoken. */
  readonly refuseTls?: ((socket: Socket, connection: SocketConnection) => void) | undefined
}

/** Our end of a connection. */
export interface LocalEnd {
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
}

/** The same, with who is told. */
export interface SocketOptions extends SocketSettings {
  /** Our end of every socket, where it is the same for all: asking the system costs a call for each. */
  readonly localEnd?: LocalEnd | undefined
  /** Closes the socket of a connection on which nothing is left to be said, when there is time. */
  readonly depart?: ((connection: SocketConnection, socket: Socket) => void) | undefined
  /** Told when the socket is gone. */
  closed(connection: SocketConnection): void
}

const NOTHING = new Uint8Array(0)

/** Hands a socket, made with `allowHalfOpen`, to a broker. */
export function connect(broker: Acceptor, socket: Socket, options: SocketOptions): SocketConnection {
  const connection = new SocketConnection(socket, options)
  ;(socket as ConnectedSocket)[connectionOf] = connection
  connection.inbound = broker.accept(connection)
  socket.on('data', receive)
  socket.on('end', ended)
  socket.on('drain', drained)
  socket.on('error', broken)
  socket.on('close', closed)
  return connection
}

function receive(this: ConnectedSocket, octets: Buffer): void {
  this[connectionOf]?.received(octets)
}

function ended(this: ConnectedSocket): void {
  this[connectionOf]?.ended()
}

function drained(this: ConnectedSocket): void {
  this[connectionOf]?.drained()
}

function broken(this: ConnectedSocket, cause: Error): void {
  const connection = this[connectionOf]
  if (connection !== undefined) connection.cause = cause
}

function closed(this: ConnectedSocket): void {
  this[connectionOf]?.closed()
}

/** A socket, as the broker holds it. */
export class SocketConnection implements Connection {
  inbound: Inbound | undefined
  /** What broke it. */
  cause: Error | undefined
  readonly #socket: Socket
  readonly #options: SocketOptions
  #linger: NodeJS.Timeout | undefined
  #isBlocked = false
  #isClosing = false

  constructor(socket: Socket, options: SocketOptions) {
    this.#socket = socket
    this.#options = options
  }

  get info(): ConnectionInfo {
    const { transport, factsOf, localEnd = this.#socket } = this.#options
    const { remoteAddress, remotePort } = this.#socket
    const { localAddress, localPort } = localEnd
    return { transport, remoteAddress, remotePort, localAddress, localPort, ...factsOf?.(this.#socket) }
  }

  get isLate(): boolean {
    return isEncrypted(this.#socket)
  }

  get provenLogin(): string | undefined {
    return this.#options.provenLoginOf?.(this.#socket)
  }

  send(octets: Uint8Array, _frameEnds: readonly number[]): boolean {
    // Nothing leaves any more: answering true would have whole queues poured into it before its end is told.
    if (this.#socket.destroyed) return false
    const isTaken = isTakenAtOnce(this.#socket, octets.length)
    this.#socket.write(octets)
    if (isTaken) return true
    // Node writes what the kernel takes before `write` returns: with nothing left, the memory is free again.
    this.#isBlocked = this.#socket.writableLength > 0
    // Node tells of a drain only when much was waiting: of less we are told when nothing at all has been written after it.
    if (this.#isBlocked && !this.#socket.writableNeedDrain) {
      this.#socket.write(NOTHING, (error) => {
        if (!error) this.drained()
      })
    }
    return !this.#isBlocked
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(_reason: CloseReason): void {
    this.#isClosing = true
    const { depart } = this.#options
    if (depart !== undefined && this.#isSpent) {
      depart(this, this.#socket)
      return
    }
    this.#socket.end()
    // Reading on, and dropping it: a socket closed with unread octets is reset, and an ERROR on its way is lost.
    this.#socket.resume()
    if (this.#socket.readableEnded) return
    this.#linger = setTimeout(() => this.#socket.destroy(), this.#options.lingerMs)
    this.#linger.unref()
  }

  abort(): void {
    this.#socket.destroy()
  }

  /** Whether nothing is left in either direction: then it needs no `end`, of which the peer would see the same. */
  get #isSpent(): boolean {
    const { readableEnded, writableLength } = this.#socket
    return readableEnded && writableLength === 0 && !isEncrypted(this.#socket)
  }

  received(octets: Buffer): void {
    if (this.#isClosing) return
    const { refuseTls } = this.#options
    // Of all octets only the first can begin it.
    if (refuseTls !== undefined && beginsTls(octets) && this.#socket.bytesRead === octets.length)
      refuseTls(this.#socket, this)
    else this.inbound?.receive(octets)
  }

  ended(): void {
    if (!this.#isClosing) this.inbound?.ended()
  }

  drained(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    this.inbound?.drained()
  }

  closed(): void {
    if (this.#linger !== undefined) clearTimeout(this.#linger)
    this.#options.closed(this)
    this.inbound?.closed(this.#isClosing ? undefined : this.cause)
  }
}
