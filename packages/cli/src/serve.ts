/** `xtomp serve`: a broker behind its doors, until it is told to stop. */

import { type Broker, createBroker } from '@xtomp/core'
import type { Logger } from 'pino'
import type { Config } from './config/config.js'
import { type Given, type Settings, settingsOf } from './config/settings.js'
import { renewOnSignal } from './door/renew.js'
import { EXIT } from './exit-codes.js'
import { logOnStderr } from './log/create-log.js'
import { logEvents } from './log/log-events.js'
import { brokerOptionsOf, openAll, openingOf, tellOf } from './opening.js'
import { type Streams, say } from './streams.js'

/** What to serve. */
export interface ServeRequest extends Given {
  /** The configuration file. */
  readonly config?: string | undefined
}

/** Signals that come within this are one: a terminal sends Ctrl-C to all its processes, and npm passes it on once more. */
const ONE_SIGNAL_MS = 1_000

/** Opens the doors, says so in one line each, and drains on SIGTERM and SIGINT; answers the exit code of a failure. */
export async function serve(request: ServeRequest, streams: Streams): Promise<number> {
  const config = await configOf(request.config, streams)
  if (typeof config === 'number') return config
  const settings = settingsOf(config, request)
  if (settings.users.length > 0 && settings.broker.hooks?.authenticate !== undefined) {
    say(streams, 'XTOMP_LOGIN cannot stand beside broker.hooks.authenticate: both say who may connect')
    return EXIT.usage
  }
  const log = await logOnStderr({ level: settings.logLevel, format: settings.logFormat }, streams.stderr)
  try {
    if (settings.workers === undefined)
      stopOnSignal(await start(settings, log.logger, streams), settings.drainMs, streams)
    else {
      // What is needed for many processes is not loaded for one.
      const { serveOnWorkers } = await import('./serve-on-workers.js')
      const cluster = await serveOnWorkers(settings, log.logger, streams)
      if (cluster !== undefined) stopOnSignal(cluster, settings.drainMs, streams)
    }
    return EXIT.fine
  } catch (error) {
    log.flush()
    say(streams, error instanceof Error ? error.message : String(error))
    return EXIT.failed
  }
}

async function configOf(file: string | undefined, streams: Streams): Promise<Config | number> {
  if (file === undefined) return {}
  // The schema and its checks are for those who have a file.
  const [{ check }, { readConfig, UnreadableError }, { lineOf }] = await Promise.all([
    import('./config/problems.js'),
    import('./config/read-config.js'),
    import('./config/sentences.js'),
  ])
  try {
    const { config, problems } = check(await readConfig(file))
    for (const problem of problems) say(streams, lineOf(file, problem))
    return config ?? EXIT.failed
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    say(streams, error.message)
    return EXIT.usage
  }
}

/** A broker with its doors open. @throws Error where a door cannot be opened; then nothing is left */
export async function start(settings: Settings, logger: Logger, streams: Streams): Promise<Broker> {
  const broker = createBroker({ ...brokerOptionsOf(settings, logger), logger })
  logEvents(broker, logger)
  try {
    const doors = await openAll(broker, settings)
    tellOf(openingOf(doors, settings), logger, streams)
    renewOnSignal(doors, logger)
    return broker
  } catch (error) {
    await broker.close()
    throw error
  }
}

function stopOnSignal(broker: Pick<Broker, 'close'>, drainMs: number, { stdout }: Streams): void {
  let firstAt: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      stdout.write(`xtomp: draining for up to ${drainMs / 1_000} s; ${signal} once more ends it at once\n`)
      void broker.close({ drainMs })
    } else if (performance.now() - firstAt > ONE_SIGNAL_MS) {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      process.kill(process.pid, signal)
    }
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
