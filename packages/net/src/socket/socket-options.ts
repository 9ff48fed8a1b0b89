/** How the system is to treat the sockets of every door. */

import type { ServerOpts } from 'node:net'

/** For `createServer`, of whatever kind of server. */
export const SOCKET_OPTIONS = {
  // A client that has sent all it has, such as nc, still gets its answers.
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
} as const satisfies ServerOpts
