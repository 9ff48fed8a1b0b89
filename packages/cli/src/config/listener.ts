/** A door of a configuration: what it speaks, where, and how. */

import type { ListenOptions } from '@xtomp/net'

/** What a door speaks; `mux` is all of it at one port. */
export const TRANSPORTS = ['tcp', 'tls', 'ws', 'mux'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** Where each is, unless it is told. */
export const DEFAULT_PORTS: Readonly<Record<Transport, number>> = { tcp: 61_613, tls: 61_614, ws: 15_674, mux: 61_614 }

/** Where WebSockets are taken, unless a door is told otherwise; pages are told to look there. */
export const STOMP_PATH = '/stomp'

/** A certificate and its key by their files, which are read again on SIGHUP: `certFile` and `keyFile`, or `pfxFile`. */
export interface IdentityConfig {
  readonly certFile?: string
  readonly keyFile?: string
  readonly pfxFile?: string
  readonly passphrase?: string
}

/** How a door is secured. */
export interface TlsConfig extends IdentityConfig {
  readonly sni?: Readonly<Record<string, IdentityConfig>>
  readonly caFile?: string
  readonly crlFile?: string
  readonly requestCert?: boolean
  readonly rejectUnauthorized?: boolean
  readonly loginFrom?: 'CN' | 'email' | 'DNS'
  readonly required?: boolean
  readonly handshakeTimeoutMs?: number
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  readonly ciphers?: string
}

/** How WebSockets are taken. */
export interface WebSocketConfig {
  /** @defaultValue ws: any path; mux: '/' and '/stomp' */
  readonly path?: string | readonly string[]
  /** @defaultValue 'local' where the address is this machine's, else 'same-origin' */
  readonly origins?: 'local' | 'same-origin' | 'any' | readonly string[]
  readonly requireSubprotocol?: boolean
  readonly perMessageDeflate?: boolean | { readonly thresholdBytes?: number }
  readonly lostNul?: boolean
  readonly pingMs?: number
  readonly maxMessageBytes?: number
  readonly maxConnectBytes?: number
  readonly maxFragments?: number
  readonly maxHeldBytes?: number
}

/** A door; which options it may have depends on what it speaks, as `config.schema.json` says. */
export interface ListenerConfig extends ListenOptions {
  /** @defaultValue 'tcp' */
  readonly transport?: Transport
  readonly tls?: TlsConfig
  readonly ws?: WebSocketConfig
  readonly handshakeTimeoutMs?: number
  readonly firstOctetsTimeoutMs?: number
  readonly health?: string | false
  readonly page?: boolean
  readonly proxy?: { readonly trust: readonly string[]; readonly required?: boolean }
}

/** What a door speaks. */
export function transportOf({ transport = 'tcp' }: ListenerConfig): Transport {
  return transport
}
