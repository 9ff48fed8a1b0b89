/** How the system is to treat the sockets of every door. */

import type { ServerOpts } from 'node:net'
import type { ListenSettings } from './options.js'

const SECOND_MS = 1_000

/** For `createServer`, of whatever kind of server. */
export function socketOptionsOf({ keepAliveMs }: Pick<ListenSettings, 'keepAliveMs'>): ServerOpts {
  return {
    // A client that has sent all it has, such as nc, still gets its answers.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: keepAliveMs > 0,
    // Node cuts off what is no whole second, and takes 0 s for the system's default: two hours.
    keepAliveInitialDelay: Math.ceil(keepAliveMs / SECOND_MS) * SECOND_MS,
  }
}
