/** Where faults are written when nobody listens: the console, or whatever the host gives. */

/** Shaped like `console` and like pino: the broker calls these three with one sentence and, at times, a cause. */
export interface Logger {
  /** Something the operator may want to know. */
  info(message: string): void
  /** Something that will bite later. */
  warn(message: string): void
  /** A fault of the host's code or of the store. */
  error(message: string, cause?: unknown): void
}

/** Writes to `console`. */
export const consoleLogger: Logger = {
  info: (message) => console.info(`xtomp: ${message}`),
  warn: (message) => console.warn(`xtomp: ${message}`),
  error: (message, cause) =>
    cause === undefined ? console.error(`xtomp: ${message}`) : console.error(`xtomp: ${message}`, cause),
}
