/** The seam between the broker and whatever carries its octets. */

import type { ErrorCode, StompError } from '../errors.js'

/** What is known of a connection: facts only, never a handle on the platform's socket. */
export interface ConnectionInfo {
  /** What carries it: `memory`, `tcp`, `unix`, … */
  readonly transport: string
  /** The peer's address, where the transport has one. */
  readonly remoteAddress?: string | undefined
  /** The peer's port, where the transport has one. */
  readonly remotePort?: number | undefined
  /** Our own address, or the path of a UNIX socket. */
  readonly localAddress?: string | undefined
  /** Our own port, where the transport has one. */
  readonly localPort?: number | undefined
  /** Who really connected, where a trusted proxy told `remoteAddress` and `remotePort`. */
  readonly proxyAddress?: string | undefined
  /** What was agreed on, where it is encrypted, and what the peer has shown of itself. */
  readonly tls?:
    | {
        /** As Node names it: `TLSv1.3`. */
        readonly protocol: string | undefined
        /** As OpenSSL names it. */
        readonly cipher: string | undefined
        /** The name that the peer asked for (SNI). */
        readonly serverName: string | undefined
        /** Whether the peer's certificate was shown and is trusted. */
        readonly isVerified: boolean
        /** The peer's certificate, verified or not. */
        readonly certificate:
          | {
              /** Distinguished names by their short keys: `{ CN: 'ann', O: 'Example' }`. */
              readonly subject: Readonly<Record<string, string | readonly string[]>>
              readonly issuer: Readonly<Record<string, string | readonly string[]>>
              /** As OpenSSL writes them: `DNS:example.test, email:ann@example.test`. */
              readonly altNames: string | undefined
              readonly serialNumber: string
              readonly fingerprint256: string
              readonly validFrom: string
              readonly validTo: string
            }
          | undefined
      }
    | undefined
  /** The request that became this connection, where it came through HTTP. */
  readonly request?:
    | {
        /** The path and the query. */
        readonly url: string
        /** By their names in lower case, as Node gives them. */
        readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
        /** The WebSocket subprotocol that was agreed on; '' for none. */
        readonly subprotocol: string
      }
    | undefined
}

/**
 * Why a session ended: the code of the ERROR that ended it, or one of the peaceful ends: `disconnect` (the client's
 * DISCONNECT), `peer-closed` (the connection was closed without one), `peer-lost` (it broke).
 */
export interface CloseReason {
  /** Stable; an {@link ErrorCode}, a hook's own code, or a peaceful end. */
  readonly code: ErrorCode | 'disconnect' | 'peer-closed' | 'peer-lost' | (string & {})
  /** A sentence for a log. */
  readonly message: string
}

/** Given by an adapter: one open, ordered, reliable byte pipe. */
export interface Connection {
  /** What is known of it. */
  readonly info: ConnectionInfo
  /**
   * Who the transport itself has proved the peer to be: the name in its verified client certificate, say. It is the
   * session's login, whatever passcode CONNECT has or has not; undefined where CONNECT must tell.
   */
  readonly provenLogin?: string | undefined
  /**
   * Whether it says only a turn later that octets have left, as TLS does of more than a record: until then a `send`
   * answers false for a peer that takes all. What it keeps is counted as held by a slow peer when it keeps it for longer.
   */
  readonly isLate?: boolean
  /**
   * Sends octets; they are always accepted. `frameEnds` lists the offsets in `octets` at which a frame ends,
   * ascending; octets after the last of them begin a frame that the next call goes on with.
   *
   * True: all of it has left, and the caller may use the memory again. False: the connection keeps `octets` as they
   * are, nothing more is to be sent until {@link Inbound.drained}; so does one that is gone and has not said so yet, and
   * it never drains. Never calls the Inbound before it returns.
   */
  send(octets: Uint8Array, frameEnds: readonly number[]): boolean
  /** Stops reading. `receive` may still be called for what was already read. */
  pause(): void
  /** Reads again. */
  resume(): void
  /**
   * Ends it: flushes, ends, reads and discards until the peer ends too (a socket that is cut at once loses the ERROR
   * on its way), at most for the adapter's linger time, then cuts.
   */
  close(reason: CloseReason): void
  /** Cuts it now. */
  abort(): void
}

/** Given back by `broker.accept(connection)`: where the adapter reports what happened. */
export interface Inbound {
  /** Octets came. They are valid for the call only. Never throws. */
  receive(octets: Uint8Array): void
  /** What a `send` answered false to has left. */
  drained(): void
  /** The peer sends no more but may still read: what it sent is processed, then the session ends. */
  ended(): void
  /** The adapter turns the connection away: the peer gets an ERROR with this code, then the end. */
  refuse(error: StompError): void
  /** The connection is gone, with `cause` where it broke. Nothing is called after this. */
  closed(cause?: Error): void
}
