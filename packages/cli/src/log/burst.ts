/** Of facts that come in bursts, the first at once, and then how many came: a log is no copy of the traffic. */

import type { Clock } from '@xtomp/core'

/** How long facts of a kind are only counted after one was told, in milliseconds. */
const QUIET_MS = 1_000

/** Tells the first of a burst, and after it, once a second, how many there were since and the last of them. */
export class Burst<Fact> {
  readonly #clock: Clock
  readonly #tell: (fact: Fact, count: number) => void
  #isQuiet = false
  #count = 0
  #last: Fact | undefined

  constructor(clock: Clock, tell: (fact: Fact, count: number) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** One more. */
  note(fact: Fact): void {
    if (this.#isQuiet) {
      this.#count++
      this.#last = fact
      return
    }
    this.#isQuiet = true
    this.#tell(fact, 1)
    this.#clock.after(QUIET_MS, () => this.#end())
  }

  #end(): void {
    this.#isQuiet = false
    const [count, last] = [this.#count, this.#last]
    this.#count = 0
    this.#last = undefined
    if (count === 0 || last === undefined) return
    this.#isQuiet = true
    this.#tell(last, count)
    this.#clock.after(QUIET_MS, () => this.#end())
  }
}
