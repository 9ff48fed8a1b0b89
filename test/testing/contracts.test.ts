/** The contracts of the ports, which what is ours passes. */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { type Broker, type Connection, connectMemory, createMemoryStore, type Inbound } from '@xtomp/core'
import { listen as listenForAll } from '@xtomp/mux'
import { type ListenOptions, listen } from '@xtomp/net'
import {
  backplaneContract,
  type ConnectionHarness,
  type ConnectionPeer,
  type ConnectionPeerEvents,
  type Contract,
  connectionContract,
  destinationContract,
  type StoreHarness,
  storeContract,
} from '@xtomp/testing/contracts'
import { listen as listenTls } from '@xtomp/tls'
import { listen as listenWebSocket } from '@xtomp/ws'
import { describe, test } from 'vitest'
import { linkedBackplane, memoryBackplane } from '../support/backplanes.js'
import { queueHarness, remoteQueueHarness, topicHarness } from '../support/destinations.js'
import { dialWebSocket } from '../support/dial-web-socket.js'
import { localhost } from '../support/doors.js'

/** How long net's adapter lets a peer keep a closing connection, here. */
const LINGER_MS = 50
const TIMEOUT_MS = 20_000

const memory: ConnectionHarness = {
  open: (broker, events) => connectMemory(broker, events),
  linger: (clock) => clock.advance(2_000),
}

/** Sockets, by what `listen` is told; each case has a listener of its own. */
function sockets(optionsOf: () => Promise<ListenOptions>, done: (options: ListenOptions) => Promise<void>) {
  return ofItsOwn(() => {
    let options: ListenOptions = {}
    return {
      open: async (broker, events) => {
        options = await optionsOf()
        const { port } = await listen(broker, { ...options, lingerMs: LINGER_MS })
        const { path } = options
        return dialled(path === undefined ? { port: port ?? 0, host: '127.0.0.1' } : { path }, events)
      },
      linger,
      close: () => done(options),
    }
  })
}

const secured: ConnectionHarness = {
  open: async (broker, events) => {
    const { ca, server } = await localhost()
    const { port } = await listenTls(broker, { ...server, port: 0, lingerMs: LINGER_MS })
    // A secured socket is half open where the one below it is.
    const transport = connect({ port: port ?? 0, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const socket = connectTls({ socket: transport, ca })
    await once(socket, 'secureConnect')
    return peerOf(socket, events)
  },
  linger,
}

/** A door for all knows a connection when it has spoken: with a heart-beat, of which the case hears nothing. */
const firstSpoken: ConnectionHarness = {
  open: async (broker, events) => {
    const { port = 0 } = await listenForAll(leavingOut(1, broker), { port: 0, lingerMs: LINGER_MS })
    const peer = await dialled({ port, host: '127.0.0.1' }, events)
    peer.write(new Uint8Array([0x0a]))
    return peer
  },
  linger,
}

/** A broker that does not hear the first octets of its connections. */
function leavingOut(octets: number, broker: Broker): Broker {
  const accept = broker.accept.bind(broker)
  const acceptAfter = (connection: Connection): Inbound => {
    const inbound = accept(connection)
    let left = octets
    const receive = (chunk: Uint8Array): void => {
      const rest = chunk.subarray(left)
      left -= chunk.length - rest.length
      if (rest.length > 0) inbound.receive(rest)
    }
    return new Proxy(inbound, { get: (of, key) => (key === 'receive' ? receive : Reflect.get(of, key).bind(of)) })
  }
  return Object.assign(broker, { accept: acceptAfter })
}

function linger(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LINGER_MS))
}

function ofItsOwn(harness: () => ConnectionHarness): readonly Contract[] {
  // What one case has put up is not for another to take down.
  return connectionContract(harness()).map(({ name }, at) => ({
    name,
    run: () => (connectionContract(harness())[at] as Contract).run(),
  }))
}

async function dialled(to: NetConnectOpts, events: ConnectionPeerEvents): Promise<ConnectionPeer> {
  // The end of the broker's side is to be seen by itself.
  const socket = connect({ ...to, allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  return peerOf(socket, events)
}

function peerOf(socket: Socket, events: ConnectionPeerEvents): ConnectionPeer {
  socket.on('error', () => undefined)
  socket.on('data', (octets) => events.receive(octets))
  socket.on('end', () => events.closed())
  socket.on('close', () => events.closed())
  return {
    write: (octets) => socket.write(octets),
    end: () => socket.end(),
    abort: () => socket.destroy(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  }
}

/** WebSockets; each case has a listener of its own. */
const webSockets: ConnectionHarness = {
  open: async (broker, events) => {
    const { port } = await listenWebSocket(broker, { port: 0, lingerMs: LINGER_MS })
    return dialWebSocket(`ws://127.0.0.1:${port}`)(events)
  },
  linger: () => new Promise((resolve) => setTimeout(resolve, LINGER_MS)),
}

const storeInMemory: StoreHarness = {
  open: () => createMemoryStore(),
  // It outlives a broker, and nothing else: it is its own next life.
  reopen: (store) => store,
}

const implementations: readonly (readonly [name: string, contract: readonly Contract[]])[] = [
  ['the connection in memory', connectionContract(memory)],
  [
    "net's connection over TCP",
    sockets(
      async () => ({ port: 0, host: '127.0.0.1' }),
      async () => undefined,
    ),
  ],
  [
    "net's connection over a UNIX socket",
    sockets(
      async () => ({ path: join(await mkdtemp(join(tmpdir(), 'xtomp-')), 's') }),
      async ({ path = '' }) => rm(join(path, '..'), { recursive: true, force: true }),
    ),
  ],
  ["ws's connection", connectionContract(webSockets)],
  ["tls's connection", connectionContract(secured)],
  ["mux's connection", connectionContract(firstSpoken)],
  ['the store in memory', storeContract(storeInMemory)],
  ['the backplane in memory', backplaneContract(memoryBackplane)],
  ['the backplane of a cluster', backplaneContract(linkedBackplane())],
  ['a queue of a cluster, as a worker has it', destinationContract(remoteQueueHarness)],
  ['a topic', destinationContract(topicHarness)],
  ['a queue', destinationContract(queueHarness)],
]

describe.each(implementations)('%s', (_, contract) => {
  test.each(contract.map((each) => [each.name, each] as const))('%s', { timeout: TIMEOUT_MS }, (_name, { run }) =>
    run(),
  )
})
