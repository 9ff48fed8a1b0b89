/** What was passed on to a worker that it may not have taken yet, and who waits until it has. */

import type { Broker } from '@xtomp/core'
import { CODE } from '../link/codes.js'
import type { Link } from '../link/link.js'
import { patience } from './patience.js'

/** What this needs of the broker. */
export type UntakenContext = Pick<Broker, 'clock' | 'logger'>

/** Asks a worker, when somebody wants to know, whether it has taken what it was passed; it answers in order. */
export class Untaken {
  readonly #link: Link
  readonly #context: UntakenContext
  /** Whether it was passed something after it was asked last. */
  #hasMore = false
  /** Who waits for its answers: a list for each time that it was asked, oldest first. */
  #waiting: (() => void)[][] = []
  #stopClock: (() => void) | undefined

  constructor(link: Link, context: UntakenContext) {
    this.#link = link
    this.#context = context
  }

  /** It was passed something. */
  more(): void {
    this.#hasMore = true
  }

  /** Calls `task` once it has taken everything: at once where it has, or is gone. */
  whenTaken(task: () => void): void {
    const last = this.#waiting.at(-1)
    if (this.#hasMore && !this.#link.isClosed) this.#ask(task)
    else if (last !== undefined) last.push(task)
    else task()
  }

  /** It has answered the oldest question. */
  answered(): void {
    const tasks = this.#waiting.shift() ?? []
    this.#stopClock?.()
    this.#stopClock = undefined
    if (this.#waiting.length > 0) this.#startClock()
    for (const task of tasks) task()
  }

  /** It is gone: nothing more will be taken. */
  close(): void {
    while (this.#waiting.length > 0) this.answered()
  }

  #ask(task: () => void): void {
    this.#hasMore = false
    this.#link.frame(CODE.ask).end()
    this.#waiting.push([task])
    if (this.#stopClock === undefined) this.#startClock()
  }

  #startClock(): void {
    const isListening = (): boolean => !this.#link.isPaused
    this.#stopClock = patience(this.#context.clock, isListening, () => {
      this.#context.logger.error({ unsentBytes: this.#link.unsentBytes }, 'a worker does not answer; it is cut')
      this.#link.destroy()
    })
  }
}
