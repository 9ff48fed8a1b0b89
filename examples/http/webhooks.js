/**
 * A work queue whose worker is the application itself: what happened is told to another server, as often as it takes.
 *
 *   node examples/http/webhooks.js
 *   curl -d '{"url":"http://localhost:4000/hook","event":"order.paid"}' http://localhost:3000/events
 *   curl http://localhost:3000/failed
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { createBroker } from '@xtomp/core'
import { attach } from '@xtomp/ws'

const [HOOKS, FAILED] = ['/queue/hooks', '/queue/failed.hooks']

const broker = createBroker({
  destinations: [{ match: HOOKS, maxMessages: 10_000, maxDeliveries: 3, redeliveryDelayMs: 500, deadLetter: FAILED }],
})
const failed = []
broker.subscribe(FAILED, ({ message }) => {
  failed.push({ ...eventOf(message.text()), tries: Number(message.headers.get('dead-letter-count')) })
})

function eventOf(text) {
  try {
    const { url, event } = JSON.parse(text)
    if (URL.canParse(url) && typeof event === 'string') return { url, event }
  } catch {}
  return { unread: text }
}

async function work() {
  for await (const { message, ack, nack } of broker.subscribe(HOOKS, { ack: 'client-individual', prefetch: 1 })) {
    const { url, event } = eventOf(message.text())
    const { ok } = await fetch(url, { method: 'POST', body: event }).catch(() => ({ ok: false }))
    console.log(ok ? 'told' : 'not told', event)
    if (ok) ack()
    else nack({ requeue: url !== undefined }) // again in 500 ms, three times in all; what cannot be read, never
  }
}

const server = createServer(async (request, response) => {
  if (request.method !== 'POST') return response.end(JSON.stringify(failed))
  const body = await text(request).catch(() => '') // who is gone half-way has said nothing
  if ('unread' in eventOf(body)) return response.writeHead(400).end()
  const fault = await broker.publishConfirmed(HOOKS, body).catch(({ code }) => code)
  response.writeHead(fault === undefined ? 202 : 503).end(fault) // where the queue is full, come back
})
attach(broker, server, { path: '/stomp' }) // other programs may add events, or watch
await once(server.listen(process.env.PORT ?? 3000, '127.0.0.1'), 'listening')
console.log(`http://127.0.0.1:${server.address().port}`)
work()

process.once('SIGTERM', async () => {
  server.close()
  await broker.close({ drainMs: 5_000 }) // what the worker is at is finished
  console.log('closed')
})
