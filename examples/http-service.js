/** An HTTP service with a broker inside: requests become jobs in a queue, workers anywhere do them. */

import { createServer } from 'node:http'
import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'

const broker = createBroker({ destinations: [{ match: '/queue/jobs', maxMessages: 1_000 }] })
const stomp = await listen(broker, { port: 0 })

const http = createServer(async (request, response) => {
  try {
    // Resolves when the queue has it; a full queue rejects, and the caller is told to come back.
    await broker.publishConfirmed('/queue/jobs', request.url)
    response.writeHead(202).end('accepted\n')
  } catch (error) {
    response.writeHead(503).end(`${error.code}\n`)
  }
})
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))

// A worker, here in the same process; others connect to the STOMP port with any client.
broker.subscribe('/queue/jobs', { ack: 'client-individual', prefetch: 1 }, (delivery) => {
  console.log('doing', delivery.message.text())
  delivery.ack()
})

for (const path of ['/wash', '/dry']) {
  const answer = await fetch(`http://127.0.0.1:${http.address().port}${path}`)
  console.log(answer.status, path)
}
http.close()
await broker.close({ drainMs: 1_000 })
console.log(`STOMP port ${stomp.port > 0 ? 'closed' : 'was never open'}`)
