/** What a configuration may hold: `config.schema.json`, as types. */

import type { BrokerOptions } from '@xtomp/core'
import type { ListenerConfig } from './listener.js'

/** Who may connect. */
export interface UserConfig {
  readonly login: string
  /** As it is, or hashed: what `xtomp passcode` prints. */
  readonly passcode: string
}

/** Levels of the log, the chattiest first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** How a line of the log looks. */
export const LOG_FORMATS = ['json', 'pretty'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** What is logged, and how. */
export interface LogConfig {
  /** @defaultValue 'info' */
  readonly level?: LogLevel
  /** @defaultValue pretty on a terminal, JSON lines elsewhere */
  readonly format?: LogFormat
}

/** A configuration; `broker.hooks` and `broker.store` are for modules, the rest is data. */
export interface Config {
  readonly $schema?: string
  readonly listeners?: readonly ListenerConfig[]
  readonly broker?: Omit<BrokerOptions, 'logger' | 'clock'>
  readonly users?: readonly UserConfig[]
  readonly log?: LogConfig
  /** How long sessions may finish when the process is told to stop, in milliseconds. @defaultValue 5,000 */
  readonly drainMs?: number
  /** Processes that share the doors and behave as one broker. @defaultValue one process, which is all */
  readonly workers?: number
}
