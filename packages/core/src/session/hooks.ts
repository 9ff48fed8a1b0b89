/** Hooks: questions to the host application whose answers change the outcome. */

import type { AckMode } from '../ack-mode.js'
import type { Version } from '../codec/version.js'
import type { Headers } from '../headers.js'
import type { Message } from '../message.js'
import type { CloseReason, ConnectionInfo } from '../ports/connection.js'

/** An answer now, or later. An answer now costs no promise; until one comes, the session's next frame waits. */
export type Answer<T> = T | PromiseLike<T>

/** What is known of a session. */
export interface SessionInfo<User = unknown> {
  /** Unique in the broker; the `session` header of CONNECTED. */
  readonly id: string
  /** The agreed version; undefined before CONNECTED. */
  readonly version: Version | undefined
  /** What `authenticate` answered; without that hook the proven login, if any. Undefined before that. */
  readonly user: User
  /** The virtual host, as the client named it; '' for none. */
  readonly host: string
  /** What carries it. */
  readonly connection: ConnectionInfo
  /**
   * Ends it: the client gets an ERROR with this code and sentence, then the close. Harmless where it is over.
   * @defaultValue code `session-closed`
   */
  close(reason?: CloseReason): void
}

/** A session at this moment. */
export interface SessionSnapshot<User = unknown> extends SessionInfo<User> {
  /** Where it is in its conversation. */
  readonly state: 'connecting' | 'connected' | 'closing'
  /** Active subscriptions. */
  readonly subscriptions: number
  /** Deliveries that it was given and has not settled. */
  readonly unacknowledged: number
  /** Octets that wait to be sent to it. */
  readonly unsentBytes: number
}

/** What `authenticate` is asked. The passcode is in no other place, and never printed. */
export interface Credentials {
  /** The `login` header; the proven login where there is one. */
  readonly login: string | undefined
  /** Whether the transport has proved the login, as by a client certificate: then there is no passcode to check. */
  readonly isProven: boolean
  /** The `passcode` header. Not enumerable: no log and no spread copy shows it by accident. */
  readonly passcode: string | undefined
  /** The `host` header; '' for none. */
  readonly host: string
  /** All headers of CONNECT but the passcode. */
  readonly headers: Headers
  /** Who asks. */
  readonly connection: ConnectionInfo
}

/** What `authorize` is asked. */
export interface AccessRequest<User> {
  /** Who wants it. */
  readonly user: User
  /** What for. */
  readonly action: 'send' | 'subscribe'
  /** The destination, or the pattern where `isPattern` says so. */
  readonly destination: string
  /** Whether it is a pattern, which stands for every topic that it matches. */
  readonly isPattern: boolean
  /** The session. */
  readonly session: SessionInfo<User>
}

/** What `connect` is asked, after `authenticate`. */
export interface ConnectRequest<User> {
  /** What `authenticate` answered. */
  readonly user: User
  /** All headers of CONNECT but the passcode. */
  readonly headers: Headers
  /** The session. */
  readonly session: SessionInfo<User>
}

/** What `subscribe` is asked, after `authorize`. */
export interface SubscribeRequest<User> {
  /** Who wants it. */
  readonly user: User
  /** The subscription's id; the destination where a 1.0 client gave none. */
  readonly id: string
  /** The destination or pattern. */
  readonly destination: string
  /** How it acknowledges. */
  readonly ackMode: AckMode
  /** All headers of SUBSCRIBE. */
  readonly headers: Headers
  /** The session. */
  readonly session: SessionInfo<User>
}

/** Whose message a `send` or `deliver` hook judges. */
export interface MessageContext<User> {
  /** Who sends it, or who would get it. */
  readonly user: User
  /** The session. */
  readonly session: SessionInfo<User>
}

/** Whose delivery a `deliver` hook judges. */
export interface DeliveryContext<User> extends MessageContext<User> {
  /** The id of the subscription that would get it. */
  readonly subscription: string
}

/**
 * The hooks. Each is asked in this order: `authenticate`, `connect`; for SUBSCRIBE `authorize`, `subscribe`; for SEND
 * `authorize`, `send`; for each MESSAGE `deliver`. All but `deliver` may answer later. `false` refuses; throwing a
 * {@link Refusal} refuses with a code and a text of its own; throwing anything else refuses with `hook-failed`.
 * Hooks judge sessions: what the host itself publishes and subscribes to is not asked about.
 */
export interface Hooks<User = unknown> {
  /** Who is it? Answers the user, or anything falsy to refuse with `auth-failed`. Default: everybody may. */
  authenticate?(credentials: Credentials): Answer<User | false | null | undefined>
  /** May this user be connected now? Refused with `access-refused`. */
  connect?(request: ConnectRequest<User>): Answer<boolean | undefined | void>
  /** May this user send to, or subscribe to, this destination? Only `true` allows. Refused with `access-refused`. */
  authorize?(request: AccessRequest<User>): Answer<boolean>
  /** May this subscription be made? Refused with `access-refused`. */
  subscribe?(request: SubscribeRequest<User>): Answer<boolean | undefined | void>
  /** May this message be sent, and as what? Answers another message to change it, `false` to refuse. */
  send?(message: Message, context: MessageContext<User>): Answer<Message | boolean | undefined | void>
  /**
   * May this message be delivered to this subscription, and as what? `false` skips it: a topic's message goes to the
   * others, a queue's message counts as acknowledged. Must answer now: it is asked for each MESSAGE, and with it no two
   * subscribers share an encoding. Where it throws, a queue's message goes back as after a NACK (with `auto` it is gone,
   * as all that is handed over), and a topic's message is not shown to this subscription.
   */
  deliver?(message: Message, context: DeliveryContext<User>): Message | boolean | undefined | void
}
