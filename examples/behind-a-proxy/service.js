/**
 * A service behind nginx, which speaks TLS to the world: HTTP and STOMP at one port, and a log of who truly sent what.
 *
 *   node examples/behind-a-proxy/service.js
 *   nginx -p examples/behind-a-proxy -c nginx.conf
 *
 * nginx.conf says what it needs. Browsers come to wss://…/stomp, and curl to https://…/readings.
 */

import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/mux'

const READINGS = '/topic/readings'
let last = 'none yet'

const broker = createBroker({
  hooks: { authorize: ({ destination }) => destination === READINGS },
})
broker.subscribe(READINGS, ({ message }) => {
  last = message.text()
})
broker.on('send', ({ session, message }) => {
  const { remoteAddress, proxyAddress = 'no proxy' } = session.connection
  console.log(`${remoteAddress} (by way of ${proxyAddress}) sent ${message.text()}`)
})

const { port } = await listen(broker, {
  port: Number(process.env.PORT ?? 3000),
  http: (_request, response) => response.end(`${last}\n`),
  ws: { path: '/stomp' },
  // Who else comes to this port is believed nothing: what he says of others, anybody could say.
  proxy: { trust: (process.env.PROXIES ?? '127.0.0.1').split(',') },
})
console.log(`http://127.0.0.1:${port}`)

process.once('SIGTERM', async () => {
  await broker.close({ drainMs: 5_000 })
  console.log('closed')
})
