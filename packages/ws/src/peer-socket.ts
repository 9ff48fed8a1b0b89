/** A WebSocket of the ws library that does not answer the peer's end, nor its faults, before the session has had its say. */

import { WebSocket } from 'ws'

/** Told of all that a WebSocket does. */
export interface SocketOwner {
  received(octets: Buffer, isBinary: boolean): void
  /** A ping or a pong has come. */
  control(length: number): void
  /** The peer has sent its close frame. */
  peerClosed(code: number | undefined): void
  /** The peer has broken a rule of WebSocket; `broken` follows and tells which. */
  mustClose(code: number): void
  broken(error: Error): void
  closed(): void
}

const NO_STATUS = 1005

/** `close` is what the library calls; `finish` is what we call. */
export class PeerSocket extends WebSocket {
  owner: SocketOwner | undefined

  /** Nobody but its owner listens: the lists of listeners would be a tenth of what an idle connection costs. */
  override emit(name: string | symbol, ...values: unknown[]): boolean {
    const { owner } = this
    if (owner === undefined) return super.emit(name, ...values)
    if (name === 'message') owner.received(values[0] as Buffer, values[1] as boolean)
    else if (name === 'ping' || name === 'pong') owner.control((values[0] as Buffer).length)
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
