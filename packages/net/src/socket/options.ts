/** What a listener may be told, its defaults, and the check that it makes sense: of all doors that are made of sockets. */

import { inspect } from 'node:util'
import { meant } from './meant.js'

/** Where to listen, and how. */
export interface ListenOptions {
  /** The TCP port; 0 for any that is free. @defaultValue 61613 */
  readonly port?: number | undefined
  /** The address to bind. @defaultValue '127.0.0.1' */
  readonly host?: string | undefined
  /**
   * A UNIX socket's path, instead of a port and a host. A socket file at which nobody listens any more, as a killed
   * process leaves it, is replaced; one at which somebody does, and any other file, is left alone: `EADDRINUSE`.
   */
  readonly path?: string | undefined
  /** How many connections may wait to be accepted. @defaultValue 4,096, as far as the system allows */
  readonly backlog?: number | undefined
  /**
   * How many connections there may be; one more gets an ERROR `connections-too-many`. On Linux so does one that would take
   * one of the last files that the process may open, whatever this is. @defaultValue no limit
   */
  readonly maxConnections?: number | undefined
  /** How long a peer may keep a closing connection, in milliseconds. @defaultValue 2,000 */
  readonly lingerMs?: number | undefined
  /**
   * After how long a silent peer is probed by the system, in milliseconds, of which it takes whole seconds, rounded up;
   * 0 for never. One that does not answer ten probes, one a second, is lost. @defaultValue 60,000
   */
  readonly keepAliveMs?: number | undefined
  /**
   * Whether other processes may listen at this port, too: the system spreads connections over all of them. On Linux and
   * BSD, from Node 22.12 on. @defaultValue false
   */
  readonly reusePort?: boolean | undefined
}

/** What `server.listen` is told. */
export type Place = { readonly port: number; readonly host: string } | { readonly path: string }

/** Options with nothing left open. */
export interface ListenSettings {
  readonly place: Place
  readonly backlog: number
  readonly maxConnections: number
  readonly lingerMs: number
  readonly keepAliveMs: number
  readonly reusePort: boolean
}

/** The longest that Linux takes, in milliseconds. It says no to more, Node does not tell, and the default holds: two hours. */
const LONGEST_KEEP_ALIVE_MS = 32_767_000

/** The longest that a timer of Node takes, in milliseconds; it would ring at once for more. */
export const LONGEST_MS = 2 ** 31 - 1

/** What a number may be, and what is meant where none is given. */
export interface NumberRule {
  readonly least: number
  /** Infinity for no limit. */
  readonly most: number
  readonly byDefault: number
}

const NUMBERS = {
  port: { least: 0, most: 65_535, byDefault: 61613 },
  backlog: { least: 1, most: 2 ** 31 - 1, byDefault: 4_096 },
  maxConnections: { least: 0, most: Number.POSITIVE_INFINITY, byDefault: Number.POSITIVE_INFINITY },
  lingerMs: { least: 0, most: LONGEST_MS, byDefault: 2_000 },
  keepAliveMs: { least: 0, most: LONGEST_KEEP_ALIVE_MS, byDefault: 60_000 },
} as const

const NAMES = [...Object.keys(NUMBERS), 'reusePort', 'host', 'path']

/** What a door of another kind says of itself. */
export interface DoorKind {
  /** The options that it has beside those of every listener; it checks them itself. */
  readonly others?: readonly string[]
  /** @defaultValue 61613 */
  readonly defaultPort?: number
}

/**
 * Options with their defaults filled in.
 * @throws TypeError where one is unknown or out of its range; the message names it, what was given and what is allowed
 */
export function settingsOf(
  options: ListenOptions,
  { others = [], defaultPort = NUMBERS.port.byDefault }: DoorKind = {},
): ListenSettings {
  checkNames(options, [...NAMES, ...others])
  const { backlog, maxConnections, lingerMs, keepAliveMs } = options
  return {
    place: placeOf(options, defaultPort),
    backlog: numberOf('backlog', backlog, NUMBERS.backlog),
    maxConnections: numberOf('maxConnections', maxConnections, NUMBERS.maxConnections),
    lingerMs: numberOf('lingerMs', lingerMs, NUMBERS.lingerMs),
    keepAliveMs: numberOf('keepAliveMs', keepAliveMs, NUMBERS.keepAliveMs),
    reusePort: reusePortOf(options),
  }
}

/** Takes no option that there is not: what is misspelt would be ignored unheard. */
export function checkNames(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`the options must be an object; given ${inspect(options)}`)
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const near = meant(name, names)
    const question = near === undefined ? '' : ` (did you mean ${near}?)`
    throw new TypeError(`there is no option ${name}${question}; there are ${names.join(', ')}`)
  }
}

/** A number within its range, or its default. @throws TypeError where it is neither */
export function numberOf(name: string, given: number | undefined, { least, most, byDefault }: NumberRule): number {
  if (given === undefined) return byDefault
  const isWhole = Number.isInteger(given) || given === Number.POSITIVE_INFINITY
  if (!isWhole || given < least || given > most) {
    const range = most === Number.POSITIVE_INFINITY ? `, ${least} or more` : ` from ${least} to ${most}`
    throw new TypeError(`${name} must be a whole number${range}; given ${inspect(given)}`)
  }
  return given
}

function reusePortOf({ reusePort = false, path, port }: ListenOptions): boolean {
  if (typeof reusePort !== 'boolean')
    throw new TypeError(`reusePort must be true or false; given ${inspect(reusePort)}`)
  if (reusePort && path !== undefined) throw new TypeError('reusePort is for ports, and path is none')
  if (reusePort && port === 0) throw new TypeError('reusePort needs a port that all know, and 0 is another for each')
  return reusePort
}

function placeOf({ port, host, path }: ListenOptions, defaultPort: number): Place {
  for (const [name, text] of Object.entries({ host, path })) {
    if (text !== undefined && (typeof text !== 'string' || text === ''))
      throw new TypeError(`${name} must be a text that is not empty; given ${inspect(text)}`)
  }
  if (path === undefined) {
    const number = numberOf('port', port, { ...NUMBERS.port, byDefault: defaultPort })
    return { port: number, host: host ?? '127.0.0.1' }
  }
  for (const [name, value] of Object.entries({ port, host })) {
    if (value !== undefined)
      throw new TypeError(`path stands instead of ${name}; given both, ${inspect(path)} and ${inspect(value)}`)
  }
  return { path }
}
