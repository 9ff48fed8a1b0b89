/** Very many who are sent the same: served after everybody else and in slices, and whoever sends them more waits for that. */

import type { Turn } from './turn.js'

/** What is written to very many, and who may write more. */
export class Crowd {
  readonly #turn: Turn
  #isAddressed = false
  #isPatient = false
  #isFull = false
  #waiting: (() => void)[] = []

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Whether what is written now goes to very many, who are served after everybody else. */
  get isAddressed(): boolean {
    return this.#isAddressed
  }

  /** Whether it comes from somebody who waits before he sends more: then it need not leave at once, however much it is. */
  get isPatient(): boolean {
    return this.#isPatient && this.#isAddressed
  }

  /** Whether somebody has as much to be sent as may wait: so it is until all have been served. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Whether whoever sends to very many now has to wait. */
  get isBusy(): boolean {
    return this.#isFull || this.#waiting.length > 0
  }

  /** Runs `task`, which writes to very many. */
  address(task: () => void): void {
    const before = this.#isAddressed
    this.#isAddressed = true
    try {
      task()
    } finally {
      this.#isAddressed = before
    }
  }

  /** Runs `task`, which sends something for somebody who looks whether the crowd is busy. */
  patiently(task: () => void): void {
    const before = this.#isPatient
    this.#isPatient = true
    try {
      task()
    } finally {
      this.#isPatient = before
    }
  }

  /** Somebody has as much to be sent as may wait. */
  fill(): void {
    this.#isFull = true
  }

  /** Runs `task`, which sends something, once there is room, and resolves when that is done; nobody overtakes. */
  whenRoom(task: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          this.patiently(task)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  /** All have been served who were there when it became full. */
  served(): void {
    this.#isFull = false
    this.#letIn()
  }

  #letIn(): void {
    while (this.#waiting.length > 0 && !this.#isFull) {
      if (this.#turn.isSpent) {
        this.#turn.later(() => this.#letIn())
        return
      }
      this.#waiting.shift()?.()
    }
  }
}
