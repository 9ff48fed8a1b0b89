/** What is said of a door: to whoever reads the lines, and to whoever runs the command in a process of its own. */

import { transportOf } from '../config/listener.js'
import { authorityOf, reachable } from './address.js'
import { type OpenDoor, stompPathOf } from './open-door.js'

/** A door, for whoever wants to come in. */
export interface DoorFacts {
  readonly transport: string
  readonly isTls: boolean
  /** Where it is reached on this machine; of a UNIX socket its path. */
  readonly host: string
  readonly port: number | undefined
  /** The address of the page, where it serves that. */
  readonly page: string | undefined
}

/** What it speaks, and where. */
export function lineOf(door: OpenDoor): string {
  const { config } = door
  const place = placeOf(door)
  switch (transportOf(config)) {
    case 'tcp':
      return `STOMP on ${place}`
    case 'tls':
      return `STOMP over TLS on ${place}`
    case 'ws':
      return `STOMP over WebSocket on ws://${place}${stompPathOf(config)}`
    case 'mux': {
      const all = `STOMP, also over WebSocket at ${stompPathOf(config)}, on ${place}`
      const { page } = factsOf(door)
      return page === undefined ? all : `${all}; the page is ${page}`
    }
  }
}

/** What there is to know of it. */
export function factsOf({ config, listener: { address, port } }: OpenDoor): DoorFacts {
  const transport = transportOf(config)
  const isTls = config.tls !== undefined
  const host = reachable(address)
  const hasPage = config.page === true && port !== undefined
  const page = hasPage ? `http${isTls ? 's' : ''}://${authorityOf(host, port)}/` : undefined
  return { transport, isTls, host, port, page }
}

/** Where it is bound. */
export function placeOf({ listener: { address, port } }: OpenDoor): string {
  return port === undefined ? address : authorityOf(address, port)
}
