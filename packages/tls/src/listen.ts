/** A TLS door for a broker. */

import { createServer } from 'node:net'
import type { Broker } from '@xtomp/core'
import { checkBroker, settingsOf, socketOptionsOf } from '@xtomp/net/socket'
import { type Listener, TlsDoor } from './door.js'
import type { ListenOptions } from './options.js'
import { TLS_OPTIONS, tlsSettingsOf } from './socket/settings.js'

const DEFAULT_PORT = 61614

/**
 * Opens a port that speaks TLS, and hands what connects to the broker. `broker.close()` closes it; closing it leaves the
 * broker as it is. One broker may have any number of doors.
 *
 * @throws TypeError where an option is unknown, out of its range or missing, or a certificate cannot be used
 * @throws Error as Node's `server.listen` does: `EADDRINUSE`, `EACCES`
 * @throws StompError `broker-closing` where the broker is closed, or is while the door opens
 */
export async function listen(broker: Broker, options: ListenOptions): Promise<Listener> {
  checkBroker(broker)
  const place = settingsOf(options, { others: TLS_OPTIONS, defaultPort: DEFAULT_PORT })
  const door = new TlsDoor(broker, createServer(socketOptionsOf(place)), { ...place, ...tlsSettingsOf(options) })
  await door.open()
  return door
}
