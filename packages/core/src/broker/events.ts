/** Events: facts already true, reported to the host application. */

import type { AckMode } from '../ack-mode.js'
import type { GiveUpReason } from '../destination/context.js'
import type { Message } from '../message.js'
import type { CloseReason } from '../ports/connection.js'
import type { SessionInfo } from '../session/hooks.js'

/** A subscription, as events tell of it. */
export interface SubscriptionInfo {
  /** Unique in its session. */
  readonly id: string
  /** The destination or pattern. */
  readonly destination: string
  /** How it acknowledges. */
  readonly ackMode: AckMode
}

/**
 * All events, with their one payload each. They are emitted last, when the state is consistent; a listener can veto
 * nothing, and one that throws is reported through `error`. An event that nobody listens to costs nothing.
 */
export interface BrokerEvents<User = unknown> {
  /** CONNECTED was sent. */
  connect: { readonly session: SessionInfo<User> }
  /** A session is over. Of one that connected before anybody listened to this, addresses may not be known any more. */
  disconnect: { readonly session: SessionInfo<User>; readonly reason: CloseReason }
  /** A subscription is active. */
  subscribe: { readonly session: SessionInfo<User>; readonly subscription: SubscriptionInfo }
  /** A subscription was ended by its client. */
  unsubscribe: { readonly session: SessionInfo<User>; readonly subscription: SubscriptionInfo }
  /** A session's message was accepted by its destination. */
  send: { readonly session: SessionInfo<User>; readonly message: Message }
  /** A delivery was acknowledged; `session` is undefined where the host itself did it. */
  acknowledge: { readonly session: SessionInfo<User> | undefined; readonly message: Message }
  /** A delivery was negatively acknowledged. */
  nack: { readonly session: SessionInfo<User> | undefined; readonly message: Message }
  /** A message was given up by its queue; `movedTo` is where it went, undefined where it is gone. */
  'dead-letter': { readonly message: Message; readonly reason: GiveUpReason; readonly movedTo: string | undefined }
  /** A topic subscription's backlog was full, and its policy was applied. */
  'slow-consumer': { readonly subscription: SubscriptionInfo }
  /** What the host published was refused: there is nobody else to tell. */
  refuse: { readonly message: Message; readonly error: Error }
  /** The host's own fault: a hook or a listener threw, or the store failed. Never a peer's fault. */
  error: { readonly error: unknown; readonly during: string }
}
