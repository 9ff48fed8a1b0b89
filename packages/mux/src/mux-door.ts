/** The door for all: it looks at what a connection says first, and hands it to who speaks that. */

import type { IncomingMessage } from 'node:http'
import type { Server, Socket } from 'node:net'
import { type Broker, type ConnectionInfo, type Door, StompError } from '@xtomp/core'
import { Arrivals, firstOctets, refuseTls, SocketDoor, SpareFiles, tooMany } from '@xtomp/net/socket'
import type { Certificates, Listener } from '@xtomp/tls'
import { Handshakes, SECURED_SOCKETS } from '@xtomp/tls/socket'
import { type Attachment, attach } from '@xtomp/ws'
import { answersOf } from './answers.js'
import { HttpSide } from './http-side.js'
import { FIRST, type Kind, kindOf, LATER } from './kinds.js'
import type { MuxSettings } from './options.js'
import { type Malformed, type ProxyHeader, proxyHeaderOf } from './proxy-header.js'
import { TruePeers } from './trust.js'

/** One that has come, and has not said what it wants. */
interface Newcomer {
  /** What was accepted. */
  readonly transport: Socket
  /** What is read and written: the same, or what is secured above it. */
  socket: Socket
  hasHeader: boolean
  isShakingHands: boolean
  stopLooking: () => void
}

