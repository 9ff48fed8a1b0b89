/** Run by hand: what it costs to look at a broker that has many sessions, and what that leaves behind. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Broker, connectMemory, createBroker } from '@xtomp/core'

const SESSIONS = 100_000
const DESTINATIONS = 10_000
const LOOKS = 5
/** So many connect before the broker has a turn to answer them. */
const AT_ONCE = 1_000

const WAYS: Readonly<Record<string, (broker: Broker) => number>> = {
  'stats()': (broker) => broker.stats().sessions,
  'sessions()': (broker) => counted(broker.sessions()),
  'destinations()': (broker) => counted(broker.destinations()),
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const broker = createBroker()
for (let at = 0; at < SESSIONS; at++) {
  const client = connectMemory(broker, { receive: () => undefined })
  client.write('CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\n\n\0')
  client.write(`SUBSCRIBE\nid:1\ndestination:/topic/${at % DESTINATIONS}\n\n\0`)
  if (at % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
}
await new Promise((resolve) => setImmediate(resolve))

console.log(`${SESSIONS} sessions in memory, ${DESTINATIONS} destinations`)
for (const [name, look] of Object.entries(WAYS)) {
  const before = heapUsed()
  const times: string[] = []
  for (let count = 0; count < LOOKS; count++) {
    const start = performance.now()
    look(broker)
    times.push((performance.now() - start).toFixed(2))
  }
  const left = (heapUsed() - before) / SESSIONS
  console.log(`${name.padEnd(15)} ${times.join(', ')} ms; ${left.toFixed(1)} octets a session left behind`)
}
await broker.close()

function counted(all: Iterable<unknown>): number {
  let count = 0
  for (const _ of all) count++
  return count
}

function heapUsed(): number {
  collect()
  return process.memoryUsage().heapUsed
}
