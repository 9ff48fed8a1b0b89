/** A program that makes brokers, uses them, and closes them, then says what is left of them in its process. */

import { connect } from 'node:net'
import { connectMemory, createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { handles, type Memory, memory, namedHandles } from './process-state.js'

const CONNECT = 'CONNECT\naccept-version:1.2\nhost:/\nheart-beat:10000,10000\n\n\0'
const SUBSCRIBE = 'SUBSCRIBE\nid:0\ndestination:/queue/a\nack:client\n\n\0'
const CLIENTS = 100

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
