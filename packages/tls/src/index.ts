/**
 * TLS doors for an xtomp broker.
 *
 * @module @xtomp/tls
 */

export type { Listener } from './door.js'
export { listen } from './listen.js'
export type { ListenOptions } from './options.js'
export type { Certificates, Identity } from './socket/certificates.js'
export type { ClientCertificate, LoginFrom } from './socket/login.js'
