/** What a WebSocket door may be told, its defaults, and the check that it makes sense. */

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import type { ConnectionInfo } from '@xtomp/core'
import { LONGEST_MS, numberOf, TrustedAddresses } from '@xtomp/net/socket'

/** Paths at which the door answers: one, several, or whatever says yes to a path (without its query). */
export type PathRule = string | readonly string[] | ((path: string) => boolean)

/**
 * Which web pages may connect: origins as a browser writes them (`https://example.org`), those of this very host, whatever
 * says yes to an origin, or any. A client that sends no Origin is no browser, and is let in.
 */
export type OriginRule = readonly string[] | 'same-origin' | 'any' | ((origin: string) => boolean)

/** How messages are compressed. */
export interface CompressionOptions {
  /** Messages of fewer octets are sent as they are. @defaultValue 1,024 */
  readonly thresholdBytes?: number | undefined
}

/** What doors on a port of their own and doors on the host's server have in common. */
export interface WebSocketOptions {
  /** Where it answers. @defaultValue every path of a port of its own */
  readonly path?: PathRule | undefined
  /**
   * Which web pages may connect; others are refused with 403. With a page of any other site a browser would send the cookies
   * that it has for this one. @defaultValue 'same-origin'
   */
  readonly origins?: OriginRule | undefined
  /** Whether a client must ask for one of STOMP's subprotocols. @defaultValue false */
  readonly requireSubprotocol?: boolean | undefined
  /**
   * How many connections there may be; one more gets an ERROR `connections-too-many`. On a port of its own as many more may
   * be on their way in, and one more than that is answered with 503; on Linux so is one that would take one of the last files
   * that the process may open, whatever this is. @defaultValue no limit
   */
  readonly maxConnections?: number | undefined
  /** How large a WebSocket message of a client may be, in octets. @defaultValue 17 MiB, more than the broker's default `limits.bodyBytes` */
  readonly maxMessageBytes?: number | undefined
  /** The same, of a client that is not connected yet. @defaultValue 65,536 */
  readonly maxConnectBytes?: number | undefined
  /** In how many fragments a WebSocket message of a client may come. @defaultValue 16,384 */
  readonly maxFragments?: number | undefined
  /** How much all connections of this door may hold of messages that are not whole, in octets. @defaultValue 64 MiB */
  readonly maxHeldBytes?: number | undefined
  /** Compresses messages (RFC 7692) for clients that can, and takes compressed ones. @defaultValue false */
  readonly perMessageDeflate?: boolean | CompressionOptions | undefined
  /** Takes the end of a message for the NUL that React Native cuts off. @defaultValue false */
  readonly lostNul?: boolean | undefined
  /**
   * A browser that is silent for that long is sent a ping, in milliseconds; its pong counts as life, for the timers of a
   * tab in the background hardly run. 0 for never. @defaultValue 8,000
   */
  readonly pingMs?: number | undefined
  /**
   * The proxies whose `X-Forwarded-For` is believed: addresses (`10.0.0.7`, `::1`), networks (`10.0.0.0/8`), `loopback`, and
   * `unix` for whoever comes through a UNIX socket. `connection.info` tells of who is behind them. @defaultValue nobody
   */
  readonly trust?: readonly string[] | undefined
  /** What is known of a connection beyond its socket, or better. It is in `connection.info`. */
  readonly factsOf?: ((request: IncomingMessage) => Partial<ConnectionInfo>) | undefined
  /** Who a socket has proved its peer to be, by a client certificate, say: that is the login, without a passcode. */
  readonly provenLoginOf?: ((socket: Socket) => string | undefined) | undefined
  /** How long a peer may keep a closing connection, in milliseconds. @defaultValue 2,000 */
  readonly lingerMs?: number | undefined
}

/** The same with nothing left open. */
export interface WebSocketSettings {
  /** The paths that it can name. */
  readonly paths: readonly string[]
  readonly servesPath: (path: string) => boolean
  readonly origins: OriginRule
  readonly requireSubprotocol: boolean
  readonly maxConnections: number
  readonly maxMessageBytes: number
  readonly maxConnectBytes: number
  readonly maxFragments: number
  readonly maxHeldBytes: number
  /** Compresses messages from this size on. */
  readonly deflateFrom: number | undefined
  readonly lostNul: boolean
  readonly trusted: TrustedAddresses | undefined
  readonly factsOf: WebSocketOptions['factsOf']
  readonly provenLoginOf: WebSocketOptions['provenLoginOf']
  readonly pingMs: number
  readonly lingerMs: number
}

const MIB = 1024 * 1024
/** Behind the largest number of octets that ws counts. */
const MOST_BYTES = 2 ** 31 - 1
/** As many parts, sixteen for each, may come of it. */
const MOST_FRAGMENTS = 2 ** 24

