/** `xtomp serve`: a broker behind a TCP port, until it is told to stop. */

import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'

/** Where to serve. */
export interface ServeOptions {
  readonly port: number | undefined
  readonly host: string | undefined
}

/** How long sessions may finish when the process is told to stop, in milliseconds. */
const DRAIN_MS = 5_000
const PORT = 61613
const LOOPBACK = '127.0.0.1'

/** Opens the door, says so in one line, and drains on SIGTERM and SIGINT. */
export async function serve({ port = PORT, host = LOOPBACK }: ServeOptions): Promise<void> {
  const broker = createBroker()
  const listener = await listen(broker, { port, host })
  process.stdout.write(`xtomp: STOMP on ${authority(listener.address)}:${listener.port}\n`)
  if (!isLoopback(listener.address)) {
    process.stderr.write(`xtomp: warning: open to other machines (--host ${host}), and nobody is asked for a login\n`)
  }
  const stop = (): void => {
    // A second signal ends the process at once, as it would without us.
    process.off('SIGTERM', stop)
    process.off('SIGINT', stop)
    process.stdout.write('xtomp: draining\n')
    void broker.close({ drainMs: DRAIN_MS })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function authority(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
