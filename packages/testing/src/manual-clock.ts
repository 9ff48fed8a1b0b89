/** A clock whose time moves only when a test says so. */

import type { Clock } from '@xtomp/core'
import { type GlobalTimers, installTimers } from './global-timers.js'
import { Turns } from './turns.js'

/** How a manual clock begins, and how `soon` works while time stands still. */
export interface ManualClockOptions {
  /**
   * `real`: after this poll of the sockets, as the system clock does; right for every door, sockets included.
   * `manual`: only inside `run` and `advance`; right for a test that wants to look between two steps.
   * @defaultValue 'real'
   */
  readonly soon?: 'real' | 'manual'
  /** What `epoch` answers at the start. @defaultValue the first of January 2030 */
  readonly epoch?: number
}

interface Timer {
  readonly due: number
  readonly order: number
  readonly task: () => void
}

const FIRST_OF_JANUARY_2030 = 1_893_456_000_000
const TURNS = 10_000

/** A clock for tests. Nothing is due before {@link ManualClock.advance} is called. */
export class ManualClock implements Clock {
  readonly #soon: 'real' | 'manual'
  readonly #epoch: number
  readonly #timers = new Set<Timer>()
  readonly #tasks: (() => void)[] = []
  readonly #turns = new Turns()
  #now = 1_000
  #order = 0

  constructor({ soon = 'real', epoch = FIRST_OF_JANUARY_2030 }: ManualClockOptions = {}) {
    this.#soon = soon
    this.#epoch = epoch - this.#now
  }

  /** How many timers are set: none, when nothing waits for time to pass. */
  get timers(): number {
    return this.#timers.size
  }

  /** Milliseconds since some moment. */
  now(): number {
    return this.#now
  }

  /** Milliseconds since 1970. */
  epoch(): number {
    return this.#epoch + this.#now
  }

  /** Runs `task` in a later turn, while time stands still. */
  soon(task: () => void): void {
    if (this.#soon === 'manual') {
      this.#tasks.push(task)
      return
    }
    this.#turns.soon(task)
  }

  /** Runs `task` once time has been moved on by so much. Answers what cancels it. */
  after(delayMs: number, task: () => void): () => void {
    const timer: Timer = { due: this.#now + Math.max(0, delayMs), order: this.#order++, task }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Runs what `soon` was given, and what that gives it in turn, until nothing is left. For `soon: 'manual'`. */
  run(): void {
    for (let turns = 0; turns < TURNS; turns++) {
      const tasks = this.#tasks.splice(0)
      if (tasks.length === 0) return
      for (const task of tasks) task()
    }
    throw new Error('tasks given to clock.soon give it tasks without end')
  }

  /**
   * Moves time on, ringing what falls due in order, each at its own moment; what that leads to, promises and octets
   * included, is done before the next rings. With `soon: 'manual'` all is done when the call returns; otherwise it must
   * be awaited.
   */
  advance(ms: number): Promise<void> {
    const end = this.#now + ms
    return this.#soon === 'manual' ? this.#advanceNow(end) : this.#advanceLater(end)
  }

  /**
   * Puts `setTimeout`, `setInterval`, what clears them, and `Date` under this clock, for code that asks no other: a
   * client's reconnects and beats. Ends with what it answers, at the latest when the test ends:
   * `using timers = clock.install()`.
   * @throws Error where the global timers are under a manual clock already
   */
  install(): GlobalTimers {
    return installTimers(this)
  }

  /** Resolves when nothing is left to be done at this moment: promises, octets in memory, and what they lead to. */
  settled(): Promise<void> {
    return this.#turns.settled()
  }

  #advanceNow(end: number): Promise<void> {
    this.run()
    while (this.#ringNext(end)) this.run()
    this.#now = end
    return Promise.resolve()
  }

  async #advanceLater(end: number): Promise<void> {
    await this.settled()
    while (this.#ringNext(end)) await this.settled()
    this.#now = end
  }

  #ringNext(end: number): boolean {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer
    }
    if (next === undefined) return false
    this.#timers.delete(next)
    this.#now = Math.max(this.#now, next.due)
    next.task()
    return true
  }
}
