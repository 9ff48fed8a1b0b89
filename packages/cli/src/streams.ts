/** The three streams of a command, and what a terminal can show. */

import type { Readable, Writable } from 'node:stream'
import picocolors from 'picocolors'

/** Where a command writes; a terminal is one that says so. */
export interface Output extends Writable {
  readonly isTTY?: boolean
  readonly columns?: number
  hasColors?(): boolean
}

/** Where a command reads. */
export interface Input extends Readable {
  readonly isTTY?: boolean
}

/** What a command is given to read from and to write to. */
export interface Streams {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
}

/** The colours of a stream; none where it is no terminal, or where NO_COLOR asks for none: Node looks at that. */
export function coloursOf(output: Output): ReturnType<typeof picocolors.createColors> {
  return picocolors.createColors(output.isTTY === true && output.hasColors?.() === true)
}

/** Says something on stderr, in one line. */
export function say({ stderr }: Streams, text: string): void {
  stderr.write(`xtomp: ${withoutPasscode(text)}\n`)
}

/** A text without the passcode of any URL in it, also of one that was mistyped. */
export function withoutPasscode(text: string): string {
  return text.replace(/(:\/\/[^\s/:@]*):\S*@/g, '$1:***@')
}
