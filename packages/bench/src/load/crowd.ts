/** Many sessions, opened a few at a time. */

import type { Session } from './session.js'

/** How sessions come to be. */
export interface Opening {
  /** How many may be on their way at once. */
  readonly atOnce: number
  /** Opens the session with this number, counted from 0 in this process. */
  open(number: number): Session
  /** So many are there, as was asked. */
  opened(count: number): void
}

/** The sessions of a process. */
export class Crowd {
  readonly sessions: Session[] = []
  readonly #opening: Opening
  #wanted = 0
  #ready = 0
  #begun = 0

  constructor(opening: Opening) {
    this.#opening = opening
  }

  /** Opens sessions until there are so many. */
  grow(wanted: number): void {
    this.#wanted = wanted
    this.#fill()
    if (this.#ready === wanted) this.#opening.opened(wanted)
  }

  /** One of them is ready. */
  ready(): void {
    this.#ready++
    if (this.#ready === this.#wanted) this.#opening.opened(this.#wanted)
    else this.#fill()
  }

  /** Cuts all, and opens as many again, all at once. */
  comeBack(atOnce: number): void {
    for (const session of this.sessions) session.cut()
    this.sessions.length = 0
    this.#ready = 0
    this.#begun = 0
    this.#fill(atOnce)
  }

  /** Opens a session in place of another that is gone. */
  replace(number: number): void {
    this.sessions[number] = this.#opening.open(number)
  }

  #fill(atOnce = this.#opening.atOnce): void {
    while (this.#begun < this.#wanted && this.#begun - this.#ready < atOnce) {
      this.sessions.push(this.#opening.open(this.#begun++))
    }
  }
}
