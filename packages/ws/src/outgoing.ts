/** What leaves a WebSocket: a STOMP frame as a message, put together or in fragments where it comes in pieces. */

import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import { isTakenAtOnce } from '@xtomp/net/socket'
import type { MessagePart, MessageWriter } from './message-writer.js'
import type { PeerSocket } from './peer-socket.js'
import type { Room } from './room.js'
import { SplitFrame } from './split-frame.js'

/** Where the events of a socket find their connection: listeners shared by all sockets cost an idle one nothing. */
export const connectionOf = Symbol('connection')

interface SlowSocket extends Socket {
  [connectionOf]?: { drained(): void }
}

/** What connections of one door share for what they send. */
export interface OutgoingSettings {
  readonly room: Room
  readonly writer: MessageWriter
  /** Compresses messages from this size on. */
  readonly deflateFrom: number | undefined
}

const NOTHING = new Uint8Array(0)

function drained(this: SlowSocket): void {
  this[connectionOf]?.drained()
}

/** The way out of one connection. */
export class Outgoing {
  /** Clients that have sent nothing may be told why they are turned away, and text is what anybody can show. */
  isText = true
  readonly #socket: Socket
  readonly #webSocket: PeerSocket
  readonly #settings: OutgoingSettings
  /** Told of each message, where it may wait to be compressed and the socket does not know of it yet. */
  readonly #sent: ((error?: Error | null) => void) | undefined
  /** The frame whose end has not come. */
  #split: SplitFrame | undefined
  /** Octets of frames put together that have not left; the broker does not count them. */
  #held = 0
  #isBlocked = false

  constructor(socket: Socket, webSocket: PeerSocket, settings: OutgoingSettings) {
    this.#socket = socket
    this.#webSocket = webSocket
    this.#settings = settings
    this.#sent = settings.deflateFrom === undefined ? undefined : (error) => this.#left(error)
  }

  /** Sends frames, the last of them perhaps in part. Answers whether more may come: if not, `drained` of the connection is called. */
  send(octets: Uint8Array, frameEnds: readonly number[]): boolean {
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
    else this.#free()
    return !this.#isBlocked
  }

  /** Answers whether all has left that was waited for. */
  drained(): boolean {
    if (!this.#isBlocked || this.#webSocket.bufferedAmount > 0) return false
    this.#isBlocked = false
    this.#free()
    return true
  }

  /** Nothing leaves any more. */
  release(): void {
    this.#held += this.#split?.held ?? 0
    this.#split = undefined
    this.#free()
  }

  #sendPiece(octets: Uint8Array, isLast: boolean): void {
    if (isLast && this.#split === undefined) {
      this.#sendPart({ octets, isBinary: !this.isText || !isUtf8(octets), isFirst: true, isLast })
      return
    }
    const isGathered = this.isText || this.#sent !== undefined
    this.#split ??= new SplitFrame({ room: this.#settings.room, isText: this.isText, isGathered })
    for (const part of this.#split.add(octets, isLast)) this.#sendPart(part)
    if (!isLast) return
    // Until it has left: the room keeps it.
    this.#held += this.#split.held
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
    else this.#socket.write(NOTHING, (error) => this.#left(error))
  }

  #left(error?: Error | null): void {
    if (!error) drained.call(this.#socket)
  }

  #free(): void {
    this.#settings.room.held -= this.#held
    this.#held = 0
  }
}
