/**
 * What secures the sockets of a door, whoever has accepted them: `@xtomp/mux` is built on it, and so may be a door of
 * your own.
 *
 * @module @xtomp/tls/socket
 */

export type { Certificates, Identity } from './certificates.js'
export { type HandshakeEvents, Handshakes, SECURED_SOCKETS } from './handshakes.js'
export type { ClientCertificate, LoginFrom } from './login.js'
export { TLS_OPTIONS, type TlsOptions, type TlsSettings, tlsSettingsOf } from './settings.js'
