/**
 * TCP and UNIX socket doors for an xtomp broker.
 *
 * @module @xtomp/net
 */

export { listen } from './listen.js'
export type { ListenOptions } from './socket/options.js'
export type { Listener } from './socket/socket-door.js'
