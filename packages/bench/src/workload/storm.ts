/** `storm`: everybody loses its connection at once, and everybody comes back at once. */

import { nowUs } from '../load/now.js'
import type { Fault, Session } from '../load/session.js'
import { Work } from './work.js'

/** How long a client waits before it tries again. */
const AGAIN_MS = 50

/** A process of clients that come back. */
export class Storm extends Work {
  #cutUs: number | undefined

  override cut(): void {
    this.#cutUs = nowUs()
    this.recorder.connections = 0
    this.crowd.comeBack(Number.POSITIVE_INFINITY)
  }

  override ready(session: Session): void {
    this.recorder.lastUs = this.shared.readUs
    this.count(session, this.#cutUs)
    this.crowd.ready()
  }

  override lost(session: Session, fault: Fault): void {
    // A broker that is full may refuse: that is part of the storm. Too few files are not.
    if (this.#cutUs === undefined || session.wasReady || fault.code === 'EMFILE') super.lost(session, fault)
    else {
      this.recorder.retries++
      setTimeout(() => this.crowd.replace(session.index - this.plan.first), AGAIN_MS)
    }
  }
}
