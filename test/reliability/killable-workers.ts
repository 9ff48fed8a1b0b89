/** `xtomp serve --workers 2`, of which nothing is known but what it logs and what clients see: its workers may be killed. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { dialSocket } from '../support/doors.js'
import { type Served, serveOnTwoWorkers } from '../support/served-workers.js'
import { frameText, WireClient } from '../support/wire-client.js'
import type { Left } from './client-ledger.js'

/** Processes start and end at their own pace. */
const DEADLINE_MS = 20_000
const WORKERS = 2
/** What is sent to a queue behind all that is left in it. */
const END = 'end'

/** A worker that has clients, or had some. */
interface Worker {
  readonly number: number
  /** All sessions that have begun there. */
  readonly sessions: Set<string>
  /** How many of them have ended. */
  ended: number
}

/** A worker that is to be killed. */
export interface Doomed {
  /** The sessions of the other. */
  readonly others: ReadonlySet<string>
  /** Kills it now. */
  kill(): void
  /** Resolves when it was replaced, with the sessions of those who serve then. */
  replaced(): Promise<ReadonlySet<string>>
}

/** What is read of a line of the log. */
interface Line {
  readonly level: string
  readonly msg?: string
  readonly worker?: number
  readonly session?: string
  readonly count?: number
  readonly how?: unknown
}

/** The command, and its workers as its log tells of them. */
export class KillableWorkers {
  readonly port: number
  /** Resolves with its exit code when it has ended. */
  readonly ended: Promise<unknown>
  /** How workers ended. */
  readonly ends: unknown[] = []
  /** What it logged as an error, each a line. */
  readonly errors: string[] = []
  readonly #primary: number
  readonly #program: Served['program']
  readonly #lines: Interface
  /** Those that have served somebody and were not killed, by their numbers. */
  readonly #serving = new Map<number, Worker>()
  readonly #killed = new Set<number>()

  private constructor({ child, program, port }: Served) {
    this.port = port
    this.ended = program.exit()
    this.#primary = child.pid as number
    this.#program = program
    this.#lines = createInterface(child.stderr).on('line', (line) => this.#read(line))
  }

  /** Starts it; it ends with the test. */
  static async start(): Promise<KillableWorkers> {
    const served = await serveOnTwoWorkers('--log-level', 'debug')
    onTestFinished(() => served.program.stop())
    return new KillableWorkers(served)
  }

  /** One of two workers that serve; undefined where the one killed last has not served anybody yet. */
  workerToKill(random: () => number): Doomed | undefined {
    const doomed = [...this.#serving.values()][Math.floor(random() * WORKERS)]
    if (doomed === undefined || this.#serving.size < WORKERS) return undefined
    const { number } = doomed
    return {
      others: sessionsOf([...this.#serving.values()].filter((worker) => worker !== doomed)),
      kill: () => {
        this.#killed.add(number)
        this.#serving.delete(number)
        process.kill(pidOf(number, this.#primary), 'SIGKILL')
      },
      replaced: async () => {
        await this.#replaced()
        return sessionsOf(this.#serving.values())
      },
    }
  }

  /** All that is left in these queues, once the sessions of all clients are over. */
  async takeAll(queues: readonly string[]): Promise<Map<string, readonly Left[]>> {
    await this.#until(() => [...this.#serving.values()].every(({ sessions, ended }) => sessions.size === ended))
    const clients = await this.#onePerWorker()
    // What a worker has given back is in its queue before what is sent through that worker afterwards.
    for (const client of clients) for (const destination of queues) await client.confirm('SEND', { destination }, END)
    const left = new Map<string, readonly Left[]>()
    for (const queue of queues) left.set(queue, await taken(clients[0] as WireClient, queue))
    for (const client of clients) await client.disconnect()
    return left
  }

  /** Tells it to end, and fails unless it ends well; resolves when its log is read. */
  async stop(): Promise<void> {
    this.#program.signal('SIGTERM')
    await this.#program.ends()
  }

  #read(line: string): void {
    const { level, msg = '', worker: number = 0, session = '', count = 1, how } = JSON.parse(line) as Line
    const worker = this.#serving.get(number)
    if (level === 'error' || level === 'fatal') this.errors.push(line)
    else if (msg === 'a client has connected') this.#connected(number, session)
    else if (msg === 'a client has gone' && worker !== undefined) worker.ended += count
    else if (msg.startsWith('a worker is gone')) {
      this.ends.push(how)
      this.#serving.delete(number)
    }
  }

  /** A line of a worker that was killed may be read late. */
  #connected(number: number, session: string): void {
    if (this.#killed.has(number)) return
    const worker = this.#serving.get(number) ?? { number, sessions: new Set(), ended: 0 }
    this.#serving.set(number, worker)
    worker.sessions.add(session)
  }

  /** Knocks until the new worker has opened: connections go to all workers in turn. */
  async #replaced(): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    while (this.#serving.size < WORKERS) {
      if (performance.now() > deadline) throw new Error(`nobody has taken its place:\n${this.#program.errors}`)
      await this.#knock()
    }
  }

  /** Comes and goes, whether that is heard or not: a worker that is killed hears nothing. */
  #knock(): Promise<void> {
    return new Promise((resolve) => {
      connect({ port: this.port, host: '127.0.0.1' })
        .on('error', () => undefined)
        .once('close', () => resolve())
        .resume()
        .end(frameText('CONNECT', { 'accept-version': '1.2', host: 'localhost' }) + frameText('DISCONNECT'))
    })
  }

  async #onePerWorker(): Promise<readonly WireClient[]> {
    const clients = new Map<Worker, WireClient>()
    while (clients.size < WORKERS) {
      const client = await WireClient.dial(dialSocket({ port: this.port, host: '127.0.0.1' }), DEADLINE_MS)
      onTestFinished(() => client.abort())
      const { session = '' } = (await client.connect()).headers
      const own = (): Worker | undefined => [...this.#serving.values()].find(({ sessions }) => sessions.has(session))
      await this.#until(() => own() !== undefined)
      clients.set(own() as Worker, client)
    }
    return [...clients.values()]
  }

  /** Waits for lines of the log until it is so. */
  async #until(isTrue: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(DEADLINE_MS)
    while (!isTrue()) await once(this.#lines, 'line', { signal })
  }
}

function sessionsOf(workers: Iterable<Worker>): ReadonlySet<string> {
  return new Set([...workers].flatMap(({ sessions }) => [...sessions]))
}

/** The process of a worker: of its primary's children, the one that was told this number. */
function pidOf(number: number, primary: number): number {
  const children = readFileSync(`/proc/${primary}/task/${primary}/children`, 'latin1').trim().split(' ')
  const own = children.find((pid) =>
    readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`XTOMP_WORKER=${number}\0`),
  )
  if (own === undefined) throw new Error(`none of ${children} is worker ${number}`)
  return Number(own)
}

/** Takes what is in a queue, up to the end that each worker has sent there. */
async function taken(client: WireClient, queue: string): Promise<readonly Left[]> {
  const left: Left[] = []
  await client.confirm('SUBSCRIBE', { id: queue, destination: queue, ack: 'client-individual' })
  for (let ends = 0; ends < WORKERS; ) {
    const { headers, text } = await client.frame('MESSAGE')
    const { ack = '', 'message-id': id = '', redelivered } = headers
    if (text === END) ends++
    else left.push({ id, text, redelivered: redelivered === 'true' })
    client.send('ACK', { id: ack })
  }
  await client.confirm('UNSUBSCRIBE', { id: queue })
  return left
}
