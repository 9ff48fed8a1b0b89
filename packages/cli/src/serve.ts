/** `xtomp serve`: a broker behind a TCP port, until it is told to stop. */

import { type Broker, createBroker } from '@xtomp/core'
import { type Listener, listen } from '@xtomp/net'

/** Where to serve. */
export interface ServeOptions {
  /** Default: the door's own, 61613. */
  readonly port: number | undefined
  /** Default: the door's own, this machine only. */
  readonly host: string | undefined
}

/** How long sessions may finish when the process is told to stop, in milliseconds. */
const DRAIN_MS = 5_000
/** Signals that come within this are one: a terminal sends Ctrl-C to all its processes, and npm passes it on once more. */
const ONE_SIGNAL_MS = 1_000

/** Opens the door, says so in one line, and drains on SIGTERM and SIGINT. */
export async function serve(options: ServeOptions): Promise<void> {
  const broker = createBroker()
  const { address, port } = await open(broker, options)
  process.stdout.write(`xtomp: STOMP on ${authority(address)}:${port}\n`)
  if (!isLoopback(address)) {
    process.stderr.write(
      `xtomp: warning: open to other machines (--host ${options.host}), and nobody is asked for a login\n`,
    )
  }
  stopOnSignal(broker)
}

async function open(broker: Broker, options: ServeOptions): Promise<Listener> {
  try {
    return await listen(broker, options)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    const { address, port } = error as { address?: string; port?: number }
    throw new Error(`another program listens on ${authority(address ?? '')}:${port}; --port N takes another port`)
  }
}

function stopOnSignal(broker: Broker): void {
  let firstAt: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      process.stdout.write(`xtomp: draining for up to ${DRAIN_MS / 1_000} s; ${signal} once more ends it at once\n`)
      void broker.close({ drainMs: DRAIN_MS })
    } else if (performance.now() - firstAt > ONE_SIGNAL_MS) {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      process.kill(process.pid, signal)
    }
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
