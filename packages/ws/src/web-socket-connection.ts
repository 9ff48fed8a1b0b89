/** A WebSocket is a Connection: a STOMP frame leaves as a message, and messages are octets, wherever they are cut. */

import type { Socket } from 'node:net'
import type { CloseReason, Connection, ConnectionInfo, Inbound, StompError } from '@xtomp/core'
import { isEncrypted } from '@xtomp/net/socket'
import { WebSocket } from 'ws'
import { closeCodeOf, closeReasonOf } from './close-code.js'
import { connectTooLarge, faultOf, type LibraryError, noRoom } from './fault.js'
import { LostNul } from './lost-nul.js'
import type { WebSocketSettings } from './options.js'
import { connectionOf, Outgoing, type OutgoingSettings } from './outgoing.js'
import type { PeerSocket, SocketOwner } from './peer-socket.js'

interface ConnectedSocket extends Socket {
  [connectionOf]?: WebSocketConnection
}

/** What connections of one door share. */
export interface WebSocketDoorSettings extends WebSocketSettings, OutgoingSettings {
  /** Told when one is gone. */
  closed(connection: WebSocketConnection): void
  /** Runs after this poll of the sockets. */
  soon(task: () => void): void
}

/** Who has come, and how. */
export interface Arrival {
  readonly socket: Socket
  readonly webSocket: PeerSocket
  /** What becomes `info.request`, as JSON: as an object it would be most of what an idle connection costs. */
  readonly request: string
  /** What else is known of it beyond its addresses. */
  readonly facts: Partial<ConnectionInfo> | undefined
  /** Whether its timers may be throttled. */
  readonly isBrowser: boolean
}

const NOTHING = new Uint8Array(0)
const NUL = new Uint8Array(1)

/** Hands a WebSocket to a broker. */
export function connect(
  broker: { accept(connection: Connection): Inbound },
  arrival: Arrival,
  settings: WebSocketDoorSettings,
): WebSocketConnection {
  const { webSocket } = arrival
  const socket: ConnectedSocket = arrival.socket
  const connection = new WebSocketConnection(arrival, settings)
  socket[connectionOf] = connection
  webSocket.belongTo(connection)
  connection.inbound = broker.accept(connection)
  socket.on('data', arrived)
  return connection
}

function arrived(this: ConnectedSocket): void {
  this[connectionOf]?.arrived()
}

/** A WebSocket, as the broker holds it. */
export class WebSocketConnection implements Connection, SocketOwner {
  inbound: Inbound | undefined
  readonly isBrowser: boolean
  /** Whether anything came since it was last asked. */
  wasHeard = true
  readonly #socket: Socket
  readonly #webSocket: PeerSocket
  readonly #request: string
  readonly #facts: Partial<ConnectionInfo> | undefined
  readonly #settings: WebSocketDoorSettings
  readonly #lostNul: LostNul | undefined
  readonly #outgoing: Outgoing
  #linger: NodeJS.Timeout | undefined
  /** What the room knows of that has come, and is no whole message. */
  #heldIn = 0
  /** Whether a message of the chunk at hand was handed over. */
  #wasHandedOver = false
  #closeCode: number | undefined
  #isClosing = false
  /** Nothing more comes that is to be heard. */
  #hasEnded = false
  /** Our close frame answers the peer's. */
  #isAnswering = false
  #hasSpoken = false
  #isJudged = false

  constructor({ socket, webSocket, request, facts, isBrowser }: Arrival, settings: WebSocketDoorSettings) {
    this.#socket = socket
    this.#webSocket = webSocket
    this.#request = request
    this.#facts = facts
    this.#settings = settings
    this.isBrowser = isBrowser
    this.#lostNul = settings.lostNul ? new LostNul() : undefined
    this.#outgoing = new Outgoing(socket, webSocket, settings)
  }

