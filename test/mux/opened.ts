/** What tests of the port for all share: a door whose log is heard, sockets that say what they are told, and what comes back. */

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect as dialTo, type Socket } from 'node:net'
import type { Broker, BrokerOptions, ConnectionInfo, LogFields } from '@xtomp/core'
import { listen, type MuxOptions } from '@xtomp/mux'
import type { Listener } from '@xtomp/net'
import { onTestFinished } from 'vitest'
import { LINGER_MS } from '../support/floods.js'
import { connected, open, placeOf } from '../support/listeners.js'

export const CONNECT = 'CONNECT\naccept-version:1.2\nhost:/\n\n\0'

/** A broker whose log is heard, and a door for all. */
export async function opened(options: MuxOptions = {}, brokerOptions: BrokerOptions = {}) {
  const warned: string[] = []
  const errors: unknown[] = []
  const logger = {
    info: () => undefined,
    warn: (_: LogFields, message: string) => warned.push(message),
    error: ({ err }: LogFields) => errors.push(err),
  }
  const { broker, clock } = open({ logger, ...brokerOptions })
  const place = options.path === undefined ? { port: 0 } : {}
  const listener = await listen(broker, { ...place, lingerMs: LINGER_MS, ...options })
  return { broker, clock, listener, warned, errors }
}

/** A socket that sends nothing by itself, and stays open where the other side ends. */
export async function socketTo(listener: Listener, from?: string): Promise<Socket> {
  const socket = dialTo({
    ...placeOf(listener),
    ...(from === undefined ? {} : { localAddress: from }),
    allowHalfOpen: true,
  })
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** All that comes until the end. */
export async function allOf(socket: Socket): Promise<string> {
  const parts: Buffer[] = []
  socket.on('data', (octets: Buffer) => parts.push(octets))
  await once(socket, 'end')
  socket.end()
  return Buffer.concat(parts).toString('latin1')
}

/** What is answered to octets. */
export async function answerTo(listener: Listener, octets: string | Uint8Array): Promise<string> {
  const socket = await socketTo(listener)
  socket.write(octets)
  return allOf(socket)
}

/** What an http client is answered. */
export async function ask(
  listener: Listener,
  { path = '/health', method = 'GET', headers = {} }: { path?: string; method?: string; headers?: object } = {},
) {
  const asked = request({
    host: listener.address,
    port: listener.port,
    path,
    method,
    agent: false,
    headers: { ...headers },
  })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const body = (await response.toArray()).join('')
  return { status: response.statusCode, headers: response.headers, body }
}

/** Who is connected, as the session says. */
export function peersOf(
  broker: Broker,
): Pick<ConnectionInfo, 'transport' | 'remoteAddress' | 'remotePort' | 'proxyAddress'>[] {
  return [...broker.sessions()].map(({ connection: { transport, remoteAddress, remotePort, proxyAddress } }) => ({
    transport,
    remoteAddress,
    remotePort,
    proxyAddress,
  }))
}

/** Writes, and waits until the other side has read it: what is written at one moment is not read at the next. */
export async function written(socket: Socket, text: string, listener: Listener): Promise<void> {
  await new Promise<void>((resolve) => socket.write(Buffer.from(text, 'latin1'), () => resolve()))
  // Another that is answered: what came before it was read before.
  const other = await connected(listener)
  await other.disconnect()
}
