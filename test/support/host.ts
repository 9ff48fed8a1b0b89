/** A host application on two workers, in processes of their own, that answers what it is asked. */

import { type ChildProcess, fork } from 'node:child_process'
import type { NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import type { WorkerFacts } from '@xtomp/cluster'
import type { ListenOptions } from '@xtomp/net'
import { onTestFinished } from 'vitest'
import { dialSocket } from './doors.js'
import { withFiles } from './few-files.js'
import { root } from './sources.js'
import { WireClient } from './wire-client.js'

/** Processes start and end at their own pace. */
const DEADLINE_MS = 20_000

/** A cluster in processes of its own. */
export class Host {
  readonly child: ChildProcess
  readonly #answers = new Map<number, (answer: unknown) => void>()
  #asked = 0

  constructor(place: ListenOptions, files?: number) {
    const program = join(root, 'test', 'cluster', 'host-program.mjs')
    this.child = fork(program, [JSON.stringify(place)], files === undefined ? {} : withFiles(files))
    this.child.on('message', (message) => {
      const [id, answer] = message as [number, unknown]
      this.#answers.get(id)?.(answer)
    })
  }

  /** Starts it at this place; it ends with the test. `files` is how many each of its processes may open. */
  static async start(place: ListenOptions = { port: 0 }, files?: number): Promise<Host> {
    const host = new Host(place, files)
    onTestFinished(() => void host.child.kill('SIGKILL'))
    await host.ask('opened')
    return host
  }

  ask<T>(...question: readonly [name: string, ...parameters: unknown[]]): Promise<T> {
    return new Promise((resolve) => {
      const id = ++this.#asked
      this.#answers.set(id, (answer) => resolve(answer as T))
      this.child.send([id, ...question])
    })
  }

  async client(): Promise<WireClient> {
    const client = await WireClient.dial(dialSocket(await this.ask<NetConnectOpts>('opened')), DEADLINE_MS)
    onTestFinished(() => {
      if (!client.isClosed) client.abort()
    })
    return client
  }

  async connect(): Promise<WireClient> {
    const client = await this.client()
    await client.connect({ 'heart-beat': '0,0' })
    return client
  }

  /** The end of a worker's process, as `kill -9` makes it; resolves when the cluster has another. */
  async kill({ pid }: WorkerFacts): Promise<void> {
    process.kill(pid, 'SIGKILL')
    await this.until<readonly WorkerFacts[]>(
      'workers',
      (workers) => workers.length === 2 && workers.every((each) => each.pid !== pid),
    )
  }

  /** Asks until the answer is right. */
  async until<T>(question: string, isRight: (answer: T) => boolean): Promise<T> {
    const until = performance.now() + DEADLINE_MS
    for (;;) {
      const answer = await this.ask<T>(question)
      if (isRight(answer)) return answer
      if (performance.now() > until) throw new Error(`${question} never became ${isRight}: ${JSON.stringify(answer)}`)
    }
  }
}
