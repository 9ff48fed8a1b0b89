/**
 * One port for all that speak to an xtomp broker: raw STOMP, WebSocket, HTTP, each also under TLS.
 *
 * @module @xtomp/mux
 */

export type { Listener } from '@xtomp/tls'
export type { HealthOptions } from './health.js'
export { listen } from './listen.js'
export type { MuxOptions, MuxTlsOptions } from './options.js'
export type { ProxyOptions } from './trust.js'
