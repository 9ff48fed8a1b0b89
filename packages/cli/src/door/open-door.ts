/** Opens a door of a configuration, whatever it speaks. */

import type { Broker } from '@xtomp/core'
import { type Listener, type ListenOptions, listen } from '@xtomp/net'
import type { WebSocketOptions } from '@xtomp/ws'
import { DEFAULT_PORTS, type ListenerConfig, STOMP_PATH, type Transport, transportOf } from '../config/listener.js'
import { originsFor } from './origins.js'
import { certificatesOf, tlsOptionsOf } from './tls-options.js'

/** A door that is open. */
export interface OpenDoor {
  readonly config: ListenerConfig
  readonly listener: Listener
  /** Reads its certificates again, where it has some. @throws Error where they cannot be used; it keeps those that it has */
  readonly renew?: (() => void) | undefined
}

type Open = (broker: Broker, config: ListenerConfig) => Promise<Omit<OpenDoor, 'config'>>

/** What only some doors need is loaded for those alone. */
const OPEN: Readonly<Record<Transport, Open>> = {
  tcp: async (broker, config) => ({ listener: await listen(broker, placeOf(config)) }),
  tls: async (broker, config) => {
    const { listen } = await import('@xtomp/tls')
    const { tls } = config
    if (tls === undefined)
      throw new TypeError('a listener with transport tls needs tls.certFile and tls.keyFile, or tls.pfxFile')
    const listener = await listen(broker, { ...placeOf(config), ...tlsOptionsOf(tls) })
    return { listener, renew: () => listener.setCertificates(certificatesOf(tls)) }
  },
  ws: async (broker, config) => {
    const { listen } = await import('@xtomp/ws')
    const { path: _, ...place } = placeOf(config)
    const { handshakeTimeoutMs, proxy } = config
    const trust = proxy?.trust
    return { listener: await listen(broker, { ...place, handshakeTimeoutMs, trust, ...webSocketOptionsOf(config) }) }
  },
  mux: async (broker, config) => {
    const [{ listen }, { servePage }] = await Promise.all([import('@xtomp/mux'), import('../page/serve-page.js')])
    const { firstOctetsTimeoutMs, health, page, proxy, tls } = config
    const listener = await listen(broker, {
      ...placeOf(config),
      firstOctetsTimeoutMs,
      health,
      proxy,
      http: page === true ? servePage(stompPathOf(config)) : undefined,
      ws: webSocketOptionsOf(config),
      tls: tls === undefined ? undefined : { ...tlsOptionsOf(tls), required: tls.required },
    })
    return { listener, renew: tls === undefined ? undefined : () => listener.setCertificates(certificatesOf(tls)) }
  },
}

/** @throws Error as the door does, or where a certificate cannot be read */
export async function openDoor(broker: Broker, config: ListenerConfig): Promise<OpenDoor> {
  return { config, ...(await OPEN[transportOf(config)](broker, config)) }
}

/** Where a door takes WebSockets: the first of its paths. */
export function stompPathOf({ ws }: ListenerConfig): string {
  const path = ws?.path ?? STOMP_PATH
  return typeof path === 'string' ? path : (path[0] ?? STOMP_PATH)
}

/** Whoever has not said where gets the port of the transport. */
function placeOf(config: ListenerConfig): ListenOptions {
  const { port, host, path, backlog, maxConnections, lingerMs, keepAliveMs, reusePort } = config
  const place = path === undefined ? { port: port ?? DEFAULT_PORTS[transportOf(config)], host } : { path }
  return { ...place, backlog, maxConnections, lingerMs, keepAliveMs, reusePort }
}

function webSocketOptionsOf({ host = '127.0.0.1', ws = {} }: ListenerConfig): WebSocketOptions {
  const { origins, ...options } = ws
  return { ...options, origins: originsFor(origins, host) }
}
