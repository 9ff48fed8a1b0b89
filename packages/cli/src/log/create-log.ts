/** The log: pino, as lines of JSON or as lines to read, on stderr or wherever it is told. */

import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogFormat, LogLevel } from '../config/config.js'
import { coloursOf, type Output } from '../streams.js'

/** What is logged, and how. */
export interface LogSettings {
  readonly level: LogLevel
  /** Default: pretty on a terminal, JSON lines elsewhere. */
  readonly format?: LogFormat | undefined
}

/** A log, until it is closed. */
export interface Log {
  readonly logger: Logger
  /** Writes what is not written yet. */
  flush(): void
}

/** Nobody who reads too slowly may make the broker hold more than this; what is beyond it is lost. */
const MOST_WAITING_OCTETS = 4 * 1024 * 1024

/** A log on stderr that never makes the broker wait for whoever reads it. */
export async function logOnStderr(settings: LogSettings, stderr: Output): Promise<Log> {
  // Its own writer of the same file: process.stderr writes to a pipe at once, and waits while that is full.
  const file = pino.destination({ fd: 2, sync: false, maxLength: MOST_WAITING_OCTETS })
  return { logger: await createLog(settings, stderr, file), flush: () => file.flushSync() }
}

/** A log that is written to `destination`; `output` is looked at only for what it can show. */
export async function createLog(
  { level, format }: LogSettings,
  output: Output,
  destination: DestinationStream,
): Promise<Logger> {
  const isPretty = (format ?? (output.isTTY === true ? 'pretty' : 'json')) === 'pretty'
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // Nothing that is logged here has one; what a hook throws may.
    redact: ['passcode', '*.passcode'],
  }
  if (!isPretty) return pino(options, destination)
  // Most brokers run where no terminal is, and need not load it.
  const { PinoPretty } = await import('pino-pretty')
  const colorize = coloursOf(output).isColorSupported
  return pino(options, PinoPretty({ colorize, translateTime: 'SYS:HH:MM:ss.l', singleLine: true, destination }))
}
