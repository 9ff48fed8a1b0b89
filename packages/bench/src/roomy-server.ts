/** A broker whose queues take a million messages, to weigh one: the defaults refuse them long before. */

import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'

const GIB = 1024 ** 3
const broker = createBroker({
  destinations: [{ match: '/queue/**', maxMessages: 10_000_000, maxBytes: 8 * GIB }],
  limits: { totalBytes: 8 * GIB },
})
await listen(broker, { port: Number(process.argv[2]) })
console.log('roomy: listening')