/** Hands what comes through one port to a broker, and is closed with it. */
export class MuxDoor implements Listener, Door {
  readonly #broker: Broker
  readonly #settings: MuxSettings
  readonly #stomp: SocketDoor
  readonly #http: HttpSide
  readonly #tls: Handshakes | undefined
  readonly #arrivals: Arrivals
  readonly #peers = new TruePeers()
  /** All that have come, whatever they speak; with what is to be known of them until that is clear. */
  readonly #sockets = new Map<Socket, Newcomer | undefined>()
  readonly #refuseTls: ReturnType<typeof refuseTls>
  readonly #gone: (this: Socket) => void
  /** What becomes of each kind. */
  readonly #ways: Readonly<Record<Kind, (newcomer: Newcomer) => void>> = {
    tls: (newcomer) => this.#secure(newcomer),
    proxy: (newcomer) => this.#hear(newcomer),
    http: ({ socket }) => this.#http.accept(socket),
    stomp: ({ socket }) => {
      this.#stomp.accept(socket)
      socket.resume()
    },
  }
  #ws: Attachment | undefined
  #forget: (() => void) | undefined
  #lastGone: (() => void) | undefined
  #isForgeryTold = false

  constructor(broker: Broker, server: Server, settings: MuxSettings) {
    this.#broker = broker
    this.#settings = settings
    this.#refuseTls = refuseTls(broker)
    this.#arrivals = new Arrivals(broker.clock, settings.firstOctetsTimeoutMs)
    this.#stomp = new SocketDoor(broker, server, {
      ...settings,
      ...SECURED_SOCKETS,
      // All kinds are counted together, here.
      maxConnections: Number.POSITIVE_INFINITY,
      transport: 'path' in settings.place ? 'unix' : 'tcp',
      factsOf: (socket) => this.#factsOf(socket),
    })
    const isDraining = (): boolean => this.#http.isDraining
    this.#http = new HttpSide({
      clock: broker.clock,
      headMs: settings.firstOctetsTimeoutMs,
      lingerMs: settings.lingerMs,
      answer: answersOf({ ...settings, broker, isDraining }),
    })
    if (settings.tls !== undefined)
      this.#tls = new Handshakes(broker, settings.tls, {
        secured: (socket, transport) => this.#secured(socket, transport),
        refused: (socket, error, transport) =>
          this.#withNewcomer(transport, (newcomer) => this.#turnAway({ ...newcomer, socket }, error)),
      })
    const gone = (socket: Socket): void => {
      this.#sockets.delete(socket)
      if (this.#sockets.size === 0) this.#lastGone?.()
    }
    this.#gone = function (this: Socket) {
      gone(this)
    }
    new SpareFiles(broker).receiveFrom(
      server,
      (socket) => this.#arrived(socket),
      (socket, why) => this.#stomp.turnAway(socket, why),
    )
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

  setCertificates(certificates: Certificates): void {
    if (this.#tls === undefined)
      throw new TypeError('this door does not speak TLS (option tls): it shows no certificates')
    this.#tls.setCertificates(certificates)
  }

  async open(): Promise<void> {
    const { ws, lingerMs } = this.#settings
    this.#forget = this.#broker.addDoor(this)
    try {
      if (ws !== false)
        this.#ws = attach(this.#broker, this.#http.server, {
          ...ws,
          lingerMs: ws.lingerMs ?? lingerMs,
          provenLoginOf: ws.provenLoginOf ?? SECURED_SOCKETS.provenLoginOf,
          factsOf: (request) => {
            // Who is asked for facts becomes a WebSocket, or is refused and cut: no other request is waited for.
            this.#http.upgraded(request.socket)
            return { ...this.#peerOf(request), ...ws.factsOf?.(request) }
          },
        })
      await this.#stomp.open()
    } catch (error) {
      await this.#ws?.close()
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
      if (newcomer?.isShakingHands) newcomer.transport.destroy()
      else if (newcomer !== undefined)
        this.#turnAway(newcomer, new StompError('broker-closing', 'this door is closing; connect again later'))
    }
    this.#http.close()
    await Promise.all([this.#stomp.close(), this.#ws?.close()])
    if (this.#sockets.size > 0) await new Promise<void>((resolve) => (this.#lastGone = resolve))
    this.#forget?.()
  }

  // From the first octet until it is clear what somebody wants

  #arrived(transport: Socket): void {
    const { maxConnections } = this.#settings
    if (this.#sockets.size >= maxConnections) {
      this.#stomp.turnAway(transport, tooMany(maxConnections))
      return
    }
    const newcomer: Newcomer = {
      transport,
      socket: transport,
      hasHeader: false,
      isShakingHands: false,
      stopLooking: () => undefined,
    }
    this.#sockets.set(transport, newcomer)
    transport.on('close', this.#gone)
    this.#arrivals.add(transport, () => this.#overdue(newcomer))
    this.#look(newcomer)
  }

  #look(newcomer: Newcomer): void {
    const { transport, socket, hasHeader } = newcomer
    const openings = hasHeader || socket !== transport ? LATER : FIRST
    newcomer.stopLooking = firstOctets(
      socket,
      (octets) => kindOf(octets, openings),
      (kind) => this.#decided(newcomer, kind),
    )
  }

  #decided(newcomer: Newcomer, kind: Kind): void {
    const { trust, tls } = this.#settings
    if (kind !== 'proxy' && trust.isRequired && !newcomer.hasHeader) {
      this.#refuse(newcomer, 'this port is for its proxies, which say first who is behind them (option proxy.required)')
      return
    }
    // Who does not begin TLS where that is required is told so by who shakes hands.
    const mustBeSecured = kind !== 'proxy' && newcomer.socket === newcomer.transport && tls?.isRequired
    const way = mustBeSecured ? 'tls' : kind
    if (way === 'http' || way === 'stomp') this.#letIn(newcomer)
    this.#ways[way](newcomer)
  }

  /** Secures it, then looks at what is said there; TLS within TLS is of no use to anybody. */
  #secure(newcomer: Newcomer): void {
    const { transport, socket } = newcomer
    if (this.#tls === undefined || socket !== transport) this.#turnAway(newcomer, this.#refuseTls)
    else {
      newcomer.isShakingHands = true
      this.#tls.begin(transport)
    }
  }

  #secured(socket: Socket, transport: Socket): void {
    this.#withNewcomer(transport, (newcomer) => {
      newcomer.socket = socket
      newcomer.isShakingHands = false
      this.#peers.move(transport, socket)
      this.#look(newcomer)
    })
  }

  /** Hears whom a proxy stands for, then looks at what that one says. */
  #hear(newcomer: Newcomer): void {
    const { socket } = newcomer
    if (this.#settings.trust.trusts(socket.remoteAddress))
      newcomer.stopLooking = firstOctets(socket, proxyHeaderOf, (header) => this.#heard(newcomer, header))
    else
      this.#refuse(newcomer, 'you are none of the proxies whose PROXY headers are believed here (option proxy.trust)')
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

  #overdue(newcomer: Newcomer): void {
    const { firstOctetsTimeoutMs } = this.#settings
    const text = `what you speak was not clear within ${firstOctetsTimeoutMs} ms (option firstOctetsTimeoutMs)`
    // In the middle of a handshake there is nothing that could be said.
    if (newcomer.isShakingHands) newcomer.transport.destroy()
    else this.#turnAway(newcomer, new StompError('connect-timeout', text))
  }

  #refuse(newcomer: Newcomer, text: string): void {
    if (!this.#isForgeryTold) {
      this.#isForgeryTold = true
      const { remoteAddress, remotePort } = newcomer.transport
      this.#broker.logger.warn(
        { remoteAddress, remotePort },
        `a client was turned away: ${text}; further ones are not told`,
      )
    }
    this.#turnAway(newcomer, new StompError('access-refused', text))
  }

  #turnAway(newcomer: Newcomer, why: Parameters<SocketDoor['turnAway']>[1]): void {
    newcomer.stopLooking()
    this.#letIn(newcomer)
    this.#stomp.turnAway(newcomer.socket, why)
  }

  /** It is clear what it wants, or that it may not come in. */
  #letIn({ transport }: Newcomer): void {
    this.#arrivals.delete(transport)
    if (this.#sockets.has(transport)) this.#sockets.set(transport, undefined)
  }

  #withNewcomer(transport: Socket, act: (newcomer: Newcomer) => void): void {
    const newcomer = this.#sockets.get(transport)
    if (newcomer !== undefined) act(newcomer)
  }

  // What is known of those who are in

  #factsOf(socket: Socket): Partial<ConnectionInfo> {
    const { tls } = SECURED_SOCKETS.factsOf(socket)
    return { ...this.#peers.factsOf(socket), ...(tls !== undefined && { transport: 'tls', tls }) }
  }

  /** Who has sent a request. */
  #peerOf(request: IncomingMessage): Partial<ConnectionInfo> {
    const { socket } = request
    const told = this.#peers.factsOf(socket)
    const remoteAddress = this.#settings.trust.forwardedFor(request, told.remoteAddress ?? socket.remoteAddress)
    return remoteAddress === undefined
      ? told
      : { remoteAddress, remotePort: undefined, proxyAddress: socket.remoteAddress }
  }
}
