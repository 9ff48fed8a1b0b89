/** What one process of clients has seen, and tells every now and then. */

import { Histogram } from './histogram.js'

/** Counts since the beginning, and times since they were last told. */
export class Recorder {
  connections = 0
  sent = 0
  received = 0
  cycles = 0
  retries = 0
  lastUs = 0
  readonly #times = new Histogram()

  /** Notes how long something took, in microseconds. */
  took(us: number): void {
    this.#times.note(us)
  }

  /** The times since this was last asked, as a list. */
  times(): readonly number[] {
    const list = this.#times.list()
    if (list.length > 0) this.#times.clear()
    return list
  }
}
