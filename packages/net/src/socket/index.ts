/**
 * What doors made of sockets share: `@xtomp/tls` and `@xtomp/mux` are built on it, and so may be a door of your own.
 *
 * @module @xtomp/net/socket
 */

export { Arrivals } from './arrivals.js'
export { bind, whyNoReusePort } from './bind.js'
export { checkBroker } from './check-broker.js'
export { Connections } from './connections.js'
export { isEncrypted, isTakenAtOnce } from './encrypted.js'
export { firstOctets } from './first-octets.js'
export { meant } from './meant.js'
export {
  checkNames,
  type DoorKind,
  type ListenSettings,
  LONGEST_MS,
  type NumberRule,
  numberOf,
  type Place,
  settingsOf,
} from './options.js'
export { pathOf } from './path-of.js'
export { printable } from './printable.js'
export { Seldom } from './seldom.js'
export { tellFaults } from './server-faults.js'
export { SocketConnection, type SocketOptions, type SocketSettings } from './socket-connection.js'
export { SocketDoor, type SocketDoorSettings } from './socket-door.js'
export { socketOptionsOf } from './socket-options.js'
export { mostOpenFiles, SpareFiles } from './spare-files.js'
export { tlsFactsOf } from './tls-facts.js'
export { beginsTls, refuseTls } from './tls-hello.js'
export { tooMany } from './too-many.js'
export { TrustedAddresses } from './trusted-addresses.js'
