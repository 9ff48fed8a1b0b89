/** One port for all. */

import { createServer } from 'node:net'
import type { Broker } from '@xtomp/core'
import { checkBroker, socketOptionsOf } from '@xtomp/net/socket'
import type { Listener } from '@xtomp/tls'
import { MuxDoor } from './mux-door.js'
import { type MuxOptions, settingsOf } from './options.js'

/**
 * Opens a TCP port or a UNIX socket for whatever comes: what a client says first shows what it speaks.
 * `broker.close()` closes it; closing it leaves the broker as it is.
 *
 * @example
 * ```ts
 * import { createBroker } from '@xtomp/core'
 * import { listen } from '@xtomp/mux'
 *
 * const broker = createBroker()
 * const listener = await listen(broker, { port: 61613 })
 * console.log('STOMP and HTTP on', listener.port)
 * await broker.close()
 * ```
 * @throws TypeError where an option is unknown or makes no sense
 * @throws Error as Node's `server.listen` does: `EADDRINUSE`, `EACCES`
 * @throws StompError `broker-closing` where the broker is closed, or is while the door opens
 */
export async function listen(broker: Broker, options: MuxOptions = {}): Promise<Listener> {
  checkBroker(broker)
  const settings = settingsOf(options)
  const door = new MuxDoor(broker, createServer(socketOptionsOf(settings)), settings)
  await door.open()
  return door
}
