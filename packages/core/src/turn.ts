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
  /** Whether so much was done in it that what is left must wait for the next. */
  isSpent = false
  #isForCrowd = false
  #isPatient = false
  #isCrowdFull = false
  #unserved: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether what is written now goes to very many, who are served after everybody else. */
  get isForCrowd(): boolean {
    return this.#isForCrowd
  }

  /** Whether one of very many has as much to be sent as may wait, and whoever sends to them is to wait until it has left. */
  get isCrowdFull(): boolean {
    return this.#isCrowdFull
  }

  /** Runs `task`, which writes to very many. Who is patient can be made to wait before he sends them more. */
  forCrowd(task: () => void, { isPatient }: { readonly isPatient: boolean }): void {
    this.#isForCrowd = true
    this.#isPatient = isPatient
    try {
      task()
    } finally {
      this.#isForCrowd = false
      this.#isPatient = false
    }
  }

  /** Somebody has as much to be sent as may wait. Answers whether it waits nevertheless, and its sender with it. */
  full(): boolean {
    if (this.#isPatient) this.#isCrowdFull = true
    return this.#isPatient
  }

  /** Runs `task` once very many have room again, in the order in which they were given: at once where they have. */
  whenServed(task: () => void): void {
    if (this.#isCrowdFull) this.#unserved.push(task)
    else task()
  }

  /** What was written to very many has left, or waits for its peers. */
  served(): void {
    if (!this.#isCrowdFull) return
    this.#isCrowdFull = false
    const tasks = this.#unserved
    this.#unserved = []
    for (const task of tasks) task()
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

  /** Runs `task` in a later turn, in the order in which they were given. Only while this one is spent. */
  later(task: () => void): void {
    this.#waiting.push(task)
  }

  #begin(): void {
    this.#until = 0
    this.isSpent = false
    const tasks = this.#waiting
    this.#waiting = []
    for (const [at, task] of tasks.entries()) {
      task()
      if (!this.isSpent) continue
      // Whoever has waited is before those who came meanwhile.
      this.#waiting = [...tasks.slice(at + 1), ...this.#waiting]
      break
    }
  }
}
