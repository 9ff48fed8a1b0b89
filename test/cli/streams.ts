/** The streams of a command that runs in the test's own process: what goes in is given, what comes out is kept. */

import { PassThrough, Writable } from 'node:stream'
import type { Input, Output, Streams } from '../../packages/cli/src/streams.js'

/** An output whose text is kept. */
class Kept extends Writable {
  readonly isTTY: boolean
  readonly columns = 100
  text = ''

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }

  hasColors(): boolean {
    return this.isTTY && !process.env.NO_COLOR
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** A command's surroundings, for a test. */
export interface TestStreams extends Streams {
  readonly stdin: PassThrough & Input
  readonly stdout: Output & { readonly text: string }
  readonly stderr: Output & { readonly text: string }
}

/** Streams of a pipe, or of a terminal. */
export function testStreams({ input, isTTY = false }: { input?: string; isTTY?: boolean } = {}): TestStreams {
  const stdin = new PassThrough()
  if (input !== undefined) stdin.end(input)
  return { stdin, stdout: new Kept(isTTY), stderr: new Kept(isTTY) }
}
