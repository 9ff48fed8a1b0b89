/** Tells the log of handshakes that fail: at a bounded rate, for whoever wishes can make any number of them. */

import type { Broker } from '@xtomp/core'

/** How long failures are only counted after one was told, in milliseconds. */
const QUIET_MS = 10_000

/** What is known of a failure. */
interface Failure {
  readonly remoteAddress: string | undefined
  /** As Node or OpenSSL names it. */
  readonly code: string | undefined
}

/** The failed handshakes of a door. */
export class Failures {
  readonly #broker: Broker
  #toldAt: number | undefined
  #untold = 0

  constructor(broker: Broker) {
    this.#broker = broker
  }

  /** One more; `reason` is for a person. */
  note(failure: Failure, reason: string): void {
    const now = this.#broker.clock.now()
    this.#untold++
    if (this.#toldAt !== undefined && now - this.#toldAt < QUIET_MS) return
    const fields = { ...failure, failures: this.#untold }
    this.#toldAt = now
    this.#untold = 0
    this.#broker.logger.warn(fields, `a TLS handshake failed: ${reason}`)
  }
}
