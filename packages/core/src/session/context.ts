/** What the sessions of a broker share, and what they ask of it. */

import type { MessageEncoder } from '../codec/encoder.js'
import type { OctetWriter } from '../codec/octets.js'
import type { DestinationContext } from '../destination/context.js'
import type { Router } from '../destination/router.js'
import type { Subscription } from '../destination/subscription.js'
import type { StompError } from '../errors.js'
import type { Message, MessageIds, StoredMessage } from '../message.js'
import type { CloseReason, ConnectionInfo } from '../ports/connection.js'
import type { Reentry } from '../reentry.js'
import type { Decoders } from './decoders.js'
import type { Flusher } from './flusher.js'
import type { HeartBeatOptions, Rhythms } from './heart-beat.js'
import type { Hooks, SessionInfo } from './hooks.js'

/** Bounds on one session. */
export interface SessionLimits {
  /** From the connection to CONNECTED, in milliseconds. @defaultValue 10,000 */
  readonly connectTimeoutMs: number
  /** Subscriptions of a session. @defaultValue 1,000 */
  readonly subscriptions: number
  /** Unacknowledged deliveries of a session; at the bound it gets no more. @defaultValue 65,536 */
  readonly unacknowledged: number
  /** Open transactions of a session. @defaultValue 16 */
  readonly transactions: number
  /** Octets of all open transactions of a session. @defaultValue 16 MiB */
  readonly transactionBytes: number
  /** Octets waiting to be sent to a session, beyond which it gets no more deliveries. @defaultValue 65,536 */
  readonly unsentBytes: number
  /** Octets of a session's frames that wait for the store, beyond which it is not read. @defaultValue 1 MiB */
  readonly unstoredBytes: number
  /** How long a peer may take no octet while some wait, in milliseconds, before it is cut. @defaultValue 30,000 */
  readonly stallMs: number
}

/** A session, as those see it who are told of it. */
export interface Party {
  readonly info: SessionInfo
  /** What carries it: for a session of which nothing else is asked. */
  readonly connection: ConnectionInfo
}

/** What sessions tell: facts for whoever listens. */
export interface SessionReports {
  connected(session: Party): void
  /** The session is over; its connection may still be closing. */
  ended(session: Party, reason: CloseReason): void
  /** The session's connection is gone, too. */
  gone(session: Party, reason: CloseReason): void
  /** The session was refused something for a limit. */
  limited(session: Party, error: StompError): void
  /** Whether anybody wants to know of `delivered`. */
  readonly areDeliveriesHeard: boolean
  delivered(session: Party, subscription: Subscription, message: Message): void
  subscribed(session: Party, subscription: Subscription): void
  unsubscribed(session: Party, subscription: Subscription): void
  /** Whether anybody wants to know of `sent`, which would cost an object a message. */
  readonly areSendsHeard: boolean
  sent(session: Party, message: StoredMessage): void
  /** Whether anybody wants to know of `settled`. */
  readonly areSettlementsHeard: boolean
  settled(session: Party, message: Message, isAcknowledged: boolean): void
  /** The host's code threw. */
  failed(error: unknown, during: string): void
}

/** What the sessions of a broker share. */
export interface SessionContext {
  readonly limits: SessionLimits
  readonly heartBeat: HeartBeatOptions
  readonly serverName: string | false
  /** What the user is, only the host knows: no session looks inside. */
  readonly hooks: Hooks
  readonly reports: SessionReports
  readonly reentry: Reentry
  readonly destinations: DestinationContext
  /** The destinations of a virtual host, or undefined where the broker does not know it. */
  router(host: string): Router | undefined
  readonly ids: MessageIds
  readonly decoders: Decoders
  readonly writer: OctetWriter
  readonly messageEncoder: MessageEncoder
  readonly flusher: Flusher
  readonly rhythms: Rhythms
  /** Settled once the queues have back what the store kept: no session is connected before. */
  recovery: Promise<void> | undefined
}
