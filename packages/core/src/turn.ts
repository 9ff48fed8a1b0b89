/** One turn of the event loop, and how much of it the broker may take: nobody waits for long because another is busy. */

import type { Clock } from './clock.js'

/** How long is worked at one thing before everything else has its turn, in milliseconds. */
export const SLICE_MS = 5

/** A look at the clock costs as much as a frame: it is looked at after so many frames and deliveries. */
const LOOK_EVERY = 128

/** The turn at hand, as all sessions of a broker share it. */
export class Turn {
  readonly #clock: Clock
  #units = 0
  /** When it must end; 0 while nothing much was done in it. */
  #until = 0
  #waiting: (() => void)[] = []
  #newcomers: (() => void)[] = []
  /** Whether so much was done in it that what is left must wait for the next. */
  isSpent = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts frames taken and deliveries made. */
  spend(units: number): void {
    this.#units += units
    if (this.#units < LOOK_EVERY) return
    this.#units = 0
    const now = this.#clock.now()
    if (this.#until === 0) {
      this.#until = now + SLICE_MS
      this.#clock.soon(() => this.#begin())
    } else if (now >= this.#until) this.isSpent = true
  }

  /**
   * Runs `task` in a later turn, in the order in which they were given. Only while this one is spent. Newcomers are in a line of
   * their own, and the two take turns: when thousands come at once, nobody who is in waits behind them all.
   */
  later(task: () => void, isNewcomer = false): void {
    if (isNewcomer) this.#newcomers.push(task)
    else this.#waiting.push(task)
  }

  #begin(): void {
    this.#until = 0
    this.isSpent = false
    const [waiting, newcomers] = [this.#waiting, this.#newcomers]
    this.#waiting = []
    this.#newcomers = []
    let at = 0
    for (const most = Math.max(waiting.length, newcomers.length); at < most && !this.isSpent; at++) {
      waiting[at]?.()
      newcomers[at]?.()
    }
    // Whoever has waited is before those who came meanwhile.
    if (at < waiting.length) this.#waiting = [...waiting.slice(at), ...this.#waiting]
    if (at < newcomers.length) this.#newcomers = [...newcomers.slice(at), ...this.#newcomers]
  }
}
