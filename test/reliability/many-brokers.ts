/** A program that makes brokers, uses them, and closes them, then says what is left of them in its process. */

import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { connectMemory, createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const CONNECT = 'CONNECT\naccept-version:1.2\nhost:/\nheart-beat:10000,10000\n\n\0'
const SUBSCRIBE = 'SUBSCRIBE\nid:0\ndestination:/queue/a\nack:client\n\n\0'
const CLIENTS = 100

/** Handles that this process has beside those that it was given, by their kind. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => !['PipeWrap', 'TTYWrap'].includes(kind))
}

/** Open handles, by the names of their classes, but for those that this process was given. */
function namedHandles(): string[] {
  return activeHandles()
    .filter((handle) => !given.includes(handle))
    .map((handle) => handle.constructor.name)
}

function activeHandles(): object[] {
  return Reflect.apply(Reflect.get(process, '_getActiveHandles'), process, [])
}

interface Memory {
  readonly heap: number
  /** Outside the heap: octets of buffers, and what C++ holds for objects. */
  readonly external: number
}

async function memory(): Promise<Memory> {
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  const { heapUsed: heap, external } = process.memoryUsage()
  return { heap, external }
}

/** One broker's life: a client with a delivery unsettled, a host subscription, a transaction, an expiring message. */
async function life(): Promise<void> {
  const broker = createBroker({ destinations: [{ match: '/queue/late', expiryMs: 60_000 }] })
  for (const event of ['connect', 'deliver', 'close'] as const) broker.on(event, () => undefined)
  broker.subscribe('/topic/a', () => undefined)
  for (const destination of ['/queue/a', '/queue/late', '/topic/a']) broker.publish(destination, 'x'.repeat(100))
  const client = connectMemory(broker, { receive: () => undefined })
  client.write(`${CONNECT}${SUBSCRIBE}BEGIN\ntransaction:t\n\n\0SEND\ndestination:/queue/b\ntransaction:t\n\nx\0SEND\n`)
  await broker.close()
}

async function afterMany(brokers: number): Promise<Memory> {
  for (let made = 0; made < brokers; made++) await life()
  return memory()
}

/** What is left of a broker that is closed while clients are connected to it over TCP. */
async function afterClients(): Promise<{ while: string[]; left: string[]; leftByName: string[] }> {
  const broker = createBroker()
  const { port = 0 } = await listen(broker, { port: 0 })
  const sockets = Array.from({ length: CLIENTS }, () => connect({ port, host: '127.0.0.1' }))
  const gone = sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve)))
  for (const socket of sockets) {
    socket.on('error', () => undefined).resume()
    socket.write(CONNECT + SUBSCRIBE)
  }
  while (broker.stats().subscriptions < CLIENTS) await new Promise((resolve) => setImmediate(resolve))
  const meanwhile = namedHandles()
  await broker.close()
  // The clients' own ends are in this process, too.
  await Promise.all(gone)
  await new Promise((resolve) => setImmediate(resolve))
  return { while: meanwhile, left: handles(), leftByName: namedHandles() }
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
}

const [, , warmUp = '0', brokers = '0'] = process.argv
// Node makes these when they are first asked for.
const standard: readonly object[] = [process.stdout, process.stderr]
const given = [...activeHandles(), ...standard]
const listenersBefore = listeners()
const before = await afterMany(Number(warmUp))
const after = await afterMany(Number(brokers))
const said = {
  grown: after.heap - before.heap,
  grownOutside: after.external - before.external,
  handles: handles(),
  listeners: listeners() - listenersBefore,
  clients: await afterClients(),
}
process.stdout.write(`${JSON.stringify(said)}\n`)
process.exit(0)
