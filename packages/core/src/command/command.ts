/** What a client wants: a validated client frame, as a typed value. */

import type { AckMode } from '../ack-mode.js'
import type { Headers } from '../headers.js'

/** What every command may ask for. */
interface Receiptable {
  /** The id under which the client wants to be told that the frame was processed. */
  readonly receipt: string | undefined
}

/** CONNECT or STOMP (STOMP 1.2, CONNECT or STOMP Frame). */
export interface ConnectCommand extends Receiptable {
  readonly verb: 'CONNECT'
  readonly acceptVersion: string | undefined
  /** The virtual host; '' where none is named. */
  readonly host: string
  readonly login: string | undefined
  readonly passcode: string | undefined
  /** What the client can send and what it wants, in milliseconds. */
  readonly heartBeat: HeartBeatOffer
  /** All headers but the passcode. */
  readonly headers: Headers
}

/** One side's beats (STOMP 1.2, Heart-beating): how often it can send, and how often it wants to hear; 0 for never. */
export interface HeartBeatOffer {
  readonly sendMs: number
  readonly wantMs: number
}

/** SEND (STOMP 1.2, SEND). */
export interface SendCommand extends Receiptable {
  readonly verb: 'SEND'
  readonly destination: string
  readonly transaction: string | undefined
  /** In milliseconds since 1970; 0 for never. */
  readonly expiresAt: number
  /** All headers, the broker's own among them. */
  readonly headers: Headers
  readonly body: Uint8Array
  /** Whether the body is a view of received octets. */
  readonly isBorrowed: boolean
}

/** SUBSCRIBE (STOMP 1.2, SUBSCRIBE). */
export interface SubscribeCommand extends Receiptable {
  readonly verb: 'SUBSCRIBE'
  readonly destination: string
  /** Undefined for a 1.0 subscription that is known by its destination. */
  readonly id: string | undefined
  readonly ackMode: AckMode
  /** Unacknowledged deliveries that it may hold. */
  readonly prefetch: number
  readonly headers: Headers
}

/** UNSUBSCRIBE (STOMP 1.2, UNSUBSCRIBE). */
export interface UnsubscribeCommand extends Receiptable {
  readonly verb: 'UNSUBSCRIBE'
  /** The subscription's id; undefined in 1.0 where only its destination is named. */
  readonly id: string | undefined
  readonly destination: string | undefined
}

/** ACK or NACK (STOMP 1.2, ACK and NACK). */
export interface SettleCommand extends Receiptable {
  readonly verb: 'ACK' | 'NACK'
  /** 1.2: the `ack` header of the MESSAGE. Before: its `message-id`. */
  readonly id: string
  /** 1.1: the subscription's id. */
  readonly subscription: string | undefined
  readonly transaction: string | undefined
  /** NACK: whether the message is given up at once (`requeue:false`). */
  readonly isRejected: boolean
}

/** BEGIN, COMMIT or ABORT (STOMP 1.2, BEGIN, COMMIT, ABORT). */
export interface TransactionCommand extends Receiptable {
  readonly verb: 'BEGIN' | 'COMMIT' | 'ABORT'
  readonly transaction: string
}

/** DISCONNECT (STOMP 1.2, DISCONNECT). */
export interface DisconnectCommand extends Receiptable {
  readonly verb: 'DISCONNECT'
}

/** Any of them. */
export type Command =
  | ConnectCommand
  | SendCommand
  | SubscribeCommand
  | UnsubscribeCommand
  | SettleCommand
  | TransactionCommand
  | DisconnectCommand
