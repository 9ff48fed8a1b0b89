/** A program whose door is flooded in every way there is to begin, then says what is left of it in its process. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Broker, createBroker } from '@xtomp/core'
import { listen as listenForAll } from '@xtomp/mux'
import { ManualClock } from '@xtomp/testing'
import { listen as listenTls } from '@xtomp/tls'
import { listen as listenWebSocket } from '@xtomp/ws'
import { createAuthority, issueForServer } from '../support/certificates.js'
import { LINGER_MS, said, WAITS_MS } from '../support/floods.js'
import { handles, memory, namedHandles } from './process-state.js'

const MANY = 50

const DOORS: Readonly<Record<string, (broker: Broker) => Promise<{ readonly port: number | undefined }>>> = {
  mux: async (broker) => {
    const proxy = { trust: ['loopback'] }
    return listenForAll(broker, {
      port: 0,
      lingerMs: LINGER_MS,
      tls: await identity(),
      proxy,
      maxConnections: MANY / 2,
    })
  },
  tls: async (broker) => listenTls(broker, { port: 0, lingerMs: LINGER_MS, ...(await identity()) }),
  ws: (broker) => listenWebSocket(broker, { port: 0, path: '/', lingerMs: LINGER_MS, maxConnections: MANY / 2 }),
}

async function identity() {
  return issueForServer(await createAuthority())
}

async function saying(octets: string | Uint8Array, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  socket.on('end', () => socket.end())
  socket.resume()
  if (octets.length > 0) socket.write(octets)
  return socket
}

/** All come at once, half of them go at once, and the others are seen off. */
async function flood(octets: string | Uint8Array, port: number): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: MANY }, () => saying(octets, port)))
  let left = sockets.filter(({ closed }) => !closed).length
  for (const socket of sockets) socket.once('close', () => left--)
  await turn()
  for (const socket of sockets.slice(0, MANY / 2)) socket.destroy()
  while (left > 0)
    for (const wait of WAITS_MS) {
      await turn()
      await clock.advance(wait)
    }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function rounds(count: number, port: number) {
  for (let round = 0; round < count; round++) for (const [, octets] of said) await flood(octets, port)
  while (broker.stats().sessions > 0 || clock.timers > 0) await clock.advance(1_000)
  return memory()
}

const [, , name = '', warmUp = '0', count = '0'] = process.argv
const clock = new ManualClock()
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
const broker = createBroker({ clock, logger })
const { port = 0 } = (await DOORS[name]?.(broker)) ?? {}
const before = await rounds(Number(warmUp), port)
const after = await rounds(Number(count), port)
await broker.close()
await turn()
const grown = { grown: after.heap - before.heap, grownOutside: after.external - before.external }
process.stdout.write(`${JSON.stringify({ ...grown, handles: handles(), byName: namedHandles() })}\n`)
process.exit(0)
