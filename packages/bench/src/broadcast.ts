/** A broadcast to very many, and what somebody else notices of it: how long an answer takes, and how long a turn is. */

import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { type Figures, load } from './generator.js'
import { openFiles, openFilesOf } from './process-figures.js'
import { type RunningServer, type ServerKind, startServer } from './server-process.js'

const SUBSCRIBERS = 18_900
const A_MICROSECOND = 1_000
/** Between two questions: somebody who asks now and then. */
const PAUSE_MS = 2
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

/** A session that sends to a topic of its own, and measures how long the message is on its way. */
class Asker {
  readonly #socket
  #came: (() => void) | undefined
  #isStopped = false

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (octets) => {
      // Each frame that it waits for is the only one under way.
      if (octets.includes(0)) this.#came?.()
    })
  }

  async subscribed(): Promise<void> {
    await this.#say('CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\n\n\0')
    await this.#say('SUBSCRIBE\nid:0\ndestination:/topic/answers\nreceipt:r\n\n\0')
  }

  /** Asks until it is stopped; resolves with the microseconds that each answer took. */
  async ask(): Promise<number[]> {
    const taken: number[] = []
    while (!this.#isStopped) {
      const since = performance.now()
      await this.#say('SEND\ndestination:/topic/answers\n\nand?\0')
      taken.push(Math.round((performance.now() - since) * A_MICROSECOND))
      await pause(PAUSE_MS)
    }
    this.#socket.destroy()
    return taken
  }

  stop(): void {
    this.#isStopped = true
  }

  async #say(frame: string): Promise<void> {
    const came = new Promise<void>((resolve) => {
      this.#came = resolve
    })
    this.#socket.write(frame)
    await came
  }
}
