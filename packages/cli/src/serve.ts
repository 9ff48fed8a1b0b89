/** `xtomp serve`: a broker behind its doors, until it is told to stop. */

import { channel } from 'node:diagnostics_channel'
import { type Broker, type Credentials, createBroker, type Hooks } from '@xtomp/core'
import type { Logger } from 'pino'
import type { Config } from './config/config.js'
import { type ListenerConfig, transportOf } from './config/listener.js'
import { type Given, isTcp, isWeb, type Settings, settingsOf } from './config/settings.js'
import { authenticateAs } from './config/users.js'
import { authorityOf, isLoopback } from './door/address.js'
import { factsOf, lineOf, placeOf } from './door/door-facts.js'
import { type OpenDoor, openDoor } from './door/open-door.js'
import { renewOnSignal } from './door/renew.js'
import { EXIT } from './exit-codes.js'
import { logOnStderr } from './log/create-log.js'
import { logEvents } from './log/log-events.js'
import { type Streams, say } from './streams.js'

/** What to serve. */
export interface ServeRequest extends Given {
  /** The configuration file. */
  readonly config?: string | undefined
}

/** Hears which doors are open: for whoever runs the command in a process of its own, as `npm start` does. */
const SERVING = channel('xtomp.serving')

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
    const broker = await start(settings, log.logger, streams)
    stopOnSignal(broker, settings.drainMs, streams)
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
  const hooks = hooksOf(settings, logger)
  const broker = createBroker({ ...settings.broker, ...(hooks === undefined ? {} : { hooks }), logger })
  logEvents(broker, logger)
  try {
    const doors: OpenDoor[] = []
    for (const config of settings.listeners) doors.push(await open(broker, config, settings.listeners))
    for (const door of doors) streams.stdout.write(`xtomp: ${lineOf(door)}\n`)
    if (hooks?.authenticate === undefined) warnOf(doors, logger)
    renewOnSignal(doors, logger)
    SERVING.publish({ doors: doors.map(factsOf), isOpen: hooks?.authenticate === undefined })
    return broker
  } catch (error) {
    await broker.close()
    throw error
  }
}

function hooksOf({ broker, users }: Settings, logger: Logger): Hooks | undefined {
  if (users.length === 0) return broker.hooks
  const refused = ({ login, connection }: Credentials): void => {
    const { transport, remoteAddress, remotePort } = connection
    logger.warn({ login: login?.slice(0, 64), transport, remoteAddress, remotePort }, 'a login was refused')
  }
  // Hooks may be an instance of a class, whose methods are not its own.
  return Object.assign(Object.create(broker.hooks ?? {}) as Hooks, { authenticate: authenticateAs(users, refused) })
}

function warnOf(doors: readonly OpenDoor[], logger: Logger): void {
  // Who asks for certificates, and lets nobody in without one, has asked.
  const open = doors.filter(({ config, listener: { address, port } }) => {
    const { requestCert = false, rejectUnauthorized = true } = config.tls ?? {}
    const asksAll = transportOf(config) === 'tls' && requestCert && rejectUnauthorized
    return port !== undefined && !isLoopback(address) && !asksAll
  })
  if (open.length > 0) logger.warn({ on: open.map(placeOf) }, 'open to other machines, and nobody is asked for a login')
}

async function open(broker: Broker, config: ListenerConfig, all: readonly ListenerConfig[]): Promise<OpenDoor> {
  try {
    return await openDoor(broker, config)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    const { address, port } = error as { address?: string; port?: number }
    if (port === undefined || port < 0) throw new Error(`another program listens on ${address}`)
    throw new Error(`another program listens on ${authorityOf(address ?? '', port)}; ${whatMoves(config, all)}`)
  }
}

/** A port that is given is that of the first TCP door, or of the first that is shared; the others are the configuration's. */
function whatMoves(config: ListenerConfig, all: readonly ListenerConfig[]): string {
  if (config === all.find(isTcp)) return '--port N (npm start -- --port N) or XTOMP_PORT=N takes another port'
  if (config === all.find(isWeb))
    return '--web-port N (npm start -- --web-port N) or XTOMP_WEB_PORT=N takes another port, off none'
  return `listeners[${all.indexOf(config)}].port in the configuration says which port it takes`
}

function stopOnSignal(broker: Broker, drainMs: number, { stdout }: Streams): void {
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
