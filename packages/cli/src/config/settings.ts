/** What a broker is started with: flags before environment variables, those before the file, that before the defaults. */

import type { BrokerOptions } from '@xtomp/core'
import type { Config, LogConfig, UserConfig } from './config.js'
import { DEFAULT_PORTS, type ListenerConfig, transportOf } from './listener.js'

/** What flags and environment variables say. */
export interface Given {
  readonly port?: number | undefined
  readonly host?: string | undefined
  /** Of the port that is shared by WebSocket, HTTP and STOMP. */
  readonly webPort?: number | 'off' | undefined
  readonly logLevel?: LogConfig['level'] | undefined
  readonly logFormat?: LogConfig['format'] | undefined
  readonly drainMs?: number | undefined
  readonly workers?: number | undefined
  /** One user more. */
  readonly user?: UserConfig | undefined
}

/** A configuration with nothing left open but what the doors and the broker have defaults for. */
export interface Settings {
  readonly listeners: readonly ListenerConfig[]
  readonly broker: Omit<BrokerOptions, 'logger' | 'clock'>
  readonly users: readonly UserConfig[]
  readonly logLevel: NonNullable<LogConfig['level']>
  readonly logFormat: LogConfig['format']
  readonly drainMs: number
  /** Undefined for one process that is all. */
  readonly workers: number | undefined
}

/** How long sessions may finish when the process is told to stop, in milliseconds. */
export const DRAIN_MS = 5_000

/** Joins what is given with what the file says. */
export function settingsOf(config: Config, given: Given): Settings {
  const { broker = {}, users = [], log = {}, drainMs, workers } = config
  const { user } = given
  return {
    listeners: withWeb(placed(config.listeners ?? [{}], given), config, given),
    broker,
    users: user === undefined ? users : [...users.filter(({ login }) => login !== user.login), user],
    logLevel: given.logLevel ?? log.level ?? 'info',
    logFormat: given.logFormat ?? log.format,
    drainMs: given.drainMs ?? drainMs ?? DRAIN_MS,
    workers: given.workers ?? workers,
  }
}

/** A port and a host that are given are those of the first TCP door; where there is none, one is opened for them. */
function placed(listeners: readonly ListenerConfig[], { port, host }: Given): readonly ListenerConfig[] {
  const place = { ...(port === undefined ? {} : { port }), ...(host === undefined ? {} : { host }) }
  if (Object.keys(place).length === 0) return listeners
  const first = listeners.find(isTcp)
  if (first === undefined) return [...listeners, place]
  return listeners.map((listener) => (listener === first ? { ...listener, ...place } : listener))
}

/** Whether a door is the one that a port may be given for. */
export function isTcp(listener: ListenerConfig): boolean {
  return transportOf(listener) === 'tcp' && listener.path === undefined
}

/** Whether a door is the one that a shared port may be given for. */
export function isWeb(listener: ListenerConfig): boolean {
  return transportOf(listener) === 'mux' && listener.path === undefined
}

/** The port that all share, where nobody has said which doors there are; or where, or whether, it is to be. */
function withWeb(listeners: readonly ListenerConfig[], config: Config, given: Given): readonly ListenerConfig[] {
  const { webPort, host } = given
  if (webPort === 'off') return listeners.filter((listener) => !isWeb(listener))
  const first = listeners.find(isWeb)
  if (first !== undefined && webPort !== undefined)
    return listeners.map((listener) => (listener === first ? { ...listener, port: webPort } : listener))
  if (first !== undefined || (webPort === undefined && config.listeners !== undefined)) return listeners
  const port = webPort ?? portBehind(given.port)
  return [...listeners, { transport: 'mux', port, ...(host === undefined ? {} : { host }), page: true }]
}

/** Two brokers with a port of their own each do not meet at the other one either. */
function portBehind(port: number = DEFAULT_PORTS.tcp): number {
  return port === 0 || port === 65_535 ? 0 : port + 1
}
