/** A WebSocket is a Connection: a STOMP frame leaves as a message, and messages are octets, wherever they are cut. */

import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import {
  type CloseReason,
  type Connection,
  type ConnectionInfo,
  type Inbound,
  ProtocolError,
  StompError,
} from '@xtomp/core'
import { isEncrypted, isTakenAtOnce } from '@xtomp/net/socket'
import { WebSocket } from 'ws'
import { closeCodeOf, closeReasonOf, NOT_UTF8, TOO_BIG } from './close-code.js'
import { LostNul } from './lost-nul.js'
import type { MessagePart, MessageWriter } from './message-writer.js'
import type { WebSocketSettings } from './options.js'
import type { PeerSocket, SocketOwner } from './peer-socket.js'
import type { Room } from './room.js'
import { SplitFrame } from './split-frame.js'

/** Where the events of a socket find their connection: listeners shared by all sockets cost an idle one nothing. */
const connectionOf = Symbol('connection')

interface ConnectedSocket extends Socket {
  [connectionOf]?: WebSocketConnection
}

/** What connections of one door share. */
export interface WebSocketDoorSettings extends WebSocketSettings {
  readonly room: Room
  readonly writer: MessageWriter
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

/** What the library says of more fragments than it may take, and of chunks. */
const TOO_MANY_PARTS = 'WS_ERR_TOO_MANY_BUFFERED_PARTS'
/** In how many chunks of the socket a fragment may come, on the average. */
export const PARTS_A_FRAGMENT = 16

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

function drained(this: ConnectedSocket): void {
  this[connectionOf]?.drained()
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
  /** Told of each message, where it may wait to be compressed and the socket does not know of it yet. */
  readonly #sent: ((error?: Error) => void) | undefined
  #linger: NodeJS.Timeout | undefined
  /** What the room knows of that has come, and is no whole message. */
  #heldIn = 0
  /** Whether a message of the chunk at hand was handed over. */
  #wasHandedOver = false
  /** The frame whose end has not come. */
  #split: SplitFrame | undefined
  /** Octets of frames put together that have not left; the broker does not count them. */
  #heldOut = 0
  #closeCode: number | undefined
  /** Clients that have sent nothing may be told why they are turned away, and text is what anybody can show. */
  #isText = true
  #isBlocked = false
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
    if (settings.deflateFrom !== undefined) {
      this.#sent = (error) => {
        if (!error) this.drained()
      }
    }
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
    const isTaken = this.#sent === undefined && isTakenAtOnce(this.#socket, octets.length + (this.#split?.held ?? 0))
    let start = 0
    for (const end of frameEnds) {
      this.#sendPiece(start === 0 && end === octets.length ? octets : octets.subarray(start, end), true)
      start = end
    }
    if (start < octets.length) this.#sendPiece(octets.subarray(start), false)
    this.#settings.writer.flush(this.#socket)
    // Node writes what the kernel takes before `write` returns: with nothing left, the memory is free again.
    this.#isBlocked = !isTaken && this.#webSocket.bufferedAmount > 0
    if (this.#isBlocked) this.#awaitDrain()
    else this.#freed()
    return !this.#isBlocked
  }

  #sendPiece(octets: Uint8Array, isLast: boolean): void {
    if (isLast && this.#split === undefined) {
      this.#sendPart({ octets, isBinary: !this.#isText || !isUtf8(octets), isFirst: true, isLast })
      return
    }
    const isGathered = this.#isText || this.#sent !== undefined
    this.#split ??= new SplitFrame({ room: this.#settings.room, isText: this.#isText, isGathered })
    for (const part of this.#split.add(octets, isLast)) this.#sendPart(part)
    if (!isLast) return
    // Until it has left: the room keeps it.
    this.#heldOut += this.#split.held
    this.#split = undefined
  }

  #sendPart(part: MessagePart): void {
    if (this.#sent === undefined) this.#settings.writer.add(this.#socket, part)
    else this.#webSocket.send(part.octets, { binary: part.isBinary, fin: part.isLast }, this.#sent)
  }

