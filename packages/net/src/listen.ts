/** A TCP or UNIX door for a broker. */

import { createServer } from 'node:net'
import type { Broker } from '@xtomp/core'
import { type ListenOptions, settingsOf } from './options.js'
import { type Listener, SocketDoor } from './socket-door.js'

const KEEP_ALIVE_MS = 60_000

/**
 * Opens a TCP port or a UNIX socket, and hands what connects to the broker. `broker.close()` closes it; closing it
 * leaves the broker as it is. One broker may have any number of doors.
 *
 * @example
 * const listener = await listen(broker, { port: 61613 })
 * @throws TypeError where an option is unknown or out of its range
 * @throws Error as Node's `server.listen` does: `EADDRINUSE`, `EACCES`
 * @throws StompError `broker-closing` where the broker is closed, or is while the door opens
 */
export async function listen(broker: Broker, options: ListenOptions = {}): Promise<Listener> {
  const settings = settingsOf(options)
  // Half-open: a client that has sent all it has, such as nc, still gets its answers.
  const sockets = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
  const server = createServer(sockets)
  const door = new SocketDoor(broker, server, settings)
  server.on('connection', (socket) => door.accept(socket))
  await door.open()
  return door
}
