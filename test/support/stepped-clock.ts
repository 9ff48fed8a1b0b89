/** A clock by which everything takes time: each reading is later than the last, and turns are taken one by one. */

import type { Clock } from '@xtomp/core'

/** For tests of what is done in slices. Timers ring when they are told to. */
export class SteppedClock implements Clock {
  #now = 0
  #tasks: (() => void)[] = []
  #timers: (() => void)[] = []

  /** Whether nothing is left to be done. */
  get isIdle(): boolean {
    return this.#tasks.length === 0
  }

  now(): number {
    this.#now++
    return this.#now
  }

  epoch(): number {
    return this.#now
  }

  soon(task: () => void): void {
    this.#tasks.push(task)
  }

  after(_delayMs: number, task: () => void): () => void {
    this.#timers.push(task)
    return () => {
      this.#timers = this.#timers.filter((timer) => timer !== task)
    }
  }

  /** Lets time pass, and rings all timers that are set. */
  pass(ms: number): void {
    this.#now += ms
    const timers = this.#timers
    this.#timers = []
    for (const timer of timers) timer()
  }

  /** Takes one turn: what was to be done in it, and nothing of what that gives. */
  step(): void {
    const tasks = this.#tasks
    this.#tasks = []
    for (const task of tasks) task()
  }

  /** Takes turns until nothing is left; answers how many. */
  finish(): number {
    let turns = 0
    for (; !this.isIdle; turns++) this.step()
    return turns
  }
}
