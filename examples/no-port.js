/** A broker in a test: no port and no waiting, a STOMP client written by hand over a connection in memory. */

import assert from 'node:assert'
import { connectMemory, createBroker } from '@xtomp/core'

const broker = createBroker()
const decoder = new TextDecoder()
let received = ''

await new Promise((closed) => {
  const client = connectMemory(broker, { receive: (octets) => (received += decoder.decode(octets)), closed })
  client.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0')
  client.write('SUBSCRIBE\nid:0\ndestination:/topic/greetings\n\n\0')
  broker.publish('/topic/greetings', 'hello')
  client.write('DISCONNECT\nreceipt:bye\n\n\0')
})

const commands = received.match(/^[A-Z]+$/gm)
assert.deepEqual(commands, ['CONNECTED', 'MESSAGE', 'RECEIPT'])
console.log(commands.join(', '))
await broker.close()
