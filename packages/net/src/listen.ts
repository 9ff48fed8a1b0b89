/** A TCP or UNIX door for a broker. */

import { createServer } from 'node:net'
import type { Broker } from '@xtomp/core'
import { checkBroker } from './socket/check-broker.js'
import { type ListenOptions, settingsOf } from './socket/options.js'
import { type Listener, SocketDoor } from './socket/socket-door.js'
import { socketOptionsOf } from './socket/socket-options.js'
import { SpareFiles } from './socket/spare-files.js'
import { refuseTls } from './socket/tls-hello.js'

/**
 * Opens a TCP port or a UNIX socket, and hands what connects to the broker. `broker.close()` closes it; closing it
 * leaves the broker as it is. One broker may have any number of doors.
 *
 * @example
 * ```ts
 * import { createBroker } from '@xtomp/core'
 * import { listen } from '@xtomp/net'
 *
 * const broker = createBroker()
 * const listener = await listen(broker, { port: 61613 })
 * console.log('STOMP on', listener.port)
 * await broker.close()
 * ```
 * @throws TypeError where an option is unknown or out of its range
 * @throws Error as Node's `server.listen` does: `EADDRINUSE`, `EACCES`
 * @throws StompError `broker-closing` where the broker is closed, or is while the door opens
 */
export async function listen(broker: Broker, options: ListenOptions = {}): Promise<Listener> {
  checkBroker(broker)
  const settings = settingsOf(options)
  const server = createServer(socketOptionsOf(settings))
  const transport = 'path' in settings.place ? 'unix' : 'tcp'
  const door = new SocketDoor(broker, server, { ...settings, transport, refuseTls: refuseTls(broker) })
  new SpareFiles(broker).receiveFrom(
    server,
    (socket) => door.accept(socket),
    (socket, why) => door.turnAway(socket, why),
  )
  await door.open()
  return door
}
