/** What `pub` and `sub` ask of a STOMP client, whichever library it is. */

/** A message that came. */
export interface Received {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Tells the broker that it is done; does nothing where the ack mode is `auto`. */
  acknowledge(): void
}

/** How a subscription is made. */
export interface SubscribeRequest {
  /** Destination, ack mode and whatever else goes into SUBSCRIBE. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether to wait for the broker's RECEIPT. */
  readonly isConfirmed: boolean
  /** Given one message after the other: the next is read when this has resolved. */
  take(message: Received): Promise<void>
}

/** A message to send. */
export interface Outgoing {
  /** The destination, and whatever else goes into SEND. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Whether to wait for the broker's RECEIPT. */
  readonly isConfirmed: boolean
}

/** A STOMP session with a broker. Each promise rejects when that is lost, or answers with an ERROR. */
export interface Client {
  /** Rejects when the session is lost; never resolves. */
  readonly lost: Promise<never>
  /** Sends a message; resolves when there is room for another, or with its RECEIPT. */
  send(message: Outgoing): Promise<void>
  /** Subscribes; resolves at once, or with the RECEIPT. There is one subscription at most. */
  subscribe(request: SubscribeRequest): Promise<void>
  /** Ends the subscription, and the session when the broker has confirmed all that was sent. */
  close(): Promise<void>
  /** Cuts the connection. */
  abort(): void
}

/** Where a broker is, and who we are. */
export interface Target {
  readonly url: URL
  /** The virtual host. */
  readonly host: string
  /** Aborted when nobody wants the connection any more that is being made. */
  readonly stop: AbortSignal
}

/** How long a broker may take to answer CONNECT, in milliseconds. */
export const CONNECT_MS = 10_000
/** How often we tell the broker that we live, in milliseconds. It need not tell us: a pipe may keep us from reading. */
export const BEAT_MS = 10_000

/** The headers of CONNECT. */
export function credentialsOf({ url, host }: Target): { host: string; login?: string; passcode?: string } {
  const login = decodeURIComponent(url.username)
  return { host, ...(login === '' ? {} : { login, passcode: decodeURIComponent(url.password) }) }
}

/** What an ERROR says, in one line. */
export class BrokerError extends Error {
  constructor(message: string, body: string | undefined) {
    const more = body?.trim().replace(/\s+/g, ' ') ?? ''
    super(`the broker refuses: ${message}${more === '' || more === message ? '' : `: ${more}`}`)
  }
}
