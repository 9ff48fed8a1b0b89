/** Run by hand: ten thousand subscribers that take nothing any more, beside some that take all, and what becomes of either. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Asker } from './asker.js'
import { memoryOf, openFilesOf } from './process-figures.js'
import { startServer } from './server-process.js'
import { connected, say, type Taken, type Told } from './stuck-subscribers.js'

const STUCK = 10_000
const TAKING = 100
const MESSAGES = 4_000
const BODY = 'x'.repeat(8_192)
const DESTINATION = '/topic/load'
/** Between two messages: who takes all is to keep up. */
const PACE_MS = 5
const LOOK_MS = 1_000
const PATIENCE_MS = 120_000
const MIB = 1024 * 1024

const server = await startServer('xtomp', { probe: true })
const subscribers = fork(fileURLToPath(new URL('./stuck-subscribers.js', import.meta.url)))
process.once('exit', () => subscribers.kill('SIGKILL'))
const told = { port: server.port, destination: DESTINATION, stuck: STUCK, taking: TAKING, messages: MESSAGES }
subscribers.send(told satisfies Told)
let taken = ((await once(subscribers, 'message')) as [Taken])[0]
subscribers.on('message', (said: Taken) => {
  taken = said
})
const asker = new Asker(server.port)
await asker.subscribed()
const producer = await connected(server.port)
await server.collect()
await server.longestTurn()
const files = openFilesOf(server.pid)
let most = memoryOf(server.pid)
let longest = 0
console.log(`${STUCK} stuck, ${TAKING} that take: ${inMebibytes(most)} before the first of ${MESSAGES} messages`)

const since = performance.now()
const answers = asker.ask()
let isOver = false
const looking = look()
for (let sent = 0; sent < MESSAGES; sent++) {
  await say(producer, `SEND\ndestination:${DESTINATION}\nreceipt:r\n\n${BODY}\0`)
  await pause(PACE_MS)
}
console.log(`${seconds()} s: all messages are confirmed`)
while ((!taken.isAll || isIn() > 0) && performance.now() - since < PATIENCE_MS) await pause(LOOK_MS / 10)
console.log(`${seconds()} s: who takes has ${taken.least} of ${MESSAGES} at least, ${isIn()} stuck are in`)
isOver = true
await looking
asker.stop()
const micros = (await answers).sort((one, other) => one - other)
await server.collect()
console.log(`memory: ${inMebibytes(most)} at most, ${inMebibytes(memoryOf(server.pid))} after a collection`)
console.log(`longest turn ${longest.toFixed()} ms`)
console.log(`an answer: p99 ${micros[Math.floor(micros.length * 0.99)]} µs, longest ${micros.at(-1)} µs`)
process.exit()

/** How many of the stuck are in: who takes all stays. */
function isIn(): number {
  return STUCK - (files - openFilesOf(server.pid))
}

/** Tells how it goes, until all is over. */
async function look(): Promise<void> {
  for (; !isOver; await pause(LOOK_MS)) {
    const turn = await server.longestTurn()
    const bytes = memoryOf(server.pid)
    most = Math.max(most, bytes)
    longest = Math.max(longest, turn)
    console.log(
      `${seconds()} s: ${isIn()} stuck are in, ${taken.least} taken, ${inMebibytes(bytes)}, turn ${turn.toFixed()} ms`,
    )
  }
}

function seconds(): string {
  return ((performance.now() - since) / 1_000).toFixed(1)
}

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
