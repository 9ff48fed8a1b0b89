/** A WebSocket door on an http server that the host owns. */

import type { Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import { Server as SocketServer } from 'node:net'
import { inspect } from 'node:util'
import type { Broker } from '@xtomp/core'
import { checkBroker, checkNames, SpareFiles } from '@xtomp/net/socket'
import { OPTION_NAMES, settingsOf, type WebSocketOptions } from './options.js'
import { noRoom } from './refusal.js'
import { claimUpgrades } from './upgrades.js'
import { WebSocketDoor } from './web-socket-door.js'

/** A server of the host's own: `http` or `https`, whatever answers its requests. */
export type HttpServer = Server | SecureServer

/** How a door on the host's server is to be. */
export interface AttachOptions extends WebSocketOptions {
  /** Where it answers; others on the same server are undisturbed. @defaultValue '/' */
  readonly path?: WebSocketOptions['path']
}

/** A door that is open on the host's server. */
export interface Attachment {
  /** How many connections it has taken and not lost; those that it turned away do not count. */
  readonly connections: number
  /**
   * Takes no more, ends the sessions that came through this door with an ERROR `broker-closing`, and resolves when they
   * are gone. The host's server stays as it is.
   */
  close(): Promise<void>
}

/**
 * Hands the WebSockets that come to a path of the host's server to the broker. `broker.close()` detaches it; the server
 * itself is the host's to close.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createBroker } from '@xtomp/core'
 * import { attach } from '@xtomp/ws'
 *
 * const broker = createBroker()
 * const server = createServer((_request, response) => response.end('a page'))
 * attach(broker, server, { path: '/stomp' })
 * server.listen(0, () => broker.close().then(() => server.close()))
 * ```
 * @throws TypeError where no server is given, an option is unknown or out of its range, or another door of the server has
 * named the path
 * @throws StompError `broker-closing` where the broker is closed
 */
export function attach(broker: Broker, server: HttpServer, options: AttachOptions = {}): Attachment {
  checkBroker(broker, 'attach(broker, server, options)')
  checkServer(server)
  checkNames(options, OPTION_NAMES)
  const settings = settingsOf({ ...options, path: options.path ?? '/' })
  const door: WebSocketDoor = new WebSocketDoor(broker, settings, { stop: () => detach() })
  const files = new SpareFiles(broker)
  let detach = (): void => undefined
  try {
    detach = claimUpgrades(server, door, (request, socket, head) =>
      files.receive(
        request.socket,
        () => door.take(request, socket, head),
        (refused, why) => door.refuse(refused, noRoom(why)),
      ),
    )
  } catch (error) {
    door.abandon()
    throw error
  }
  return door
}

/** An application listens for no upgrades, though it may look as if: nobody would ever come in. */
function checkServer(given: unknown): void {
  if (given instanceof SocketServer) return
  const what =
    typeof given === 'function' ? 'a function, such as an application of Express' : inspect(given, { depth: -1 })
  throw new TypeError(
    `attach(broker, server, options) must be given a server of node:http or node:https second; given ${what}: what app.listen() answers is one, or createServer(app)`,
  )
}
