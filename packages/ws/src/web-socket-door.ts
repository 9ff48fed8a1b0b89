/** A door through which WebSockets come, whoever's server has taken the upgrade. */

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Broker, ConnectionInfo, Door } from '@xtomp/core'
import { Connections, isEncrypted, tlsFactsOf } from '@xtomp/net/socket'
import { WebSocketServer } from 'ws'
import { PARTS_A_FRAGMENT } from './fault.js'
import { MessageWriter } from './message-writer.js'
import type { WebSocketSettings } from './options.js'
import { PeerSocket } from './peer-socket.js'
import { type Refusal, Refused, refusalOf } from './refusal.js'
import { Room } from './room.js'
import { bestOf } from './subprotocol.js'
import { connect, type WebSocketConnection, type WebSocketDoorSettings } from './web-socket-connection.js'

/** What a door is opened at: it takes no more when it is told so, and says when it is gone. */
export interface Entrance {
  stop(): void | Promise<void>
}

/** A function of the host's has thrown: what it threw is for its log. */
const HOST_FAILED: Refusal = { status: 500, text: 'this server could not judge whether you may connect' }

/** Memory that compression may take of each connection: about 32 KiB each way, instead of 256 KiB and 32 KiB. */
const DEFLATE = { serverMaxWindowBits: 12, zlibDeflateOptions: { memLevel: 5 } } as const
/** Beyond it messages wait to be compressed: each at work takes a thread and its memory. */
const DEFLATE_AT_ONCE = 4

/** Hands WebSockets to a broker, and is closed with it. */
export class WebSocketDoor implements Door {
  readonly #broker: Broker
  readonly #settings: WebSocketDoorSettings
  readonly #server: WebSocketServer
  readonly #refused: Refused
  readonly #entrance: Entrance
  readonly #connections: Connections<WebSocketConnection>
  #forget: (() => void) | undefined
  #stopped: Promise<void> | undefined
  #cancelRound: (() => void) | undefined

  /** @throws StompError `broker-closing` where it is too late to open one */
  constructor(broker: Broker, settings: WebSocketSettings, entrance: Entrance) {
    this.#broker = broker
    this.#entrance = entrance
    this.#connections = new Connections(settings.maxConnections)
    this.#settings = {
      ...settings,
      room: new Room(settings.maxHeldBytes),
      writer: new MessageWriter(),
      closed: (connection) => this.#gone(connection),
      soon: (task) => broker.clock.soon(task),
    }
    this.#refused = new Refused(broker.clock, settings.lingerMs)
    this.#server = serverFor(settings, this.#refused)
    this.#forget = broker.addDoor(this)
  }

  /** The paths that it can name. */
  get paths(): readonly string[] {
    return this.#settings.paths
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Takes an upgrade, or answers why not. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#stopped !== undefined) {
      this.refuse(request.socket, { status: 503, text: 'this door is closing; connect again later' })
      return
    }
    const decision = this.#asked(() => ({
      refusal: refusalOf(request, this.#settings),
      told: toldOf(request, this.#settings),
    }))
    const refusal = decision === undefined ? HOST_FAILED : decision.refusal
    if (refusal !== undefined) this.refuse(request.socket, refusal)
    else
      this.#server.handleUpgrade(request, socket, head, (webSocket) =>
        this.#accept(webSocket as PeerSocket, request, decision?.told),
      )
  }

  /** Answers who asks in vain. */
  refuse(socket: Socket, refusal: Refusal): void {
    this.#refused.tell(socket, refusal)
  }

  /** Whether it answers at a path. */
  servesPath(path: string): boolean {
    return this.#asked(() => this.#settings.servesPath(path)) ?? false
  }

  /** Asks functions of the host's. One that throws is told to its log, and harms nobody else. */
  #asked<T>(ask: () => T): T | undefined {
    try {
      return ask()
    } catch (error) {
      this.#broker.logger.error({ err: error }, 'a function given to a WebSocket door has failed')
      return undefined
    }
  }

  stop(): void {
    this.#stopped ??= this.#stop()
  }

  async close(): Promise<void> {
    this.stop()
    this.#connections.end()
    await this.#stopped
    this.#forget?.()
  }

  /** It was never opened. */
  abandon(): void {
    this.#forget?.()
  }

  #accept(webSocket: PeerSocket, request: IncomingMessage, told: Partial<ConnectionInfo> | undefined): void {
    const { pingMs } = this.#settings
    const { socket } = request
    const isBrowser = request.headers.origin !== undefined
    const { url = '/', headers } = request
    const text = JSON.stringify({ url, headers, subprotocol: webSocket.protocol })
    const arrival = { socket, webSocket, request: text, facts: factsOf(socket, told), isBrowser }
    const connection = connect(this.#broker, arrival, this.#settings)
    if (this.#connections.add(connection) && isBrowser && pingMs > 0) this.#planRound()
  }

  /** While there are browsers, those that have said nothing since the last round are asked whether they are there. */
  #planRound(): void {
    this.#cancelRound ??= this.#broker.clock.after(this.#settings.pingMs, () => {
      this.#cancelRound = undefined
      let isAnyLeft = false
      for (const connection of this.#connections) {
        if (!connection.isBrowser) continue
        isAnyLeft = true
        if (!connection.wasHeard) connection.ping()
        connection.wasHeard = false
      }
      if (isAnyLeft) this.#planRound()
    })
  }

  async #stop(): Promise<void> {
    this.#refused.close()
    await this.#entrance.stop()
    await this.#connections.gone()
  }

  #gone(connection: WebSocketConnection): void {
    if (!this.#connections.delete(connection)) return
    this.#cancelRound?.()
    this.#cancelRound = undefined
  }
}