  get isLate(): boolean {
    return isEncrypted(this.#socket)
  }

  get info(): ConnectionInfo {
    const { remoteAddress, remotePort, localAddress, localPort } = this.#socket
    const transport = isEncrypted(this.#socket) ? 'wss' : 'ws'
    const request = JSON.parse(this.#request) as NonNullable<ConnectionInfo['request']>
    return { transport, remoteAddress, remotePort, localAddress, localPort, ...this.#facts, request }
  }

  get provenLogin(): string | undefined {
    return this.#settings.provenLoginOf?.(this.#socket)
  }

  // What goes out

  send(octets: Uint8Array, frameEnds: readonly number[]): boolean {
    // Nothing leaves any more: answering true would have whole queues poured into it before its end is told.
    if (this.#webSocket.readyState !== WebSocket.OPEN) return false
    this.#hasSpoken = true
    return this.#outgoing.send(octets, frameEnds)
  }

  drained(): void {
    if (this.#outgoing.drained()) this.inbound?.drained()
  }

  // What comes in

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }

  received(octets: Buffer, isBinary: boolean): void {
    this.#wasHandedOver = true
    if (this.#isClosing) return
    this.#outgoing.isText = !isBinary
    // Looked at first: the octets are the session's from then on.
    const isNulMissing = this.#lostNul?.isMissing(octets)
    this.inbound?.receive(octets)
    if (isNulMissing) this.inbound?.receive(NUL)
  }

  /** A chunk came, and what was whole in it has been handed over. */
  arrived(): void {
    this.wasHeard = true
    // Any octet is a sign of life: a part of a message, and the pong of a browser whose own timers do not run.
    if (!this.#wasHandedOver && !this.#isDone) this.inbound?.receive(NOTHING)
    this.#wasHandedOver = false
    this.#weigh()
  }

  toInflate(undo: (most: number) => void): void {
    const { maxMessageBytes, maxConnectBytes, soon } = this.#settings
    const judged = (): void => undo(this.#hasSpoken && !this.#isDone ? maxMessageBytes : maxConnectBytes)
    // As with what is not whole: what is on its way to a client that has just said CONNECT goes before.
    if (this.#hasSpoken) judged()
    else soon(judged)
  }

  inflated(): void {
    if (this.#webSocket.readyState !== WebSocket.CLOSED) this.#weigh()
  }

  /** Counts what is kept, and bounds it. */
  #weigh(): void {
    const { maxConnectBytes, room } = this.#settings
    const held = this.#hold(this.#webSocket.held)
    if (held === 0) return
    // A frame that is being undone may be CONNECT: what waits behind it is judged then.
    if (!this.#hasSpoken && held > maxConnectBytes && !this.#webSocket.isInflating) this.#judge()
    else if (room.isFull) this.#refuseMore(noRoom(room))
  }

  #hold(octets: number): number {
    this.#settings.room.held += octets - this.#heldIn
    this.#heldIn = octets
    return octets
  }

  /** What is on its way to a client that has just said CONNECT goes before: only then is it known whether it is connected. */
  #judge(): void {
    if (this.#isJudged) return
    this.#isJudged = true
    this.#socket.pause()
    this.#settings.soon(() => {
      if (!this.#hasSpoken) this.#refuseMore(connectTooLarge(this.#settings.maxConnectBytes, this.#heldIn))
      // What the session has asked for meanwhile holds.
      else if (!this.#webSocket.isPaused) this.#socket.resume()
    })
  }

  /** Says why no more is taken, where there is somebody to hear it, and lets go of what has come. */
  #refuseMore(error: StompError): void {
    if (!this.#isDone) this.inbound?.refuse(error)
    this.#webSocket.forget()
    this.#hold(0)
  }

  /** Whether nothing that comes is to be heard any more. */
  get #isDone(): boolean {
    return this.#isClosing || this.#hasEnded
  }

  ping(): void {
    if (this.#webSocket.readyState === WebSocket.OPEN && !this.#isClosing) this.#webSocket.ping()
  }

  // How it ends

  peerClosed(code: number | undefined): void {
    this.#isAnswering = true
    this.#closeCode = code
    this.#hasEnded = true
    if (!this.#isClosing) this.inbound?.ended()
  }

  mustClose(code: number): void {
    this.#closeCode = code
  }

  broken(error: LibraryError): void {
    if (this.#isClosing || this.#closeCode === undefined || this.#webSocket.readyState !== WebSocket.OPEN) return
    const { saidLength, mostInflated } = this.#webSocket
    const fault = faultOf(error, this.#closeCode, { ...this.#settings, saidLength, mostInflated })
    this.#closeCode = closeCodeOf(fault.code)
    this.#refuseMore(fault)
    this.#hasEnded = true
  }

  close({ code }: CloseReason): void {
    this.#isClosing = true
    this.#webSocket.finish(
      this.#hasEnded ? this.#closeCode : closeCodeOf(code),
      this.#isAnswering ? '' : closeReasonOf(code),
    )
    // Reading on, and dropping it: a socket closed with unread octets is reset, and an ERROR on its way is lost.
    this.#webSocket.resume()
    this.#linger = setTimeout(() => this.#webSocket.terminate(), this.#settings.lingerMs)
    this.#linger.unref()
  }

  abort(): void {
    this.#webSocket.terminate()
  }

  closed(): void {
    if (this.#linger !== undefined) clearTimeout(this.#linger)
    this.#hold(0)
    this.#outgoing.release()
    this.#settings.closed(this)
    this.inbound?.closed(this.#isClosing || this.#hasEnded ? undefined : this.#cause)
  }

  get #cause(): Error {
    return this.#socket.errored ?? new Error('it ended without a close frame')
  }
}
