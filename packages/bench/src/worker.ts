/** The program of one process of clients: its parent gives it a plan, then orders, and hears how far it is. */

import { createSecureContext } from 'node:tls'
import { beat } from './load/beats.js'
import type { Order, Plan, Telling } from './load/plan.js'
import { Recorder } from './load/recorder.js'
import { sharedBy } from './load/session.js'
import { Churn } from './workload/churn.js'
import { Bystander, Echo } from './workload/echo.js'
import { FanOut } from './workload/fan-out.js'
import { QueueWork } from './workload/queue.js'
import { Storm } from './workload/storm.js'
import { type Surroundings, Work } from './workload/work.js'

const WORKS: Readonly<Record<Plan['workload'], new (surroundings: Surroundings) => Work>> = {
  connect: Work,
  hold: Work,
  fanout: FanOut,
  queue: QueueWork,
  echo: Echo,
  churn: Churn,
  storm: Storm,
  bystander: Bystander,
}

// A terminal's Ctrl-C goes to all processes: the parent says when we end. Without it we have nobody to work for.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit())
process.once('message', begin)

function begin(plan: Plan): void {
  const recorder = new Recorder()
  const tellProgress = (told?: () => void): void => {
    const { connections, sent, received, cycles, retries, lastUs } = recorder
    const times = recorder.times()
    const memoryBytes = process.memoryUsage.rss()
    tell({ progress: { connections, sent, received, cycles, retries, lastUs, times, memoryBytes } }, told)
  }
  const { target } = plan
  const isSecure = target.transport === 'tls' || target.transport === 'wss'
  // One for all: each connection by itself would read the system's authorities again.
  const secureContext = isSecure ? createSecureContext(target.ca === undefined ? {} : { ca: target.ca }) : undefined
  const shared = sharedBy(plan, secureContext)
  const work = new WORKS[plan.workload]({
    plan,
    shared,
    recorder,
    tell: (telling) => {
      if ('opened' in telling) tellProgress()
      tell(telling)
    },
  })
  beat(plan.heartBeat, () => work.sessions)
  setInterval(() => tellProgress(), plan.sampleMs)
  process.on('message', (order: Order) => {
    if ('open' in order) work.grow(order.open)
    else if ('go' in order) work.go()
    else if ('elsewhere' in order) work.elsewhere(order.elsewhere)
    else if ('rest' in order) {
      work.rest()
      tellProgress()
      tell({ rested: true })
    } else if ('cut' in order) work.cut()
    else {
      for (const session of work.sessions) session.cut()
      tellProgress(() => process.disconnect())
    }
  })
}

function tell(telling: Telling, told = (): void => undefined): void {
  // Nobody is there any more where the parent has gone.
  if (process.connected) process.send?.(telling, undefined, undefined, told)
}
