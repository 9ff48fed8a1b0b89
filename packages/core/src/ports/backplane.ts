/** The seam between brokers that behave as one: topics' messages, and who wants them. */

import type { Headers } from '../headers.js'
import type { StoredMessage } from '../message.js'
import type { Completion } from './destination.js'

/** A topic's message from another broker. */
export interface ArrivedMessage {
  /** Its id, given by the broker that took it. */
  readonly id: string
  /** The topic. */
  readonly destination: string
  /** Its headers. */
  readonly headers: Headers
  /** Its body; valid for the call only. */
  readonly body: Uint8Array
  /** When it expires, in milliseconds since 1970; 0 for never. */
  readonly expiresAt: number
}

/** The broker, as its backplane sees it. */
export interface BackplaneBroker {
  /** Hands a message to the subscriptions that the topic has here, and to no other broker. */
  receive(host: string, message: ArrivedMessage): void
}

/**
 * Passes topics' messages between brokers. It never fails a producer: a message that cannot be passed on is lost for the
 * others, and its completion is told nevertheless. Each broker has one of its own.
 */
export interface Backplane {
  /**
   * A message was sent to a topic here; whoever is subscribed here has it. `completion` is told once the others will get
   * it, whatever becomes of this process. The message's octets are valid for the call only.
   */
  publish(host: string, message: StoredMessage, completion: Completion): void
  /**
   * A name or pattern has a subscription here; `isFirst` where it had none before, and only then is there anything to do
   * but to wait for what is under way. `completion` is told once whatever is sent elsewhere afterwards will come here; until then the
   * session waits.
   */
  subscribe(host: string, name: string, isFirst: boolean, completion: Completion): void
  /** A name or pattern has no subscription here any more. */
  unsubscribe(host: string, name: string): void
}
