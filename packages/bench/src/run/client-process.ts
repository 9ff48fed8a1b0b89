/** One process of clients, as its parent has it. */

import { type ChildProcess, fork } from 'node:child_process'
import type { Order, Plan, Progress, Telling } from '../load/plan.js'
import { WORKER_FILE } from '../worker-file.js'

/** Where sessions are all that there is, little room for what dies young keeps a process small; messages die young. */
const SMALL = ['--max-semi-space-size=1']
/** How long it may take to go, in milliseconds. */
const END_MS = 5_000

/** What a process tells its parent. */
export interface ClientProcessEvents {
  progress(process: ClientProcess): void
  opened(process: ClientProcess): void
  seen(process: ClientProcess): void
  rested(process: ClientProcess): void
  fault(fault: { readonly message: string; readonly code?: string | undefined }): void
}

/** A process of clients. */
export class ClientProcess {
  readonly plan: Plan
  /** Resolves when it is gone. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  #progress: Progress = {
    connections: 0,
    sent: 0,
    received: 0,
    cycles: 0,
    retries: 0,
    lastUs: 0,
    times: [],
    memoryBytes: 0,
  }
  #opened: number | undefined
  #seen = 0
  #isResting = false
  #isEnding = false

  constructor(plan: Plan, events: ClientProcessEvents) {
    this.plan = plan
    this.#child = fork(WORKER_FILE, {
      execArgv: ['connect', 'hold'].includes(plan.workload) ? SMALL : [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (telling: Telling) => this.#hear(telling, events))
    this.#child.on('error', ({ message }) => events.fault({ message }))
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        if (!this.#isEnding) events.fault({ message: `a process of clients ended (${signal ?? `exit code ${code}`})` })
        resolve()
      })
    })
    this.#child.send(plan)
  }

  /** What it last told. */
  get progress(): Progress {
    return this.#progress
  }

  /** How many connections were open when it last said that all that were asked for are; undefined where they are not. */
  get opened(): number | undefined {
    return this.#opened
  }

  /** How many deliveries it has seen that are all of some messages. */
  get seen(): number {
    return this.#seen
  }

  /** Whether it sends nothing any more, so that its progress has all that it sent. */
  get isResting(): boolean {
    return this.#isResting
  }

  order(order: Order): void {
    if ('cut' in order) this.#opened = undefined
    if (this.#child.connected) this.#child.send(order, () => undefined)
  }

  /** Asks for its last words, and waits until it is gone. */
  async end(): Promise<void> {
    this.#isEnding = true
    this.order({ end: true })
    const late = setTimeout(() => this.#child.kill('SIGKILL'), END_MS)
    await this.ended
    clearTimeout(late)
  }

  #hear(telling: Telling, events: ClientProcessEvents): void {
    if ('progress' in telling) {
      this.#progress = telling.progress
      events.progress(this)
    } else if ('opened' in telling) {
      this.#opened = telling.opened
      events.opened(this)
    } else if ('seen' in telling) {
      this.#seen = telling.seen
      events.seen(this)
    } else if ('rested' in telling) {
      this.#isResting = true
      events.rested(this)
    } else events.fault({ message: telling.fault, code: telling.code })
  }
}
