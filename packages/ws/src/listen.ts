/** A WebSocket door on a port of its own. */

import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { type Broker, StompError } from '@xtomp/core'
import type { Listener, ListenOptions as SocketListenOptions } from '@xtomp/net'
import {
  bind,
  checkBroker,
  checkNames,
  LONGEST_MS,
  numberOf,
  pathOf,
  settingsOf as placeOf,
  socketOptionsOf,
} from '@xtomp/net/socket'
import { OPTION_NAMES, settingsOf, type WebSocketOptions } from './options.js'
import { OwnServer } from './own-server.js'
import { type Refusal, unknownPath } from './refusal.js'
import { type Claim, claimUpgrades } from './upgrades.js'
import { WebSocketDoor } from './web-socket-door.js'

/** Which options of other doors hold here. */
const PLACE_NAMES = ['port', 'host', 'backlog', 'keepAliveMs', 'reusePort'] as const

/** Where to listen, and how. */
export interface ListenOptions
  extends WebSocketOptions,
    Pick<SocketListenOptions, Exclude<(typeof PLACE_NAMES)[number], 'port'>> {
  /** The TCP port; 0 for any that is free. @defaultValue 15674 */
  readonly port?: number | undefined
  /** How long a client may take until its WebSocket is open, in milliseconds. @defaultValue 10,000 */
  readonly handshakeTimeoutMs?: number | undefined
}

/** As RabbitMQ's, which has no other name for it. */
const PORT = 15_674
const HANDSHAKE = { least: 1, most: LONGEST_MS, byDefault: 10_000 } as const

/**
 * Opens a port for WebSockets, and hands what comes to the broker. Other requests are answered with 426.
 * `broker.close()` closes it; closing it leaves the broker as it is.
 *
 * @example
 * ```ts
 * import { createBroker } from '@xtomp/core'
 * import { listen } from '@xtomp/ws'
 *
 * const broker = createBroker()
 * const listener = await listen(broker, { port: 15674, path: '/ws' })
 * console.log('STOMP over WebSocket on', listener.port)
 * await broker.close()
 * ```
 * @throws TypeError where an option is unknown or out of its range
 * @throws Error as Node's `server.listen` does: `EADDRINUSE`, `EACCES`
 * @throws StompError `broker-closing` where the broker is closed, or is while the door opens
 */
export async function listen(broker: Broker, options: ListenOptions = {}): Promise<Listener> {
  checkBroker(broker)
  checkNames(options, [...PLACE_NAMES, 'handshakeTimeoutMs', ...OPTION_NAMES])
  const { port, host, backlog, keepAliveMs, reusePort } = options
  const settings = settingsOf(options)
  const place = placeOf({ port, host, backlog, keepAliveMs, reusePort }, { defaultPort: PORT })
  const handshakeTimeoutMs = numberOf('handshakeTimeoutMs', options.handshakeTimeoutMs, HANDSHAKE)
  const http = createHttpServer((request, response) => answer(request, response, door))
  const entrance = new OwnServer(createServer(socketOptionsOf(place)), http, {
    clock: broker.clock,
    logger: broker.logger,
    handshakeTimeoutMs,
    lingerMs: settings.lingerMs,
    most: settings.maxConnections,
  })
  const door: WebSocketDoor = new WebSocketDoor(broker, settings, entrance)
  claimUpgrades(http, door, (request, socket, head) => {
    entrance.release(request.socket)
    door.take(request, socket, head)
  })
  try {
    await entrance.open((server) => bind(server, place))
  } catch (error) {
    door.abandon()
    throw error
  }
  if (entrance.isStopped) {
    await door.close()
    throw new StompError('broker-closing', 'the broker was closed while this door was opening')
  }
  return listenerOf(entrance, door)
}

function answer(request: IncomingMessage, response: ServerResponse, claim: Claim): void {
  const { status, text } = answerTo(pathOf(request), claim)
  response.writeHead(status, { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${text}\n`)
}

function answerTo(path: string, claim: Claim): Refusal {
  if (!claim.servesPath(path)) return unknownPath(path, claim.paths)
  return { status: 426, text: 'this is a STOMP broker: connect with a WebSocket' }
}

function listenerOf({ port, address }: OwnServer, door: WebSocketDoor): Listener {
  return {
    port,
    address,
    get connections() {
      return door.connections
    },
    close: () => door.close(),
  }
}
