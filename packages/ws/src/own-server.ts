/** The server of a port that is ours alone: from the first octet of a socket until its WebSocket is open. */

import type { Server as HttpServer } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { Clock, Logger } from '@xtomp/core'
import { Arrivals, SpareFiles, tellFaults } from '@xtomp/net/socket'
import { noRoom, type Refusal, Refused } from './refusal.js'
import type { Entrance } from './web-socket-door.js'

/** What those on their way in have. */
export interface OwnServerSettings {
  readonly clock: Clock
  readonly logger: Logger
  /** How long each may take. */
  readonly handshakeTimeoutMs: number
  /** How long one that was turned away may keep its socket. */
  readonly lingerMs: number
  /** How many there may be at a time. */
  readonly most: number
}

const NOT_HTTP: Refusal = { status: 400, text: 'this port speaks WebSocket, and this is no HTTP' }

const NO_PROXY: Refusal = { status: 405, text: 'a WebSocket begins with GET, and this is no proxy' }

/** What Node says of a request that cannot be read, where it is HTTP all the same. */
const FAULTS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, text: 'the head of this request is too large' },
}

/** Takes sockets, and has HTTP read from those that there is room for. */
export class OwnServer implements Entrance {
  isStopped = false
  port: number | undefined
  address = ''
  readonly #server: Server
  readonly #settings: OwnServerSettings
  readonly #arrivals: Arrivals
  readonly #refused: Refused
  #opening: Promise<void> | undefined

  /** @param http - listens nowhere: sockets are given to it */
  constructor(server: Server, http: HttpServer, settings: OwnServerSettings) {
    const { clock, handshakeTimeoutMs, lingerMs } = settings
    this.#server = server
    this.#settings = settings
    this.#arrivals = new Arrivals(clock, handshakeTimeoutMs)
    this.#refused = new Refused(clock, lingerMs)
    new SpareFiles(settings).receiveFrom(
      server,
      (socket) => this.#arrived(socket, http),
      (socket, why) => this.#refused.tell(socket, noRoom(why)),
    )
    http.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
      if (socket.writable) this.#refused.tell(socket as Socket, FAULTS[code] ?? NOT_HTTP)
      // Who was told already, and goes on, has until its time is up.
      else if (!socket.writableEnded) socket.destroy()
    })
    // Without it Node cuts who takes us for a proxy.
    http.on('connect', ({ socket }) => this.#refused.tell(socket, NO_PROXY, ['Allow: GET']))
  }

  /** Resolves when it is open. Rejects as the system does. */
  async open(bound: (server: Server) => Promise<void>): Promise<void> {
    this.#opening = bound(this.#server)
    await this.#opening
    tellFaults(this.#server, this.#settings)
    const place = this.#server.address()
    if (typeof place === 'object' && place !== null) Object.assign(this, { port: place.port, address: place.address })
  }

  /** It is on its way no longer: a WebSocket, or refused. */
  release(socket: Socket): void {
    this.#arrivals.delete(socket)
  }

  async stop(): Promise<void> {
    this.isStopped = true
    // A server that is closed before it listens would listen all the same.
    await this.#opening?.catch(() => undefined)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#arrivals.close()
    this.#refused.close()
    await closed
  }

  #arrived(socket: Socket, http: HttpServer): void {
    const { most } = this.#settings
    if (this.#arrivals.size < most) {
      this.#arrivals.add(socket)
      http.emit('connection', socket)
    } else {
      const text = `${most} clients are on their way in already (option maxConnections)`
      this.#refused.tell(socket, { status: 503, text })
    }
  }
}
