/** What a broker is started with: flags before environment variables, those before the file, that before the defaults. */

import type { BrokerOptions } from '@xtomp/core'
import type { ListenOptions } from '@xtomp/net'
import type { Config, LogConfig, UserConfig } from './config.js'

/** What flags and environment variables say. */
export interface Given {
  readonly port?: number | undefined
  readonly host?: string | undefined
  readonly logLevel?: LogConfig['level'] | undefined
  readonly logFormat?: LogConfig['format'] | undefined
  readonly drainMs?: number | undefined
  /** One user more. */
  readonly user?: UserConfig | undefined
}

/** A configuration with nothing left open but what the doors and the broker have defaults for. */
export interface Settings {
  readonly listeners: readonly ListenOptions[]
  readonly broker: Omit<BrokerOptions, 'logger' | 'clock'>
  readonly users: readonly UserConfig[]
  readonly logLevel: NonNullable<LogConfig['level']>
  readonly logFormat: LogConfig['format']
  readonly drainMs: number
}

/** How long sessions may finish when the process is told to stop, in milliseconds. */
export const DRAIN_MS = 5_000

/** Joins what is given with what the file says. */
export function settingsOf(config: Config, given: Given): Settings {
  const { listeners = [{}], broker = {}, users = [], log = {}, drainMs } = config
  const { user } = given
  return {
    listeners: placed(listeners, given),
    broker,
    users: user === undefined ? users : [...users.filter(({ login }) => login !== user.login), user],
    logLevel: given.logLevel ?? log.level ?? 'info',
    logFormat: given.logFormat ?? log.format,
    drainMs: given.drainMs ?? drainMs ?? DRAIN_MS,
  }
}

/** A port and a host that are given are those of the first TCP door; where there is none, one is opened for them. */
function placed(listeners: readonly ListenOptions[], { port, host }: Given): readonly ListenOptions[] {
  const place = { ...(port === undefined ? {} : { port }), ...(host === undefined ? {} : { host }) }
  if (Object.keys(place).length === 0) return listeners
  const first = listeners.findIndex(({ path }) => path === undefined)
  if (first < 0) return [...listeners, place]
  return listeners.map((listener, at) => (at === first ? { ...listener, ...place } : listener))
}
