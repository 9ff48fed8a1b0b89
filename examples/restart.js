/** A queue that survives a restart of the broker: a Store keeps each message until it is acknowledged. */

import { createBroker, createMemoryStore } from '@xtomp/core'

// This store lives as long as the process; one that writes to a disk implements the same two methods.
const store = createMemoryStore()

const before = createBroker({ store })
await before.publishConfirmed('/queue/orders', 'tea')
await before.publishConfirmed('/queue/orders', 'bread')
await before.close()

const after = createBroker({ store })
for await (const { message } of after.subscribe('/queue/orders')) {
  console.log(message.text())
  if (message.text() === 'bread') break
}
await after.close()
