/** The front door: what a host application holds of its broker. */

import type { Clock } from '../clock.js'
import type { DestinationSnapshot } from '../destination/local.js'
import type { StompError } from '../errors.js'
import type { HeadersInit } from '../headers.js'
import type { Logger } from '../logger.js'
import type { Connection, Inbound } from '../ports/connection.js'
import type { SessionSnapshot } from '../session/hooks.js'
import type { BrokerEvents } from './events.js'
import type { HostDelivery, HostSubscribeOptions, HostSubscription } from './host-subscription.js'

/** How a message is published. */
export interface PublishOptions {
  /** The message's headers; those that the broker writes itself are left out. */
  readonly headers?: HeadersInit
  /** The virtual host. Default: the default space. */
  readonly host?: string
}

/** How a broker is closed. */
export interface CloseOptions {
  /**
   * How long sessions may settle what they were given and take what was written, and the host what it was given, in
   * milliseconds. @defaultValue 0
   */
  readonly drainMs?: number
}

/** A door through which connections come; it registers itself, so that the broker can close it. */
export interface Door {
  /** Takes no more connections. */
  stop(): void
  /** Ends those that it has, and resolves when they are gone. */
  close(): Promise<void>
}

/** What is there at this moment. */
export interface BrokerStats {
  /** Connections, whether they have sent CONNECT or not. */
  readonly sessions: number
  /** Active subscriptions, the host's own included. */
  readonly subscriptions: number
  /** Destinations that are known at all, on all hosts. */
  readonly destinations: number
  /** Messages in queues, the unacknowledged included. */
  readonly messages: number
  /** Deliveries that were made and not settled. */
  readonly unacknowledged: number
  /** Octets held, of `limits.totalBytes`. */
  readonly bytes: number
  /** Deadlines that are set: time-outs, heart-beats, expiry. */
  readonly alarms: number
}

/** A message broker in this process. Any number of them live side by side, and share nothing. */
export interface Broker<User = unknown> extends AsyncDisposable {
  /** The source of time. */
  readonly clock: Clock
  /** Where faults are written, those of doors among them. */
  readonly logger: Logger
  /** Takes a connection; the adapter tells the answer what happens to it. */
  accept(connection: Connection): Inbound
  /**
   * Publishes a message. Returns at once, whatever comes of it: a refusal is the event `refuse`. The body is copied.
   * @throws TypeError where the destination is not a name
   */
  publish(destination: string, body: string | Uint8Array, options?: PublishOptions): void
  /**
   * Publishes a message; resolves when a session's SEND would get its RECEIPT, rejects with a {@link StompError} when it
   * would get an ERROR.
   */
  publishConfirmed(destination: string, body: string | Uint8Array, options?: PublishOptions): Promise<void>
  /**
   * Subscribes the host itself; active when this returns. Deliveries come through `listener`, or by iterating.
   * @throws StompError where the destination may not be subscribed to
   */
  subscribe(destination: string, listener: (delivery: HostDelivery) => void): HostSubscription
  /** The same, with options. */
  subscribe(
    destination: string,
    options?: HostSubscribeOptions,
    listener?: (delivery: HostDelivery) => void,
  ): HostSubscription
  /** Listens to an event. */
  on<Name extends keyof BrokerEvents<User>>(event: Name, listener: (payload: BrokerEvents<User>[Name]) => void): this
  /** Listens no more. */
  off<Name extends keyof BrokerEvents<User>>(event: Name, listener: (payload: BrokerEvents<User>[Name]) => void): this
  /**
   * Registers a door, to be closed with the broker; answers what takes it off the list.
   * @throws StompError `broker-closing` where it is too late: nobody would close the door
   */
  addDoor(door: Door): () => void
  /** What is there at this moment, counted already: it costs the same however much there is. */
  stats(): BrokerStats
  /** The sessions, each as it is when it is come to. Those that come or go meanwhile may be missed. */
  sessions(): IterableIterator<SessionSnapshot<User>>
  /** The destinations of all hosts, each as it is when it is come to. */
  destinations(): IterableIterator<DestinationSnapshot & { readonly host: string }>
  /**
   * Takes no more connections, lets sessions finish for at most `drainMs`, ends them with an ERROR `broker-closing`, and
   * resolves when every session, door and timer is gone. Queued messages are gone, unless there is a store.
   */
  close(options?: CloseOptions): Promise<void>
  /** As `close()`: for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
