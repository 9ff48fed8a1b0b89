/** Work for a later turn, counted, so that a test can wait until none is left. */

import { soon, turn } from './real-time.js'

const MOST_TURNS = 10_000

/** What one broker has to do soon. */
export class Turns {
  #waiting = 0

  /** Runs `task` after all sockets that are readable now have been read. */
  soon(task: () => void): void {
    this.#waiting++
    soon(() => {
      this.#waiting--
      task()
    })
  }

  /** Resolves when nothing is left to be done: promises, work for a later turn, and what they lead to. */
  async settled(): Promise<void> {
    // One turn at least: what rang may have gone on in promises, and they may want something soon.
    for (let turns = 0; turns === 0 || this.#waiting > 0; turns++) {
      if (turns === MOST_TURNS) throw new Error('tasks given to clock.soon give it tasks without end')
      await turn()
    }
  }
}
