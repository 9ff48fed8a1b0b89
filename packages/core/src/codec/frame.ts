/** One protocol unit on the wire: command word, headers, body. */

import type { Headers } from '../headers.js'

/** What a client may send (STOMP 1.2, Client Frames; STOMP is a CONNECT by another name). */
export const CLIENT_COMMANDS = [
  'CONNECT',
  'STOMP',
  'SEND',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'ACK',
  'NACK',
  'BEGIN',
  'COMMIT',
  'ABORT',
  'DISCONNECT',
] as const

/** What a server may send (STOMP 1.2, Server Frames). */
export const SERVER_COMMANDS = ['CONNECTED', 'MESSAGE', 'RECEIPT', 'ERROR'] as const

/** The command word of a frame that a client sends. */
export type ClientCommand = (typeof CLIENT_COMMANDS)[number]

/** The command word of a frame that a server sends. */
export type ServerCommand = (typeof SERVER_COMMANDS)[number]

/** A whole frame, its headers unescaped. */
export interface Frame<Word extends string = ClientCommand> {
  readonly command: Word
  readonly headers: Headers
  /** The body: a view of the received octets where `isBorrowed`, valid until the decoder is given more. */
  readonly body: Uint8Array
  readonly isBorrowed: boolean
}

/** A body of no octets. */
export const NO_BODY = new Uint8Array(0)
