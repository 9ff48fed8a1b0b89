/** Host code that runs in the midst of something: what it wants done waits until that is over. */

import type { Clock } from './clock.js'

/**
 * Whether code of the host is running inside the broker's own: a listener, or a hook that is asked while a message is on
 * its way. What it publishes must neither overtake that message nor deepen the stack, so it is done in the next turn.
 */
export class Reentry {
  readonly #clock: Clock
  #depth = 0
  #waiting: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Host code begins. */
  enter(): void {
    this.#depth++
  }

  /** Host code ends. */
  leave(): void {
    this.#depth--
  }

  /** Whether work is to be given to {@link Reentry.later}: it came from host code, or other such work is before it. */
  get isUnderWay(): boolean {
    return this.#depth > 0 || this.#waiting.length > 0
  }

  /** Does `task` in the next turn, in the order given. What it leads to comes a turn later: no chain blocks the loop. */
  later(task: () => void): void {
    this.#waiting.push(task)
    if (this.#waiting.length > 1) return
    this.#clock.soon(() => {
      const tasks = this.#waiting
      this.#waiting = []
      for (const each of tasks) each()
    })
  }
}
