/** The door for all: it looks at what a connection says first, and hands it to who speaks that. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import { type Broker, type Door, StompError } from '@xtomp/core'
import type { Listener } from '@xtomp/net'
import { Arrivals, firstOctets, refuseTls, SocketDoor, tooMany } from '@xtomp/net/socket'
import { answerHealth } from './health.js'
import { HttpSide } from './http-side.js'
import { AFTER_PROXY, FIRST, type Kind, kindOf } from './kinds.js'
import type { MuxSettings } from './options.js'
import { type Malformed, type ProxyHeader, proxyHeaderOf } from './proxy-header.js'
import { TruePeers } from './trust.js'

/** One that has come, and has not said what it wants. */
interface Newcomer {
  readonly socket: Socket
  hasHeader: boolean
  stopLooking: () => void
}

/** Hands what comes through one port to a broker, and is closed with it. */
export class MuxDoor implements Listener, Door {
  readonly #broker: Broker
  readonly #settings: MuxSettings
  readonly #stomp: SocketDoor
  readonly #http: HttpSide
  readonly #arrivals: Arrivals
  readonly #peers = new TruePeers()
  /** All that have come, whatever they speak; with what is to be known of them until that is clear. */
  readonly #sockets = new Map<Socket, Newcomer | undefined>()
  readonly #refuseTls: ReturnType<typeof refuseTls>
  readonly #gone: (this: Socket) => void
  /** What becomes of each kind. */
  readonly #ways: Readonly<Record<Kind, (newcomer: Newcomer) => void>> = {
    tls: ({ socket }) => this.#stomp.turnAway(socket, this.#refuseTls),
    proxy: (newcomer) => this.#hear(newcomer),
    http: ({ socket }) => this.#http.accept(socket),
    stomp: ({ socket }) => {
      this.#stomp.accept(socket)
      socket.resume()
    },
  }
  #forget: (() => void) | undefined
  #lastGone: (() => void) | undefined
  #isForgeryTold = false

  constructor(broker: Broker, server: Server, settings: MuxSettings) {
    this.#broker = broker
    this.#settings = settings
    this.#refuseTls = refuseTls(broker)
    this.#arrivals = new Arrivals(broker.clock, settings.firstOctetsMs)
    this.#stomp = new SocketDoor(broker, server, {
      ...settings,
      // All kinds are counted together, here.
      maxConnections: Number.POSITIVE_INFINITY,
      transport: 'path' in settings.place ? 'unix' : 'tcp',
      factsOf: (socket) => this.#peers.factsOf(socket),
    })
    this.#http = new HttpSide({
      clock: broker.clock,
      headMs: settings.firstOctetsMs,
      lingerMs: settings.lingerMs,
      answer: (request, response) => this.#answer(request, response),
    })
    const gone = (socket: Socket): void => {
      this.#sockets.delete(socket)
      if (this.#sockets.size === 0) this.#lastGone?.()
    }
    this.#gone = function (this: Socket) {
      gone(this)
    }
    server.on('connection', (socket) => this.#arrived(socket))
  }

  get port(): number | undefined {
    return this.#stomp.port
  }

  get address(): string {
    return this.#stomp.address
  }

  get connections(): number {
    return this.#sockets.size
  }

  async open(): Promise<void> {
    this.#forget = this.#broker.addDoor(this)
    try {
      await this.#stomp.open()
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  stop(): void {
    this.#http.isDraining = true
    this.#stomp.stop()
  }

  async close(): Promise<void> {
    this.stop()
    for (const newcomer of this.#sockets.values()) {
      if (newcomer !== undefined)
        this.#turnAway(newcomer, new StompError('broker-closing', 'this door is closing; connect again later'))
    }
    this.#http.close()
    await this.#stomp.close()
    if (this.#sockets.size > 0) await new Promise<void>((resolve) => (this.#lastGone = resolve))
    this.#forget?.()
  }

  #arrived(socket: Socket): void {
    const { maxConnections } = this.#settings
    if (this.#sockets.size >= maxConnections) {
      this.#stomp.turnAway(socket, tooMany(maxConnections))
      return
    }
    const newcomer: Newcomer = { socket, hasHeader: false, stopLooking: () => undefined }
    this.#sockets.set(socket, newcomer)
    socket.on('close', this.#gone)
    this.#arrivals.add(socket, () => this.#overdue(newcomer))
    this.#look(newcomer)
  }

  #look(newcomer: Newcomer): void {
    const { socket, hasHeader } = newcomer
    const openings = hasHeader ? AFTER_PROXY : FIRST
    newcomer.stopLooking = firstOctets(
      socket,
      (octets) => kindOf(octets, openings),
      (kind) => this.#decided(newcomer, kind),
    )
  }

  #decided(newcomer: Newcomer, kind: Kind): void {
    if (kind !== 'proxy') {
      this.#letIn(newcomer)
      if (this.#settings.trust.isRequired && !newcomer.hasHeader) {
        this.#refuse(
          newcomer,
          'this port is for its proxies, which say first who is behind them (option proxy.required)',
        )
        return
      }
    }
    this.#ways[kind](newcomer)
  }

  /** It is clear what it wants, or that it may not come in. */
  #letIn({ socket }: Newcomer): void {
    this.#arrivals.delete(socket)
    if (this.#sockets.has(socket)) this.#sockets.set(socket, undefined)
  }

  #turnAway(newcomer: Newcomer, error: StompError): void {
    newcomer.stopLooking()
    this.#letIn(newcomer)
    this.#stomp.turnAway(newcomer.socket, error)
  }

  /** Hears whom a proxy stands for, then looks at what that one says. */
  #hear(newcomer: Newcomer): void {
    const { socket } = newcomer
    if (!this.#settings.trust.trusts(socket.remoteAddress)) {
      this.#refuse(newcomer, 'you are none of the proxies whose PROXY headers are believed here (option proxy.trust)')
      return
    }
    newcomer.stopLooking = firstOctets(socket, proxyHeaderOf, (header) => this.#heard(newcomer, header))
  }

  #heard(newcomer: Newcomer, header: ProxyHeader | Malformed): void {
    const { socket } = newcomer
    if ('fault' in header) {
      this.#refuse(newcomer, `the PROXY header is malformed: ${header.fault}`)
      return
    }
    socket.read(header.length)
    if (header.peer !== undefined) this.#peers.tell(socket, header.peer)
    newcomer.hasHeader = true
    this.#look(newcomer)
  }

  #refuse(newcomer: Newcomer, text: string): void {
    if (!this.#isForgeryTold) {
      this.#isForgeryTold = true
      const { remoteAddress, remotePort } = newcomer.socket
      this.#broker.logger.warn({ remoteAddress, remotePort }, `${text}; further ones are not told`)
    }
    this.#turnAway(newcomer, new StompError('access-refused', text))
  }

  #overdue(newcomer: Newcomer): void {
    const { firstOctetsMs } = this.#settings
    const text = `what you speak was not clear within ${firstOctetsMs} ms (option firstOctetsMs)`
    this.#turnAway(newcomer, new StompError('connect-timeout', text))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { http, health } = this.#settings
    const [path] = (request.url ?? '').split('?')
    if (path === health.path) this.#answerHealth(request, response)
    else if (http === undefined) this.#answerNotFound(response)
    else this.#ask(http, request, response)
  }

  #answerHealth({ method = '' }: IncomingMessage, response: ServerResponse): void {
    const { facts } = this.#settings.health
    if (method === 'GET' || method === 'HEAD')
      answerHealth(response, { broker: this.#broker, facts, isDraining: this.#http.isDraining })
    else answerText(response, 405, 'ask with GET or HEAD', { allow: 'GET, HEAD' })
  }

  #answerNotFound(response: ServerResponse): void {
    const { path } = this.#settings.health
    const served = ['STOMP on this very port', ...(path === undefined ? [] : [`GET ${path}`])]
    answerText(response, 404, `There is nothing here. There is: ${served.join('; ')}.`)
  }

  /** The host's own handler; its fault is its request's end, not the process's. */
  async #ask(
    http: NonNullable<MuxSettings['http']>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      await http(request, response)
    } catch (err) {
      this.#broker.logger.error({ err }, 'the handler of HTTP requests (option http) has failed')
      if (response.headersSent) response.destroy()
      else answerText(response, 500, 'The application has failed.')
    }
  }
}

function answerText(
  response: ServerResponse,
  code: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const length = { 'content-length': Buffer.byteLength(text) + 1 }
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', ...length, ...headers }).end(`${text}\n`)
}
