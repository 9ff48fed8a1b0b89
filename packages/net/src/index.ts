/**
 * TCP and UNIX socket doors for an xtomp broker.
 *
 * @packageDocumentation
 */

export { type Listener, type ListenOptions, listen } from './listen.js'