const NUMBERS = {
  maxConnections: { least: 0, most: Number.POSITIVE_INFINITY, byDefault: Number.POSITIVE_INFINITY },
  maxMessageBytes: { least: 1, most: MOST_BYTES, byDefault: 17 * MIB },
  maxConnectBytes: { least: 1, most: MOST_BYTES, byDefault: 64 * 1024 },
  maxFragments: { least: 1, most: MOST_FRAGMENTS, byDefault: 16_384 },
  maxHeldBytes: { least: 1, most: Number.MAX_SAFE_INTEGER, byDefault: 64 * MIB },
  pingMs: { least: 0, most: LONGEST_MS, byDefault: 8_000 },
  lingerMs: { least: 0, most: LONGEST_MS, byDefault: 2_000 },
} as const

const THRESHOLD = { least: 0, most: MOST_BYTES, byDefault: 1_024 } as const

/** The names of all options. */
export const OPTION_NAMES: readonly string[] = [
  'path',
  'origins',
  'requireSubprotocol',
  'perMessageDeflate',
  'lostNul',
  'trust',
  'factsOf',
  'provenLoginOf',
  ...Object.keys(NUMBERS),
]

/** @throws TypeError where an option is out of its range; the message names it, what was given and what is allowed */
export function settingsOf(options: WebSocketOptions): WebSocketSettings {
  const { path, origins, requireSubprotocol, perMessageDeflate, lostNul, trust, factsOf, provenLoginOf } = options
  if (factsOf !== undefined && typeof factsOf !== 'function')
    throw new TypeError(`factsOf must be a function of a request; given ${inspect(factsOf)}`)
  if (provenLoginOf !== undefined && typeof provenLoginOf !== 'function')
    throw new TypeError(`provenLoginOf must be a function of a socket; given ${inspect(provenLoginOf)}`)
  const number = (name: keyof typeof NUMBERS): number => numberOf(name, options[name], NUMBERS[name])
  return {
    ...pathsOf(path),
    origins: originsOf(origins),
    requireSubprotocol: switchOf('requireSubprotocol', requireSubprotocol),
    maxConnections: number('maxConnections'),
    maxMessageBytes: number('maxMessageBytes'),
    maxConnectBytes: number('maxConnectBytes'),
    maxFragments: number('maxFragments'),
    maxHeldBytes: number('maxHeldBytes'),
    deflateFrom: deflateFrom(perMessageDeflate),
    lostNul: switchOf('lostNul', lostNul),
    trusted: trust === undefined ? undefined : new TrustedAddresses(trust, 'trust'),
    factsOf,
    provenLoginOf,
    pingMs: number('pingMs'),
    lingerMs: number('lingerMs'),
  }
}

function pathsOf(path: PathRule | undefined): Pick<WebSocketSettings, 'paths' | 'servesPath'> {
  if (path === undefined) return { paths: [], servesPath: () => true }
  if (typeof path === 'function') return { paths: [], servesPath: path }
  const paths = typeof path === 'string' ? [path] : path
  if (!Array.isArray(paths) || paths.length === 0 || !paths.every(isPath))
    throw new TypeError(`path must be a path that begins with /, a list of such, or a function; given ${inspect(path)}`)
  return { paths, servesPath: (asked) => paths.includes(asked) }
}

function isPath(path: unknown): boolean {
  return typeof path === 'string' && path.startsWith('/') && !/[?#]/.test(path)
}

function originsOf(origins: OriginRule = 'same-origin'): OriginRule {
  if (origins === 'same-origin' || origins === 'any' || typeof origins === 'function') return origins
  if (!Array.isArray(origins) || !origins.every(isOrigin)) {
    const allowed = "a list of origins such as 'https://example.org', 'same-origin', 'any', or a function"
    throw new TypeError(`origins must be ${allowed}; given ${inspect(origins)}`)
  }
  return origins
}

/** As a browser writes it, or a rule that never holds would look like one that does. */
function isOrigin(origin: unknown): boolean {
  return origin === 'null' || (typeof origin === 'string' && URL.canParse(origin) && new URL(origin).origin === origin)
}

function switchOf(name: string, given: boolean | undefined): boolean {
  if (given !== undefined && typeof given !== 'boolean')
    throw new TypeError(`${name} must be true or false; given ${inspect(given)}`)
  return given ?? false
}

function deflateFrom(given: boolean | CompressionOptions | undefined): number | undefined {
  if (given === undefined || given === false) return undefined
  if (given === true) return THRESHOLD.byDefault
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (!isObject || Object.keys(given).some((name) => name !== 'thresholdBytes'))
    throw new TypeError(`perMessageDeflate must be true, false or { thresholdBytes }; given ${inspect(given)}`)
  return numberOf('perMessageDeflate.thresholdBytes', given.thresholdBytes, THRESHOLD)
}
