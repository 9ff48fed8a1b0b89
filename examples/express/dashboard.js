/**
 * A live dashboard: an order that comes in at a route is on every open page at once.
 *
 *   node examples/express/dashboard.js
 *   curl -H 'content-type: application/json' -d '{"item":"tea","price":4.2}' http://localhost:3000/orders
 */

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createBroker } from '@xtomp/core'
import { attach } from '@xtomp/ws'
import express from 'express'

const TOTALS = '/topic/totals'
const totals = { orders: 0, revenue: 0 }

const broker = createBroker({
  // Pages look on; what they see comes from the routes alone.
  hooks: { authorize: ({ action, destination }) => action === 'subscribe' && destination === TOTALS },
})

const app = express()
app.use(express.json())
app.use('/stompjs', express.static(fileURLToPath(new URL('.', import.meta.resolve('@stomp/stompjs')))))
app.get('/', (_request, response) => response.sendFile(fileURLToPath(new URL('dashboard.html', import.meta.url))))
app.get('/totals', (_request, response) => response.json(totals))
app.post('/orders', (request, response) => {
  const price = request.body?.price
  if (!Number.isFinite(price) || price <= 0) return response.status(400).json({ error: 'an order has a price' })
  totals.orders++
  totals.revenue += price
  broker.publish(TOTALS, JSON.stringify(totals), { headers: { 'content-type': 'application/json' } })
  return response.status(201).json(totals)
})

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1')
attach(broker, server, { path: '/stomp' })
await once(server, 'listening')
console.log(`http://127.0.0.1:${server.address().port}`)

process.once('SIGTERM', async () => {
  server.close() // no more requests
  await broker.close({ drainMs: 5_000 }) // the pages hear that it is over
  console.log('closed')
})
