/** A host that opens one door, and may open few files; its parent asks it over IPC how many sessions there are. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { argv } from 'node:process'
import { createBroker } from '@xtomp/core'
import { listen as listenForAll } from '@xtomp/mux'
import { listen } from '@xtomp/net'
import { listen as listenTls } from '@xtomp/tls'
import { attach, listen as listenWebSocket } from '@xtomp/ws'

const { door, ...options } = JSON.parse(argv[2])
const tell = (level) => (fields, text) => process.send([level, fields, text])
const logger = { info: () => undefined, warn: tell('warn'), error: tell('error') }
const broker = createBroker({ logger })
const opened = { net: listen, tls: listenTls, ws: listenWebSocket, mux: listenForAll, attach: attached }
const { port } = await opened[door](broker, { port: 0, ...options })
process.send(['open', port])
process.on('message', () => process.send(['sessions', broker.stats().sessions]))

async function attached() {
  const server = createServer()
  attach(broker, server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address()
}
