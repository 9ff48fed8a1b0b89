/** A WebSocket of the ws library that does not answer the peer's end, nor its faults, before the session has had its say. */

import { WebSocket } from 'ws'

/** What is told of the library's wish to close. */
export interface Closing {
  /** The peer has sent its close frame. */
  peerClosed(code: number | undefined): void
  /** The peer has broken a rule of WebSocket; `error` follows and tells which. */
  mustClose(code: number): void
}

const NO_STATUS = 1005

/** `close` is what the library calls; `finish` is what we call. */
export class PeerSocket extends WebSocket {
  owner: Closing | undefined

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
