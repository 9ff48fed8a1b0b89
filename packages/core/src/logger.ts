/** Where faults are written when nobody listens: the console, or whatever the host gives. */

/** What belongs to a line of the log; `err` is what was thrown, as pino and its like expect it. */
export interface LogFields {
  readonly err?: unknown
  readonly [name: string]: unknown
}

/** Shaped like pino: the broker calls these three with fields and one sentence. A passcode is in neither. */
export interface Logger {
  /** Something the operator may want to know. */
  info(fields: LogFields, message: string): void
  /** Something that will bite later. */
  warn(fields: LogFields, message: string): void
  /** A fault of the host's code or of the store. */
  error(fields: LogFields, message: string): void
}

/** Writes to `console`. */
export const consoleLogger: Logger = {
  info: (fields, message) => console.info(...lineOf(fields, message)),
  warn: (fields, message) => console.warn(...lineOf(fields, message)),
  error: (fields, message) => console.error(...lineOf(fields, message)),
}

function lineOf({ err }: LogFields, message: string): unknown[] {
  return err === undefined ? [`xtomp: ${message}`] : [`xtomp: ${message}`, err]
}
