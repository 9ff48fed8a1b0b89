/** One turn of the event loop, and how much of it the broker may take: nobody waits for long because another is busy. */

import type { Clock } from './clock.js'

/** How long is worked at one thing before everything else has its turn, in milliseconds. */
export const SLICE_MS = 5

/** A look at the clock costs as much as a frame: it is looked at after so many frames and deliveries. */
const LOOK_EVERY = 128

/** So many are dropped at once of those who had their turn. */
const MANY = 1_024

/** Who waits for a later turn, first come first served. */
class Line {
  #tasks: (() => void)[] = []
  #served = 0

  add(task: () => void): void {
    this.#tasks.push(task)
  }

  /** Whoever is first, and is in it no more. */
  next(): (() => void) | undefined {
    const task = this.#tasks[this.#served]
    if (task === undefined) return undefined
    this.#served++
    if (this.#served === this.#tasks.length || this.#served === MANY) {
      this.#tasks = this.#tasks.slice(this.#served)
      this.#served = 0
    }
    return task
  }
}

/** The turn at hand, as all sessions of a broker share it. */
export class Turn {
  readonly #clock: Clock
  #units = 0
  /** When it must end; 0 while nothing much was done in it. */
  #until = 0
  /** Those who are in, and newcomers; whose line is first in the next. */
  readonly #known = new Line()
  readonly #newcomers = new Line()
  #areNewcomersFirst = false
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
   * their own, and the two are first by turns: when thousands come at once, nobody who is in waits behind them all.
   */
  later(task: () => void, isNewcomer = false): void {
    const line = isNewcomer ? this.#newcomers : this.#known
    line.add(task)
  }

  #begin(): void {
    this.#until = 0
    this.isSpent = false
    const [first, second] = this.#areNewcomersFirst ? [this.#newcomers, this.#known] : [this.#known, this.#newcomers]
    while (!this.isSpent) {
      const task = first.next() ?? second.next()
      if (task === undefined) return
      task()
    }
    this.#areNewcomersFirst = !this.#areNewcomersFirst
  }
}
