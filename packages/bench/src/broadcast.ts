/** A broadcast to very many, and what somebody else notices of it: how long an answer takes, and how long a turn is. */

import { setTimeout as pause } from 'node:timers/promises'
import { Asker } from './asker.js'
import { type Figures, load } from './generator.js'
import { openFiles, openFilesOf } from './process-figures.js'
import { type RunningServer, type ServerKind, startServer } from './server-process.js'

const SUBSCRIBERS = 18_900
const LOOK_MS = 200

/** One message after the other, at most eight in flight, to 18,900 subscribers, while one session asks itself something. */
export async function broadcast(kind: ServerKind, generator: string): Promise<Figures> {
  const server = await startServer(kind, { probe: true })
  const args = ['--conns', String(SUBSCRIBERS), '--messages', '400', '--window', '8', '--dest', '/topic/load']
  const loading = load(generator, server, ['fanout', ...args])
  await openFiles(server.pid, { least: SUBSCRIBERS })
  const asker = new Asker(server.port)
  await asker.subscribed()
  await server.longestTurn()
  const answers = asker.ask()
  const turn_ms = await longestTurn(server)
  asker.stop()
  const figures = await loading
  const taken = (await answers).sort((one, other) => one - other)
  await server.stop()
  return { ...figures, turn_ms: Math.round(turn_ms), answer_p99_us: taken[Math.floor(taken.length * 0.99)] ?? 0 }
}

/** The longest turn while all are there: that they all leave together is another matter. */
async function longestTurn(server: RunningServer): Promise<number> {
  let longest = 0
  for (;;) {
    await pause(LOOK_MS)
    const turn = await server.longestTurn()
    if (openFilesOf(server.pid) < SUBSCRIBERS) return longest
    longest = Math.max(longest, turn)
  }
}
