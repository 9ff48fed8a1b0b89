/** `churn`: sessions that leave as soon as they are there, and others in their place. */

import type { Session } from '../load/session.js'
import { Work } from './work.js'

/** A process of clients that come and go. */
export class Churn extends Work {
  #isGoing = false
  #left = 0

  override go(): void {
    this.#isGoing = true
    this.#left = this.plan.messages ?? Number.POSITIVE_INFINITY
    for (const session of this.sessions) this.#leave(session)
  }

  override rest(): void {
    this.#isGoing = false
  }

  override ready(session: Session): void {
    this.count(session)
    if (this.#isGoing) this.#leave(session)
    else this.crowd.ready()
  }

  override left(session: Session): void {
    this.recorder.connections--
    this.recorder.cycles++
    if (this.#isGoing && this.#left > 0) this.crowd.replace(session.index - this.plan.first)
  }

  #leave(session: Session): void {
    if (this.#left <= 0) return
    this.#left--
    // Whoever hears of its own frame in the middle of another's may not leave yet.
    session.leave()
  }
}
