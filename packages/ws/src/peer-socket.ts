/** A WebSocket of the ws library that does not answer the peer's end, nor its faults, before the session has had its say. */

import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { WebSocket } from 'ws'
import type { LibraryError } from './fault.js'

/** Told of all that a WebSocket does. */
export interface SocketOwner {
  received(octets: Buffer, isBinary: boolean): void
  /** A compressed frame is to be undone: `undo` does it, and lets no more come of it than it is told. */
  toInflate(undo: (most: number) => void): void
  /** Of a compressed message more is kept than has come. */
  inflated(): void
  /** The peer has sent its close frame. */
  peerClosed(code: number | undefined): void
  /** The peer has broken a rule of WebSocket; `broken` follows and tells which. */
  mustClose(code: number): void
  broken(error: LibraryError): void
  closed(): void
}

/** What the library keeps of a message that is not whole. It tells nobody how much that is, so we look. */
interface Receiver extends Writable {
  /** Chunks that are no whole frame. */
  _buffers: Buffer[]
  _bufferedBytes: number
  /** Frames that are no whole message, inflated. */
  _fragments: Buffer[]
  _messageLength: number
  /** Of the frame at hand. */
  readonly _payloadLength: number
  /** What the frames of the message at hand say that they have, as they come. */
  readonly _totalPayloadLength: number
}

/** What undoes the compression of one connection. */
interface Inflater {
  /** How much may come of a frame. */
  _maxPayload: number
  decompress(octets: Buffer, isLast: boolean, done: (error: Error | null, octets?: Buffer) => void): void
}

const NO_STATUS = 1005
const COMPRESSION = 'permessage-deflate'

/** About what a Buffer costs beside its octets. */
const BUFFER_BYTES = 128

/** `close` is what the library calls; `finish` is what we call. */
export class PeerSocket extends WebSocket {
  owner: SocketOwner | undefined
  declare private readonly _socket: Socket
  declare private readonly _receiver: Receiver
  declare private readonly _extensions: Readonly<Record<string, Inflater | undefined>>
  declare private _closeFrameReceived: boolean
  declare private readonly _closeFrameSent: boolean

  /** From now on only its owner is told. */
  belongTo(owner: SocketOwner): void {
    this.owner = owner
    const inflater = this._extensions[COMPRESSION]
    if (inflater === undefined) return
    const { decompress } = inflater
    inflater.decompress = (octets, isLast, done) =>
      owner.toInflate((most) => {
        inflater._maxPayload = most
        decompress.call(inflater, octets, isLast, (error, inflated) => {
          done(error, inflated)
          owner.inflated()
        })
      })
  }

  /** How much might come of the compressed frame at hand. */
  get mostInflated(): number {
    return this._extensions[COMPRESSION]?._maxPayload ?? Number.POSITIVE_INFINITY
  }

  /**
   * What is kept of a message that is not whole, in octets. Where it is compressed, it is at most a chunk of the socket more
   * while that is undone.
   */
  get held(): number {
    const { _buffers, _bufferedBytes, _fragments, _messageLength, _payloadLength } = this._receiver
    const octets = _bufferedBytes + _messageLength + (this.isInflating ? _payloadLength : 0)
    return octets === 0 ? 0 : octets + BUFFER_BYTES * (_buffers.length + _fragments.length)
  }

  /** How many octets the message at hand has, as far as its frames have said, compressed as they come. */
  get saidLength(): number {
    return this._receiver._totalPayloadLength
  }

  /** Whether compression is being undone: what came behind it has to wait. */
  get isInflating(): boolean {
    return this._receiver.writableLength > 0
  }

  /** Forgets what is kept, and reads on without a look at it: nothing more is taken, so our close frame is the last. */
  forget(): void {
    this._socket.removeAllListeners('data')
    this._socket.resume()
    const receiver = this._receiver
    receiver._buffers = []
    receiver._bufferedBytes = 0
    receiver._fragments = []
    receiver._messageLength = 0
    this._closeFrameReceived = true
    if (this._closeFrameSent) this._socket.end()
  }

  /** Nobody but its owner listens: the lists of listeners would be a tenth of what an idle connection costs. */
  override emit(name: string | symbol, ...values: unknown[]): boolean {
    const { owner } = this
    if (owner === undefined) return super.emit(name, ...values)
    if (name === 'message') owner.received(values[0] as Buffer, values[1] as boolean)
    else if (name === 'error') owner.broken(values[0] as Error)
    else if (name === 'close') owner.closed()
    return true
  }

  override close(code?: number, reason?: string | Buffer): void {
    if (this.owner === undefined || this.readyState !== WebSocket.OPEN) super.close(code, reason)
    // The library hands on what the peer gave as its reason, and a code alone where it has a reason of its own.
    else if (code !== undefined && reason === undefined) this.owner.mustClose(code)
    else this.owner.peerClosed(code === NO_STATUS ? undefined : code)
  }

  /** Sends our close frame. */
  finish(code: number | undefined, reason: string): void {
    super.close(code, reason)
  }
}
