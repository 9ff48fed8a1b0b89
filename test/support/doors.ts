/** The doors over which the conformance suite runs: a new door is one row of the table. */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import { type AddressInfo, connect, type NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Broker, type BrokerOptions, connectMemory } from '@xtomp/core'
import { listen as listenForAll } from '@xtomp/mux'
import { listen } from '@xtomp/net'
import { listen as listenTls } from '@xtomp/tls'
import { attach, listen as listenWebSocket } from '@xtomp/ws'
import { type Authority, type Certified, createAuthority, issueForServer } from './certificates.js'
import { dialWebSocket, inText } from './dial-web-socket.js'
import type { Dial, Pipe, PipeEvents } from './wire-client.js'

/** A door that is open: how clients come in, and how it is taken down. */
export interface OpenDoor {
  readonly dial: Dial
  close(): Promise<void>
}

/** A way into a broker. */
export interface Door {
  readonly name: string
  /** @param options - what the broker was told, where the test has told it anything */
  open(broker: Broker, options?: BrokerOptions): OpenDoor | Promise<OpenDoor>
}

/** All doors to brokers of our own. */
export const doors: readonly Door[] = [
  { name: 'memory', open: openMemory },
  { name: 'tcp', open: openTcp },
  { name: 'unix socket', open: openUnix },
  { name: 'ws', open: openWebSocket },
  { name: 'tls', open: openTls },
  // What it leaves out, as test/mux/listen.test.ts has it: HTTP is spoken there, so GET and POST get an answer of HTTP, and
  // no ERROR; and the time for CONNECT begins when it is clear that it may come.
  { name: 'mux', open: openMux },
  { name: 'wss', open: openSecureWebSocket },
  { name: 'mux, wss', open: openMuxSecured },
]

/** A broker that runs elsewhere: we can neither set its options nor move its time. */
export interface Target {
  readonly name: string
  readonly dial: Dial
}

/** The one that XTOMP_TARGET=host:port names. */
export const target: Target | undefined = targetOf(process.env.XTOMP_TARGET)

function openMemory(broker: Broker): OpenDoor {
  return { dial: (events) => connectMemory(broker, events), close: () => Promise.resolve() }
}

async function openTcp(broker: Broker): Promise<OpenDoor> {
  const listener = await listen(broker, { port: 0, host: '127.0.0.1' })
  return { dial: dialSocket({ host: '127.0.0.1', port: listener.port as number }), close: () => listener.close() }
}

/**
 * Who says nothing is seen off by the door for all, before there is a session whose limits hold: it is given the time that
 * the broker gives to CONNECT.
 */
async function openMux(broker: Broker, { limits = {} }: BrokerOptions = {}): Promise<OpenDoor> {
  const firstOctetsTimeoutMs = limits.connectTimeoutMs
  const listener = await listenForAll(broker, { port: 0, host: '127.0.0.1', firstOctetsTimeoutMs })
  return { dial: dialSocket({ host: '127.0.0.1', port: listener.port as number }), close: () => listener.close() }
}

/** The longest way in: a WebSocket over TLS at the port for all. */
async function openMuxSecured(broker: Broker): Promise<OpenDoor> {
  const { ca, server } = await localhost()
  const listener = await listenForAll(broker, { port: 0, tls: server })
  return { dial: dialWebSocket(`wss://127.0.0.1:${listener.port}/stomp`, { ca }), close: () => listener.close() }
}

async function openUnix(broker: Broker): Promise<OpenDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'xtomp-'))
  const path = join(folder, 's')
  const listener = await listen(broker, { path })
  const close = async () => {
    await listener.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { dial: dialSocket({ path }), close }
}

async function openWebSocket(broker: Broker): Promise<OpenDoor> {
  const listener = await listenWebSocket(broker, { port: 0 })
  return { dial: dialWebSocket(`ws://127.0.0.1:${listener.port}`), close: () => listener.close() }
}

async function openTls(broker: Broker): Promise<OpenDoor> {
  const { ca, server } = await localhost()
  const listener = await listenTls(broker, { port: 0, ...server })
  const dial = dialTls({ host: '127.0.0.1', port: listener.port as number }, { ca })
  return { dial, close: () => listener.close() }
}

/** On a server that another owns, with a client of text. */
async function openSecureWebSocket(broker: Broker): Promise<OpenDoor> {
  const { ca, server: certificate } = await localhost()
  const server = createServer(certificate)
  const door = attach(broker, server, { path: '/stomp' })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    await door.close()
    server.close()
    await once(server, 'close')
  }
  return { dial: dialWebSocket(`wss://127.0.0.1:${port}/stomp`, { ca }, inText), close }
}

let made: Promise<{ authority: Authority; ca: string; server: Certified }> | undefined

/** An authority, and what a server on this machine shows: made once for all tests of a file, for it takes a while. */
export function localhost(): Promise<{ authority: Authority; ca: string; server: Certified }> {
  made ??= createAuthority().then(async (authority) => {
    return { authority, ca: authority.ca, server: await issueForServer(authority) }
  })
  return made
}

/** Opens secured sockets as pipes. */
export function dialTls(to: NetConnectOpts, options: ConnectionOptions): Dial {
  return (events: PipeEvents) =>
    new Promise<Pipe>((resolve, reject) => {
      const transport = connect({ ...to, noDelay: true } as NetConnectOpts)
      const socket = connectTls({ ...options, socket: transport })
      socket.once('error', reject)
      socket.on('data', (octets) => events.receive(octets))
      // A broken connection is told by `closed`, as any other end is.
      socket.on('error', () => undefined)
      socket.on('close', () => events.closed())
      socket.once('secureConnect', () =>
        resolve({
          write: (octets) => socket.write(octets),
          end: () => socket.end(),
          // Only the socket below can be reset.
          abort: () => ('path' in to || socket.writableEnded ? socket.destroy() : transport.resetAndDestroy()),
          pause: () => socket.pause(),
          resume: () => socket.resume(),
        }),
      )
    })
}

/** Opens sockets as pipes. */
export function dialSocket(to: NetConnectOpts): Dial {
  return (events: PipeEvents) =>
    new Promise<Pipe>((resolve, reject) => {
      const socket = connect({ ...to, noDelay: true } as NetConnectOpts)
      socket.once('error', reject)
      socket.on('data', (octets) => events.receive(octets))
      // A broken connection is told by `closed`, as any other end is: which of the two a peer sees is a race.
      socket.on('error', () => undefined)
      socket.on('close', () => events.closed())
      socket.once('connect', () =>
        resolve({
          write: (octets) => socket.write(octets),
          end: () => socket.end(),
          // A UNIX socket cannot be reset, and one that has been ended may not be: then it is cut without a word.
          abort: () => ('path' in to || socket.writableEnded ? socket.destroy() : socket.resetAndDestroy()),
          pause: () => socket.pause(),
          resume: () => socket.resume(),
        }),
      )
    })
}

function targetOf(text: string | undefined): Target | undefined {
  if (text === undefined || text === '') return undefined
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (colon < 1 || !Number.isInteger(port)) throw new Error(`XTOMP_TARGET must be host:port, not ${text}`)
  return { name: `the broker at ${text}`, dial: dialSocket({ host: text.slice(0, colon), port }) }
}
