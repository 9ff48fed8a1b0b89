/** `echo`: each client sends itself a message, and the next one when that has come. */

import type { Sends } from '../load/frames.js'
import { nowUs } from '../load/now.js'
import type { Session } from '../load/session.js'
import { Work } from './work.js'

/** A process of clients that are alone. */
export class Echo extends Work {
  readonly #sends = new Map<number, Sends>()
  readonly #left = new Map<Session, number>()
  #isResting = false

  override go(): void {
    const { messages = Number.POSITIVE_INFINITY } = this.plan
    for (const session of this.sessions) {
      this.#left.set(session, messages)
      this.send(session)
    }
  }

  override rest(): void {
    this.#isResting = true
  }

  override message(session: Session, sentUs: number): void {
    super.message(session, sentUs)
    this.send(session)
  }

  protected override open(number: number): Session {
    const { destination, first, bodyBytes } = this.plan
    const own = `${destination}.${first + number}`
    this.#sends.set(first + number, this.shared.frames.sends(own, bodyBytes, 0))
    return this.dial(number, this.shared.frames.subscribe(own))
  }

  protected send(session: Session): void {
    const left = this.#left.get(session) ?? 0
    const sends = this.#sends.get(session.index)
    if (this.#isResting || left <= 0 || sends === undefined) return
    this.#left.set(session, left - 1)
    this.recorder.sent++
    session.write(sends.take(1, nowUs()))
  }
}

/** How long it waits between two messages. */
const PAUSE_MS = 5

/** One client that looks on while others do something: it echoes, but slowly. */
export class Bystander extends Echo {
  protected override send(session: Session): void {
    setTimeout(() => super.send(session), PAUSE_MS).unref()
  }
}
