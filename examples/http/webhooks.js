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

const HOOKS = '/queue/hooks'
const FAILED = '/queue/failed.hooks'

const broker = createBroker({
  destinations: [{ match: HOOKS, maxMessages: 10_000, maxDeliveries: 3, redeliveryDelayMs: 500, deadLetter: FAILED }],
})
const failed = []
broker.subscribe(FAILED, ({ message }) => {
  failed.push({ ...message.json(), tries: Number(message.headers.get('dead-letter-count')) })
})

async function work() {
  const options = { ack: 'client-individual', prefetch: 1 }
  for await (const { message, ack, nack } of broker.subscribe(HOOKS, options)) {
    const { url, event } = message.json()
    const { ok } = await fetch(url, { method: 'POST', body: event }).catch(() => ({ ok: false }))
    console.log(ok ? 'told' : 'not told', event)
    if (ok) ack()
    else nack() // again in 500 ms, three times in all
  }
}

const server = createServer(async (request, response) => {
  if (request.method !== 'POST') return response.end(JSON.stringify(failed))
  // A full queue rejects, and the caller is told to come back.
  const answer = broker.publishConfirmed(HOOKS, await text(request)).then(
    () => 202,
    () => 503,
  )
  response.writeHead(await answer).end()
})
attach(broker, server, { path: '/stomp' }) // other programs may add events, or watch
server.listen(process.env.PORT ?? 3000, '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${server.address().port}`)
work()

process.once('SIGTERM', async () => {
  server.close()
  await broker.close({ drainMs: 5_000 }) // what the worker is at is finished
  console.log('closed')
})
