/** What the plugin may be told, and what is meant where it is not; what is for the door, the door checks itself. */

import { inspect } from 'node:util'
import type { Broker, BrokerOptions } from '@xtomp/core'
import type { AttachOptions } from '@xtomp/ws'
import type { FastifyInstance, RegisterOptions } from 'fastify'

/** Which broker, and where. Whatever `attach` of `@xtomp/ws` may be told stands beside that. */
export interface StompOptions<User = unknown> extends AttachOptions {
  /** Where it answers, behind the prefix of the context that it is registered in. @defaultValue '/stomp' */
  readonly path?: AttachOptions['path']
  /**
   * A broker of the application's own. The plugin closes its door, and the application the broker.
   * @defaultValue `app.broker` where there is one already, or else one that the plugin makes, and closes
   */
  readonly broker?: Broker<User> | undefined
  /** What `createBroker` is told, where the plugin makes the broker. Its `logger` is `app.log` unless it is told here. */
  readonly options?: BrokerOptions<User> | undefined
  /**
   * How long sessions may settle what they were given when `app.close()` closes a broker that the plugin made, in
   * milliseconds. Less than Fastify's `pluginTimeout`, which holds for closing, too. @defaultValue 5,000
   */
  readonly drainMs?: number | undefined
}

/** The same with nothing left open. */
export interface StompSettings<User> {
  readonly broker: Broker<User> | undefined
  readonly options: BrokerOptions<User> | undefined
  readonly drainMs: number
  readonly door: AttachOptions
}

const PATH = '/stomp'
const DRAIN_MS = 5_000

/** @throws TypeError where an option makes no sense in this application */
export function settingsOf<User>(
  app: FastifyInstance,
  { broker, options, drainMs = DRAIN_MS, ...rest }: StompOptions<User> & RegisterOptions,
): StompSettings<User> {
  if (broker !== undefined && options !== undefined)
    throw new TypeError('options are for a broker that the plugin makes: give either broker or options')
  checkDrain(drainMs, app.initialConfig.pluginTimeout ?? 0)
  const { path = PATH, prefix: _, logLevel: __, logSerializers: ___, ...others } = rest
  return { broker, options, drainMs, door: { ...others, path: behind(app.prefix, path) } }
}

/** Fastify gives up a hook that takes longer, and waits for the connections that it was to close. */
function checkDrain(drainMs: number, pluginTimeout: number): void {
  const most = pluginTimeout === 0 ? Number.POSITIVE_INFINITY : pluginTimeout - 1
  if (Number.isInteger(drainMs) && drainMs >= 0 && drainMs <= most) return
  const range = most === Number.POSITIVE_INFINITY ? '0 or more' : `from 0 to ${most} (less than pluginTimeout)`
  throw new TypeError(`drainMs must be a whole number, ${range}; given ${inspect(drainMs)}`)
}

/** Paths as requests have them; what is no path is left to the door, which says so. */
function behind(prefix: string, path: NonNullable<AttachOptions['path']>): NonNullable<AttachOptions['path']> {
  if (typeof path === 'function') return path
  return typeof path === 'string' ? full(prefix, path) : path.map((each) => full(prefix, each))
}

function full(prefix: string, path: string): string {
  return typeof path === 'string' && path.startsWith('/') ? prefix + path : path
}