  #awaitDrain(): void {
    if (this.#sent !== undefined) return
    // Node tells of a drain only when much was waiting: of less we are told when nothing at all has been written after it.
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', drained)
    else
      this.#socket.write(NOTHING, (error) => {
        if (!error) this.drained()
      })
  }

  #freed(): void {
    this.#settings.room.held -= this.#heldOut
    this.#heldOut = 0
  }

  drained(): void {
    if (!this.#isBlocked || this.#webSocket.bufferedAmount > 0) return
    this.#isBlocked = false
    this.#freed()
    this.inbound?.drained()
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
    this.#isText = !isBinary
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
      const { maxConnectBytes } = this.#settings
      if (!this.#hasSpoken)
        this.#refuseMore(tooLarge('connect-too-large', maxConnectBytes, 'maxConnectBytes', this.#heldIn))
      // What the session has asked for meanwhile holds.
      else if (!this.#webSocket.isPaused) this.#socket.resume()
    })
  }

  /** Says why no more is taken, where there is somebody to hear it, and lets go of what has come. */
  #refuseMore(error: StompError): void {
    if (!this.#isDone) this.#refuse(error)
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

  broken(error: Error & { readonly code?: string }): void {
    if (this.#isClosing || this.#closeCode === undefined || this.#webSocket.readyState !== WebSocket.OPEN) return
    this.#hasEnded = true
    this.#refuse(this.#faultOf(error))
    this.#webSocket.forget()
    this.#hold(0)
  }

  /** What the peer is told, and the close code to it. */
  #faultOf({ message, code }: Error & { readonly code?: string }): ProtocolError {
    const { maxMessageBytes, maxFragments } = this.#settings
    if (this.#closeCode === TOO_BIG) {
      // What is compressed says nothing of how large it is, and undoing that ends when it is more than the limit.
      const seen = Math.max(this.#webSocket.saidLength, maxMessageBytes + 1)
      return tooLarge('body-too-large', maxMessageBytes, 'maxMessageBytes', seen)
    }
    if (code === TOO_MANY_PARTS) {
      this.#closeCode = TOO_BIG
      return tooManyFragments(maxFragments)
    }
    return new ProtocolError(this.#closeCode === NOT_UTF8 ? 'bad-utf8' : 'bad-frame', `not WebSocket: ${message}`)
  }

  #refuse(error: StompError): void {
    this.inbound?.refuse(error)
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
    this.#heldOut += this.#split?.held ?? 0
    this.#split = undefined
    this.#freed()
    this.#settings.closed(this)
    this.inbound?.closed(this.#isClosing || this.#hasEnded ? undefined : this.#cause)
  }

  get #cause(): Error {
    return this.#socket.errored ?? new Error('it ended without a close frame')
  }
}

function tooLarge(
  code: 'connect-too-large' | 'body-too-large',
  limit: number,
  option: string,
  seen: number,
): ProtocolError {
  const what = code === 'body-too-large' ? 'a WebSocket message' : 'a WebSocket message before CONNECTED'
  const text = `${what} may have ${limit} octets, this makes ${seen} or more (option ${option})`
  return new ProtocolError(code, text, { excess: { what, limit, seen, unit: 'octets', option } })
}

function tooManyFragments(limit: number): ProtocolError {
  const what = 'a WebSocket message'
  const text = `${what} may have ${limit} fragments, and come in ${PARTS_A_FRAGMENT} times as many parts (option maxFragments)`
  const excess = { what, limit, seen: limit + 1, unit: 'fragments', option: 'maxFragments' }
  return new ProtocolError('body-too-large', text, { excess })
}

function noRoom({ limit, held }: Room): StompError {
  const text = `the connections of this door hold ${held} octets of messages that are not whole, and may hold ${limit} (option maxHeldBytes)`
  const excess = { what: 'this door', limit, seen: held, unit: 'octets', option: 'maxHeldBytes' }
  return new StompError('memory-full', text, { excess })
}
