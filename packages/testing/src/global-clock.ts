/** A clock that goes by the global timers as they are at each call, so that a test runner's fake ones move the broker. */

import type { Clock } from '@xtomp/core'
import { Turns } from './turns.js'

/**
 * Time by `setTimeout`, `clearTimeout` and `Date`, looked up at each call: with `vi.useFakeTimers()` or
 * `jest.useFakeTimers()` time stands still for the broker too. `soon` is the real `setImmediate`, so that octets flow
 * meanwhile.
 */
export class GlobalClock implements Clock {
  readonly #turns = new Turns()
  #passedMs = 0
  #readAt = Date.now()

  /** Milliseconds since some moment. */
  now(): number {
    // Every runner fakes Date, not every one performance. Date may be set back, and time does not go back.
    const date = Date.now()
    this.#passedMs += Math.max(0, date - this.#readAt)
    this.#readAt = date
    return this.#passedMs
  }

  /** Milliseconds since 1970. */
  epoch(): number {
    return Date.now()
  }

  /** Runs `task` in a later turn, though time stand still. */
  soon(task: () => void): void {
    this.#turns.soon(task)
  }

  /** Runs `task` once so much time has passed. Answers what cancels it. */
  after(delayMs: number, task: () => void): () => void {
    const timer = setTimeout(task, delayMs)
    timer.unref?.()
    return () => clearTimeout(timer)
  }

  /** Resolves when nothing is left to be done at this moment: promises, octets in memory, and what they lead to. */
  settled(): Promise<void> {
    return this.#turns.settled()
  }
}
