/** How many messages may leave by now, where so many a second are wanted. */

import { nowUs } from '../load/now.js'

const TICK_MS = 5
const A_SECOND_US = 1_000_000

/** Lets through as many as a rate allows; without a rate, any number. */
export class Pace {
  readonly #rate: number | undefined
  readonly #again: () => void
  #timer: NodeJS.Timeout | undefined
  #begunUs = 0
  #sent = 0

  /** `again` is called every now and then, when more may leave. */
  constructor(rate: number | undefined, again: () => void) {
    this.#rate = rate
    this.#again = again
  }

  begin(): void {
    this.#begunUs = nowUs()
    if (this.#rate !== undefined) this.#timer = setInterval(this.#again, TICK_MS)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  /** How many may leave now. */
  get room(): number {
    if (this.#rate === undefined) return Number.POSITIVE_INFINITY
    return Math.floor(((nowUs() - this.#begunUs) / A_SECOND_US) * this.#rate) - this.#sent
  }

  sent(count: number): void {
    this.#sent += count
  }
}
