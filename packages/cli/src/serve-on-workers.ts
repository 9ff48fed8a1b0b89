/** `xtomp serve --workers N`: the same doors in several processes, which behave as one broker. */

import { fileURLToPath } from 'node:url'
import { type Cluster, startCluster } from '@xtomp/cluster'
import type { Logger } from 'pino'
import type { Settings } from './config/settings.js'
import type { OpenDoor } from './door/open-door.js'
import { renewAll } from './door/renew.js'
import { logEvents } from './log/log-events.js'
import { brokerOptionsOf, type Opening, openAll, openingOf, tellOf } from './opening.js'
import type { Streams } from './streams.js'

/** Starts the workers, or is one; answers the cluster in the process that is told to stop. */
export async function serveOnWorkers(
  settings: Settings & { readonly workers?: number | undefined },
  log: Logger,
  streams: Streams,
): Promise<Cluster | undefined> {
  const { XTOMP_WORKER } = process.env
  const logger = XTOMP_WORKER === undefined ? log : log.child({ worker: Number(XTOMP_WORKER) })
  let doors: OpenDoor[] = []
  const cluster = await startCluster({
    workers: settings.workers ?? 1,
    broker: { ...brokerOptionsOf(settings, logger), logger },
    drainMs: settings.drainMs,
    // Whoever runs this in a process of its own, as npm start does, is not what a worker is.
    program: { file: fileURLToPath(new URL('../bin/xtomp.js', import.meta.url)), args: process.argv.slice(2) },
    open: async (broker) => {
      logEvents(broker, logger)
      doors = await openAll(broker, settings)
      return openingOf(doors, settings)
    },
    reload: () => renewAll(doors, logger),
  })
  if (cluster === undefined) return undefined
  logEvents(cluster.broker, logger)
  // Whoever waits for the doors has it then.
  const pids = [process.pid, ...cluster.workers().map(({ pid }) => pid)]
  streams.stdout.write(`xtomp: processes ${pids.join(',')}: the primary and its workers\n`)
  tellOf(cluster.opened as Opening, logger, streams)
  process.on('SIGHUP', () => cluster.reload())
  return cluster
}
