/** Real clients, unmodified, over ws and wss: what their users do first. */

import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { RxStomp } from '@stomp/rx-stomp'
import { Client, type StompConfig } from '@stomp/stompjs'
import { attach } from '@xtomp/ws'
import { firstValueFrom, take, toArray } from 'rxjs'
import { describe, expect, onTestFinished, test } from 'vitest'
import webstomp from 'webstomp-client'
import { WebSocket } from 'ws'
import { localhost } from '../support/doors.js'
import { until } from '../support/suite.js'
import { openBroker, opened } from './open.js'

/** Shorter than a piece, longer than one, and with more than ASCII. */
const BODIES = ['one', `ä€𝄞 ${'x'.repeat(200_000)}`, '{"three":3}']

const SUBPROTOCOLS = ['v12.stomp', 'v11.stomp', 'v10.stomp']

/** Subscribes, sends all bodies, answers what came, and leaves as one does. */
type Exchange = (factory: () => WebSocket, destination: string) => Promise<string[]>

function stompjs(config: StompConfig): Exchange {
  return (factory, destination) =>
    new Promise((resolve, reject) => {
      const got: string[] = []
      const client = new Client({ webSocketFactory: factory, reconnectDelay: 0, ...config })
      client.onStompError = ({ body }) => reject(new Error(body))
      client.onDisconnect = () => resolve(got)
      client.onConnect = () => {
        client.subscribe(destination, ({ body }) => {
          got.push(body)
          if (got.length === BODIES.length) void client.deactivate()
        })
        for (const body of BODIES) client.publish({ destination, body })
      }
      client.activate()
    })
}

const rxStomp: Exchange = async (factory, destination) => {
  const client = new RxStomp()
  client.configure({ webSocketFactory: factory, reconnectDelay: 0 })
  client.activate()
  const got = firstValueFrom(client.watch(destination).pipe(take(BODIES.length), toArray()))
  for (const body of BODIES) client.publish({ destination, body })
  const bodies = (await got).map(({ body }) => body)
  await client.deactivate()
  return bodies
}

const webstompClient: Exchange = (factory, destination) =>
  new Promise((resolve, reject) => {
    const got: string[] = []
    const client = webstomp.over(factory(), { debug: false, heartbeat: false })
    client.connect(
      {},
      () => {
        client.subscribe(destination, ({ body }) => {
          got.push(body)
          if (got.length === BODIES.length) client.disconnect(() => resolve(got))
        })
        for (const body of BODIES) client.send(destination, body)
      },
      (error) => reject(new Error(JSON.stringify(error))),
    )
  })

const clients: [name: string, exchange: Exchange][] = [
  ['@stomp/stompjs', stompjs({})],
  ['@stomp/stompjs with splitLargeFrames', stompjs({ splitLargeFrames: true, maxWebSocketChunkSize: 1_000 })],
  ['@stomp/stompjs with forceBinaryWSFrames', stompjs({ forceBinaryWSFrames: true })],
  ['@stomp/rx-stomp', rxStomp],
  ['webstomp-client', webstompClient],
]

async function secured(): Promise<Server> {
  return createSecureServer((await localhost()).server)
}

const schemes: [scheme: string, make: () => Promise<Server> | Server][] = [
  ['ws', () => createServer()],
  ['wss', secured],
]

describe.each(schemes)('over %s', (scheme, make) => {
  test.each(clients)('%s sends and receives, and is heard to leave', async (_name, exchange) => {
    const { broker } = openBroker()
    const transports: string[] = []
    const ends: string[] = []
    broker.on('connect', ({ session }) => transports.push(session.connection.transport))
    broker.on('disconnect', ({ reason }) => ends.push(reason.code))
    const server = await make()
    attach(broker, server, { path: '/stomp' })
    const port = await opened(server)
    const { ca } = await localhost()
    const sockets: WebSocket[] = []
    onTestFinished(() => {
      for (const socket of sockets) socket.terminate()
    })
    const factory = (): WebSocket => {
      const socket = new WebSocket(`${scheme}://127.0.0.1:${port}/stomp`, SUBPROTOCOLS, { ca })
      sockets.push(socket)
      return socket
    }
    expect(await exchange(factory, '/topic/a')).toEqual(BODIES)
    await until(() => broker.stats().sessions === 0, 'the session to be gone')
    expect([transports, ends]).toEqual([[scheme], ['disconnect']])
  })

  test('tells what is known of the encryption, or nothing', async () => {
    const { broker } = openBroker()
    const known: unknown[] = []
    broker.on('connect', ({ session }) => known.push(session.connection.tls?.protocol))
    const server = await make()
    attach(broker, server, { path: '/stomp' })
    const port = await opened(server)
    const { ca } = await localhost()
    await stompjs({})(() => new WebSocket(`${scheme}://127.0.0.1:${port}/stomp`, SUBPROTOCOLS, { ca }), '/topic/a')
    expect(known).toEqual([scheme === 'wss' ? 'TLSv1.3' : undefined])
  })
})
