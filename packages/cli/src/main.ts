/** The `xtomp` command. */

import { parseArgs } from 'node:util'
import { serve } from './serve.js'

const USAGE = `xtomp: a STOMP broker

  xtomp serve [--port N] [--host ADDRESS]    open a door for STOMP 1.0, 1.1 and 1.2 clients

  --port N         the TCP port; 0 for any that is free      (default 61613)
  --host ADDRESS   the address to bind                       (default 127.0.0.1: this machine only)
  --help           this text
`

// Whoever read the first line may have gone, as in a pipe into head: that is no reason to stop serving.
process.stdout.on('error', () => undefined)
await main(process.argv.slice(2))

async function main(args: string[]): Promise<void> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { port: { type: 'string' }, host: { type: 'string' }, help: { type: 'boolean' } },
    })
    if (values.help || positionals.length === 0) process.stdout.write(USAGE)
    else if (positionals[0] === 'serve' && positionals.length === 1)
      await serve({ port: portOf(values.port), host: values.host })
    else throw new TypeError(`there is no command ${positionals.join(' ')}; xtomp --help shows what there is`)
  } catch (error) {
    process.stderr.write(`xtomp: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

function portOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  // Number() would read an empty text as 0, any free port.
  if (!/^\d{1,5}$/.test(given) || Number(given) > 65_535)
    throw new TypeError(`--port must be a number from 0 to 65535; given '${given}'`)
  return Number(given)
}
