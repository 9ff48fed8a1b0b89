/** `xtomp passcode`: hashes a passcode, so that a configuration need not hold it. */

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { hashPasscode } from './config/passcode-hash.js'
import { EXIT } from './exit-codes.js'
import { type Streams, say } from './streams.js'

/** Reads a line, which a terminal does not show, and prints its hash. */
export async function passcode(streams: Streams): Promise<number> {
  const { stdin, stdout, stderr } = streams
  if (stdin.isTTY === true) stderr.write('passcode: ')
  const given = await firstLineOf(streams)
  if (stdin.isTTY === true) stderr.write('\n')
  if (given === '') {
    say(streams, 'a passcode is read from stdin, and there was none')
    return EXIT.failed
  }
  stdout.write(`${await hashPasscode(given)}\n`)
  return EXIT.fine
}

/** What is typed is written to nowhere. */
async function firstLineOf({ stdin }: Streams): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: stdin.isTTY === true })
  try {
    for await (const line of lines) return line
    return ''
  } finally {
    lines.close()
    stdin.destroy()
  }
}
