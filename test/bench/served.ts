/** Brokers to be loaded, at each kind of door that the bench can come in by. */

import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import { listen as listenForAll } from '@xtomp/mux'
import { listen } from '@xtomp/net'
import { listen as listenTls } from '@xtomp/tls'
import { listen as listenWebSocket } from '@xtomp/ws'
import { onTestFinished } from 'vitest'
import { localhost } from '../support/doors.js'

/** A broker, and how the bench gets there. */
export interface Served {
  readonly broker: Broker
  readonly url: string
  readonly ca?: string
}

/** How the bench can come in. */
export type Transport = 'tcp' | 'tls' | 'ws' | 'wss'

/** Opens a broker, until the test has ended. */
export async function served(transport: Transport = 'tcp', options: BrokerOptions = {}): Promise<Served> {
  const broker = createBroker(options)
  onTestFinished(() => broker.close())
  if (transport === 'tcp') return { broker, url: `stomp://127.0.0.1:${(await listen(broker, { port: 0 })).port}` }
  if (transport === 'ws') return { broker, url: `ws://127.0.0.1:${(await listenWebSocket(broker, { port: 0 })).port}/` }
  const { ca, server } = await localhost()
  if (transport === 'tls') {
    return { broker, ca, url: `stomps://127.0.0.1:${(await listenTls(broker, { port: 0, ...server })).port}` }
  }
  return { broker, ca, url: `wss://127.0.0.1:${(await listenForAll(broker, { port: 0, tls: server })).port}/stomp` }
}
