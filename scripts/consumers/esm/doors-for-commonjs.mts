/** An ES module that takes what a CommonJS module has made: the types of both fit each other, and so do the objects. */

import {
  type Broker,
  connectMemory,
  createMemoryStore,
  type Headers,
  type Hooks,
  type Message,
  type StompError,
} from '@xtomp/core'
import { listen } from '@xtomp/net'
import { listen as listenTls } from '@xtomp/tls'
import { listen as listenWebSocket } from '@xtomp/ws'
import { broker, type core as commonJs, testBroker } from '../cjs/brokers.cjs'

/** Each is assignable as it is. */
export const same = {
  broker: (given: commonJs.Broker<string>): Broker<string> => given,
  error: (given: commonJs.StompError): StompError => given,
  headers: (given: commonJs.Headers): Headers => given,
  hooks: (given: Hooks): commonJs.Hooks => given,
  message: (given: commonJs.Message): Message => given,
  store: (): commonJs.Store => createMemoryStore(),
  // Compiled only: it would need a certificate.
  tls: (given: commonJs.Broker) => listenTls(given, { port: 0, cert: '', key: '' }),
}

let answer = ''
const client = connectMemory(broker, {
  receive: (octets) => {
    answer += Buffer.from(octets).toString('latin1')
  },
})
client.write('CONNECT\naccept-version:1.2\nhost:/\nlogin:ann\n\n\0')
for (const given of [broker, testBroker]) {
  for (const open of [listen, listenWebSocket]) {
    const { port } = await open(given, { port: 0 })
    if (port === undefined) throw new Error('no port')
  }
}
await Promise.all([broker.close({ drainMs: 0 }), testBroker.close()])
if (!answer.startsWith('CONNECTED\n')) throw new Error(`the answer was ${answer}`)
