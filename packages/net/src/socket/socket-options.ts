/** How the system is to treat the sockets of every door. */

import type { ServerOpts } from 'node:net'
import type { ListenSettings } from './options.js'

/** For `createServer`, of whatever kind of server. */
export function socketOptionsOf({ keepAliveMs }: Pick<ListenSettings, 'keepAliveMs'>): ServerOpts {
  return {
    // A client that has sent all it has, such as nc, still gets its answers.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: keepAliveMs > 0,
    keepAliveInitialDelay: keepAliveMs,
  }
}
