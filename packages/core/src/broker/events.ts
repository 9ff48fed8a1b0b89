/** Events: facts already true, reported to the host application. */

import type { AckMode } from '../ack-mode.js'
import type { GiveUpReason } from '../destination/context.js'
import type { StompError } from '../errors.js'
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
  /** A connection has come; what is known of its session is its connection. */
  open: { readonly session: SessionInfo<User> }
  /** A connection is gone, once for each `open`; why its session ended. */
  close: { readonly session: SessionInfo<User>; readonly reason: CloseReason }
  /** CONNECTED was sent. */
  connect: { readonly session: SessionInfo<User> }
  /** A session is over, once for each `connect`; its connection may still be closing. Of a connection that is gone our own address is not known any more; of one that connected before anybody listened to this or to `close`, neither is the peer's. */
  disconnect: { readonly session: SessionInfo<User>; readonly reason: CloseReason }
  /** A subscription is active. */
  subscribe: { readonly session: SessionInfo<User>; readonly subscription: SubscriptionInfo }
  /** A subscription was ended by its client. */
  unsubscribe: { readonly session: SessionInfo<User>; readonly subscription: SubscriptionInfo }
  /** A session's message was accepted by its destination. */
  send: { readonly session: SessionInfo<User>; readonly message: Message }
  /** A MESSAGE was written, in the form in which it is shown to this subscription. One event a delivery: it has its price. */
  deliver: {
    readonly session: SessionInfo<User>
    readonly subscription: SubscriptionInfo
    readonly message: Message
  }
  /** A delivery was acknowledged; `session` is undefined where the host itself did it. */
  acknowledge: { readonly session: SessionInfo<User> | undefined; readonly message: Message }
  /** A delivery was negatively acknowledged. */
  nack: { readonly session: SessionInfo<User> | undefined; readonly message: Message }
  /**
   * A message was given up by its queue; `movedTo` is where it went, undefined where it is gone. One that expired is told
   * by `expire` before.
   */
  'dead-letter': { readonly message: Message; readonly reason: GiveUpReason; readonly movedTo: string | undefined }
  /** A message in a queue has expired; `movedTo` is where it went, undefined where it is gone. */
  expire: { readonly message: Message; readonly movedTo: string | undefined }
  /** A session was refused for a limit; `error.excess` tells which, what was seen, and the option that moves it. */
  limit: { readonly session: SessionInfo<User>; readonly error: StompError }
  /** A topic subscription's backlog was full, and its policy was applied; no session where it is the host's own. */
  'slow-consumer': { readonly session: SessionInfo<User> | undefined; readonly subscription: SubscriptionInfo }
  /** What the host published was refused: there is nobody else to tell. */
  refuse: { readonly message: Message; readonly error: Error }
  /** `broker.close()` has begun: queues deliver nothing more, and sessions have `drainMs` to finish. */
  drain: { readonly drainMs: number }
  /** The host's own fault: a hook, a listener or a connection's adapter threw, or the store failed. Never a peer's fault. */
  error: { readonly error: unknown; readonly during: string }
}
