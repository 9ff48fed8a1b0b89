/** A host application on two workers, at the place given; its parent asks it over IPC what there is, and what it is to do. */

import { ChildProcess } from 'node:child_process'
import nodeCluster from 'node:cluster'
import { closeSync, openSync } from 'node:fs'
import { argv } from 'node:process'
import { startCluster } from '@xtomp/cluster'
import { listen } from '@xtomp/net'

/** How workers ended. */
const ends = []
/** Errors that were logged, in the primary and in workers. */
const errors = []
/** What the log was warned of, beside ends. */
const warnings = []
nodeCluster.on('message', (_worker, { error, warning }) =>
  error === undefined ? warnings.push(warning) : errors.push(error),
)
/** Files that this process has opened until there were none left. */
const hoard = []
/** Where workers listen. */
const place = JSON.parse(argv[2])
const cluster = await startCluster({
  workers: 2,
  broker: {
    destinations: [{ match: '/queue/small', maxMessages: 1 }],
    logger: {
      info: () => undefined,
      warn: (fields, text) => {
        if ('how' in fields) ends.push(fields.how)
        else if (nodeCluster.isPrimary) warnings.push(text)
        else process.send({ warning: text })
      },
      error: (fields, text) => {
        console.error(fields, text)
        if (nodeCluster.isPrimary) errors.push(text)
        else process.send({ error: text })
      },
    },
    hooks: {
      authenticate: ({ login }) => ({
        name: login ?? 'somebody',
        worker: Number(process.env.XTOMP_WORKER),
        node: process.execArgv,
      }),
    },
  },
  open: async (broker) => {
    broker.on('connect', ({ session }) => session.user.name === 'hoarder' && openAll())
    broker.on('disconnect', ({ session }) => session.user?.name === 'hoarder' && closeAll())
    const { address, port } = await listen(broker, place)
    return port === undefined ? { path: address } : { host: address, port }
  },
})

if (cluster !== undefined) {
  const answers = {
    opened: () => cluster.opened,
    workers: () => cluster.workers(),
    ends: () => ends,
    warnings: () => warnings,
    hoard: (butFor) => openAll(butFor),
    share: () => closeAll(),
    refuseProcess: () => refuseProcess(),
    errors: () => errors,
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

/** Has the next process fail as Node does where there is no memory for it. */
function refuseProcess() {
  const { prototype } = ChildProcess
  const { spawn } = prototype
  prototype.spawn = () => {
    prototype.spawn = spawn
    throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' })
  }
}

/** Opens files until the system refuses, and closes the last so many again. */
function openAll(butFor = 0) {
  try {
    for (;;) hoard.push(openSync('/dev/null'))
  } catch {
    // There are none left.
  }
  for (const file of hoard.splice(hoard.length - butFor)) closeSync(file)
}

function closeAll() {
  for (const file of hoard.splice(0)) closeSync(file)
}

async function all(iterable) {
  const list = []
  for await (const one of iterable) list.push(one)
  return list
}