function serverFor(
  { maxMessageBytes, maxFragments, deflateFrom }: WebSocketSettings,
  refused: Refused,
): WebSocketServer {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessageBytes,
    maxFragments,
    maxBufferedChunks: PARTS_A_FRAGMENT * maxFragments,
    perMessageDeflate:
      deflateFrom === undefined
        ? false
        : {
            ...DEFLATE,
            threshold: deflateFrom,
            concurrencyLimit: DEFLATE_AT_ONCE,
            // What is kept from one message to the next is kept of every idle connection.
            serverNoContextTakeover: true,
            clientNoContextTakeover: true,
          },
    handleProtocols: (offered) => bestOf(offered) || false,
    WebSocket: PeerSocket,
  })
  server.on('wsClientError', ({ message }, _socket, { method, headers, socket }) => {
    if (method !== 'GET') refused.tell(socket, { status: 405, text: 'a WebSocket begins with GET' }, ['Allow: GET'])
    else if (headers['sec-websocket-version'] === undefined || /Version/.test(message))
      refused.tell(socket, { status: 426, text: 'this server speaks version 13 of WebSocket' }, VERSIONS)
    else refused.tell(socket, { status: 400, text: message })
  })
  return server
}

const VERSIONS = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13']

/** What a trusted proxy and the host tell of who has come; undefined where that is nothing. */
function toldOf(
  request: IncomingMessage,
  { trusted, factsOf }: WebSocketSettings,
): Partial<ConnectionInfo> | undefined {
  const { headers, socket } = request
  const remoteAddress = trusted?.forwardedFor(headers['x-forwarded-for'], socket.remoteAddress)
  const told = factsOf?.(request)
  if (remoteAddress === undefined) return told
  return { remoteAddress, remotePort: undefined, proxyAddress: socket.remoteAddress, ...told }
}

/** What is known of a connection beyond its addresses and its request; undefined where that is nothing. */
function factsOf(socket: Socket, told: Partial<ConnectionInfo> | undefined): Partial<ConnectionInfo> | undefined {
  return isEncrypted(socket) ? { tls: tlsFactsOf(socket), ...told } : told
}
