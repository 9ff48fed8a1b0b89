/** A host application on two workers; its parent asks it over IPC what there is, and what it is to do. */

import { startCluster } from '@xtomp/cluster'
import { listen } from '@xtomp/net'

/** Where each worker listens by itself; without it, they share what is free. */
const port = Number(process.argv[3] ?? 0)

/** How workers ended. */
const ends = []
const cluster = await startCluster({
  workers: Number(process.argv[2] ?? 2),
  broker: {
    destinations: [{ match: '/queue/small', maxMessages: 1 }],
    logger: {
      info: () => undefined,
      warn: ({ how }) => ends.push(how),
      error: (fields, text) => console.error(fields, text),
    },
    hooks: { authenticate: ({ login }) => ({ name: login ?? 'somebody', worker: Number(process.env.XTOMP_WORKER) }) },
  },
  open: async (broker) => (await listen(broker, { port, reusePort: port !== 0 })).port,
})

if (cluster !== undefined) {
  const answers = {
    port: () => cluster.opened,
    workers: () => cluster.workers(),
    ends: () => ends,
    stats: () => cluster.stats(),
    sessions: () => all(cluster.sessions()),
    destinations: () => cluster.destinations(),
    publish: (destination) => cluster.broker.publish(destination, 'from the primary'),
    close: async () => {
      await cluster.close({ drainMs: 1_000 })
      process.disconnect()
    },
  }
  process.on('message', async ([id, name, ...parameters]) => {
    const answer = await answers[name](...parameters)
    if (process.connected) process.send([id, answer])
  })
}

async function all(iterable) {
  const list = []
  for await (const one of iterable) list.push(one)
  return list
}
