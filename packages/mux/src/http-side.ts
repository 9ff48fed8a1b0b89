/** The http server behind the port: it listens nowhere, and takes what begins a request. */

import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '@xtomp/core'
import { Arrivals } from '@xtomp/net/socket'

/** How long a request may take until all of it has come, as with a server of Node that listens by itself. */
const REQUEST_MS = 300_000

/** What Node says of a request that cannot be read, where 400 does not say it. */
const FAULTS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, HPE_CHUNK_EXTENSIONS_OVERFLOW: 413 }

/** How requests are taken. */
export interface HttpSideOptions {
  readonly clock: Clock
  /** How long the head of a request may take, and how long the next one may be waited for. */
  readonly headMs: number
  /** How long a peer may keep a closing connection, and a request its answer when all is closed. */
  readonly lingerMs: number
  answer(request: IncomingMessage, response: ServerResponse): void
}

/**
 * Requests, with deadlines of our own: Node looks after those of a server that listens, and of no other.
 */
export class HttpSide {
  readonly server: Server
  readonly #options: HttpSideOptions
  /** Those whose next request is waited for. */
  readonly #waiting: Arrivals
  /** Those that speak HTTP, and have not gone over to something else. */
  readonly #speaking = new WeakSet<Socket>()
  /** How many answers each socket still has to get. */
  readonly #answering = new Map<Socket, number>()
  isDraining = false

  constructor(options: HttpSideOptions) {
    this.#options = options
    this.#waiting = new Arrivals(options.clock, options.headMs, (socket) => this.#refuse(socket, 408))
    this.server = createServer((request, response) => this.#begin(request, response))
    this.server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) =>
      this.#refuse(socket, FAULTS[code] ?? 400),
    )
    // We are no proxy: whoever takes us for one is told.
    this.server.on('connect', (_request, socket) => this.#refuse(socket, 405))
  }

  /** Takes a socket whose first octets begin a request. */
  accept(socket: Socket): void {
    this.#speaking.add(socket)
    this.#waiting.add(socket)
    this.server.emit('connection', socket)
    socket.resume()
  }

  /** It speaks something else from here on, whatever answers of before are told to be done later. */
  upgraded(socket: Socket): void {
    this.#speaking.delete(socket)
    this.#waiting.delete(socket)
    this.#answering.delete(socket)
  }

  /** Cuts those that have no request; the others may get their answer, if it comes soon. */
  close(): void {
    this.isDraining = true
    this.#waiting.close()
    for (const socket of this.#answering.keys()) this.#cutLater(socket)
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    this.#waiting.delete(socket)
    this.#answering.set(socket, (this.#answering.get(socket) ?? 0) + 1)
    response.once('close', () => this.#end(socket))
    if (this.isDraining) response.setHeader('connection', 'close')
    if ('content-length' in request.headers || 'transfer-encoding' in request.headers)
      request.once(
        'close',
        this.#options.clock.after(REQUEST_MS, () => {
          // One that has come is done with as far as this goes: its handler may leave it unread, and answer for hours.
          if (!request.complete) socket.destroy()
        }),
      )
    this.#options.answer(request, response)
  }

  #end(socket: Socket): void {
    if (!this.#speaking.has(socket)) return
    const left = (this.#answering.get(socket) ?? 0) - 1
    if (left > 0) this.#answering.set(socket, left)
    else {
      this.#answering.delete(socket)
      if (!socket.destroyed) this.#waiting.add(socket)
    }
  }

  /** Says why, and reads on: a socket closed with unread octets is reset, and the answer is lost. */
  #refuse(socket: Duplex, code: number): void {
    if (!socket.writable) {
      // Who was told already, and goes on, has until its time is up.
      if (!socket.writableEnded) socket.destroy()
      return
    }
    socket.end(`HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    socket.resume()
    this.#cutLater(socket)
  }

  #cutLater(socket: Duplex): void {
    socket.once(
      'close',
      this.#options.clock.after(this.#options.lingerMs, () => socket.destroy()),
    )
  }
}
