/**
 * An xtomp broker in a Fastify application: on its own server, with its life.
 *
 * @module @xtomp/fastify
 */

export type { StompOptions } from './options.js'
export { type StompPlugin, stomp } from './plugin.js'
