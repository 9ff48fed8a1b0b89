/** What is served of a configuration: its doors, who may come in, and what is told of them. */

import { channel } from 'node:diagnostics_channel'
import type { Broker, Credentials, Hooks } from '@xtomp/core'
import type { Logger } from 'pino'
import { type ListenerConfig, transportOf } from './config/listener.js'
import { isTcp, isWeb, type Settings } from './config/settings.js'
import { authenticateAs } from './config/users.js'
import { authorityOf, isLoopback } from './door/address.js'
import { type DoorFacts, factsOf, lineOf, placeOf } from './door/door-facts.js'
import { type OpenDoor, openDoor } from './door/open-door.js'
import type { Streams } from './streams.js'

/** Hears which doors are open: for whoever runs the command in a process of its own, as `npm start` does. */
const SERVING = channel('xtomp.serving')

/** What is told of doors that are open; JSON can say it. */
export interface Opening {
  readonly lines: readonly string[]
  readonly facts: readonly DoorFacts[]
  /** Whether nobody is asked for a login. */
  readonly isOpen: boolean
  /** Where other machines may come in without one. */
  readonly exposed: readonly string[]
}

/** What there is to tell. */
export function openingOf(doors: readonly OpenDoor[], settings: Settings): Opening {
  const isOpen = settings.users.length === 0 && settings.broker.hooks?.authenticate === undefined
  return { lines: doors.map(lineOf), facts: doors.map(factsOf), isOpen, exposed: isOpen ? exposedOf(doors) : [] }
}

/** Says that the doors are open. */
export function tellOf({ lines, facts, isOpen, exposed }: Opening, logger: Logger, { stdout }: Streams): void {
  for (const line of lines) stdout.write(`xtomp: ${line}\n`)
  if (exposed.length > 0) logger.warn({ on: exposed }, 'open to other machines, and nobody is asked for a login')
  SERVING.publish({ doors: facts, isOpen })
}

/** Opens the doors, in their order. */
export async function openAll<User>(broker: Broker<User>, { listeners }: Settings): Promise<OpenDoor[]> {
  const doors: OpenDoor[] = []
  for (const config of listeners) doors.push(await open(broker as Broker, config, { listeners, doors }))
  return doors
}

/** The broker's options, with the users of the configuration. */
export function brokerOptionsOf(settings: Settings, logger: Logger): Settings['broker'] {
  const hooks = hooksOf(settings, logger)
  return { ...settings.broker, ...(hooks === undefined ? {} : { hooks }) }
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

function exposedOf(doors: readonly OpenDoor[]): string[] {
  // Who asks for certificates, and lets nobody in without one, has asked.
  const exposed = doors.filter(({ config, listener: { address, port } }) => {
    const { requestCert = false, rejectUnauthorized = true } = config.tls ?? {}
    const asksAll = transportOf(config) === 'tls' && requestCert && rejectUnauthorized
    return port !== undefined && !isLoopback(address) && !asksAll
  })
  return exposed.map(placeOf)
}

/** All doors that there are to be, and those that are open. */
interface Others {
  readonly listeners: readonly ListenerConfig[]
  readonly doors: readonly OpenDoor[]
}

async function open(broker: Broker, config: ListenerConfig, { listeners, doors }: Others): Promise<OpenDoor> {
  try {
    return await openDoor(broker, config)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    const { address, port } = error as { address?: string; port?: number }
    if (port === undefined || port < 0) throw new Error(`another program listens on ${address}`)
    const isOurs = doors.some(({ listener }) => listener.port === port)
    const who = isOurs ? 'another door of this broker' : 'another program'
    throw new Error(`${who} listens on ${authorityOf(address ?? '', port)}; ${whatMoves(config, listeners)}`)
  }
}

/** A port that is given is that of the first TCP door, or of the first that is shared; the others are the configuration's. */
function whatMoves(config: ListenerConfig, all: readonly ListenerConfig[]): string {
  if (config === all.find(isTcp)) return '--port N (npm start -- --port N) or XTOMP_PORT=N takes another port'
  if (config === all.find(isWeb))
    return '--web-port N (npm start -- --web-port N) or XTOMP_WEB_PORT=N takes another port, off none'
  return `listeners[${all.indexOf(config)}].port in the configuration says which port it takes`
}
