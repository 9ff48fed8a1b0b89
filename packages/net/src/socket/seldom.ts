/** Tells of what may come in crowds: the first at once, and then, at a bounded rate, how many there were. */

import type { Clock } from '@xtomp/core'

/** How long more of it is only counted after one was told, in milliseconds. */
const QUIET_MS = 10_000

/** One thing that may come in crowds. */
export class Seldom {
  readonly #clock: Pick<Clock, 'now'>
  #toldAt: number | undefined
  #untold = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** One more. Has it told, with how many there were since one was told, unless that was a moment ago. */
  note(tell: (count: number) => void): void {
    const now = this.#clock.now()
    this.#untold++
    if (this.#toldAt !== undefined && now - this.#toldAt < QUIET_MS) return
    const count = this.#untold
    this.#toldAt = now
    this.#untold = 0
    tell(count)
  }
}
