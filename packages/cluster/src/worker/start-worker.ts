/** A worker: its broker, its doors, and what the primary asks of it. */

import nodeCluster from 'node:cluster'
import { Socket } from 'node:net'
import type { Broker } from '@xtomp/core'
import { LINK_FD } from '../link/descriptor.js'
import type { ClusterOptions } from '../options.js'
import type { Order, Question, Report } from '../words.js'
import { createWorkerBroker } from './worker-broker.js'

const PAGE = 1_000
const DRAIN_MS = 5_000

/** Makes the broker and opens its doors; serves until it is told to end, or until the primary is gone. */
export async function startWorker<User>(options: ClusterOptions<User>): Promise<void> {
  const { drainMs = DRAIN_MS } = options
  const stream = new Socket({ fd: LINK_FD, readable: true, writable: true })
  let closed: Promise<void> | undefined
  const close = (waitMs: number): Promise<void> => {
    closed ??= broker.close({ drainMs: waitMs }).finally(() => {
      owner.link.end()
      nodeCluster.worker?.disconnect()
    })
    return closed
  }
  const obey = (order: Order): void => {
    if (order.order === 'close') void close(order.drainMs)
    else if (order.order === 'reload') reload(options, broker)
    else answer(order.id, order.question)
  }
  const answer = (id: number, question: Question): void => {
    if (question === 'stats') tell({ report: 'stats', id, stats: broker.stats() })
    else
      for (const page of pagesOf(question === 'sessions' ? sessionsOf(broker) : broker.destinations()))
        tell({ report: 'page', id, ...page })
  }
  const { broker, owner } = createWorkerBroker(stream, options.broker ?? {}, {
    told: (order) => obey(order as Order),
    // Without the primary there are no queues, and nobody to replace what breaks. Whoever started it starts it again.
    closed: () => {
      const code = closed === undefined ? 1 : 0
      void close(0).finally(() => process.exit(code))
    },
  })
  const tell = (report: Report): void => owner.link.tell(report)
  // Ctrl-C reaches all processes of a terminal: the primary says what is to be done.
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', () => undefined)
  process.once('SIGTERM', () => void close(drainMs))
  try {
    tell({ report: 'ready', opened: await options.open(broker) })
  } catch (error) {
    tell({ report: 'failed', message: error instanceof Error ? error.message : String(error) })
    await close(0)
  }
}

function reload<User>({ reload: task }: ClusterOptions<User>, { logger }: Broker<User>): void {
  Promise.resolve()
    .then(() => task?.())
    .catch((error: unknown) => logger.error({ err: error }, 'the worker could not reload'))
}

/** Lists in pages, so that no one frame of the link holds all. */
function* pagesOf(all: Iterable<unknown>): Iterable<{ page: unknown[]; isLast: boolean }> {
  let page: unknown[] = []
  for (const one of all) {
    if (page.length === PAGE) {
      yield { page, isLast: false }
      page = []
    }
    page.push(one)
  }
  yield { page, isLast: true }
}

/** The sessions as JSON can tell of them: a user may be anything. */
function* sessionsOf<User>(broker: Broker<User>): Iterable<unknown> {
  for (const { close: _, user, ...facts } of broker.sessions()) yield { ...facts, user: sayable(user) }
}

function sayable(user: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(user) ?? 'null')
  } catch {
    return undefined
  }
}
