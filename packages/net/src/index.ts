/**
 * TCP and UNIX socket doors for an xtomp broker.
 *
 * @packageDocumentation
 */

export { listen, type ListenOptions, type Listener } from './listen.js'
