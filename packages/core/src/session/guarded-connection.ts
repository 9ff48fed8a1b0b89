/** A connection whose adapter may throw: that ends its own session, and nothing else. */

import type { Clock } from '../clock.js'
import type { CloseReason, Connection, ConnectionInfo } from '../ports/connection.js'

/** Whose connection it is. */
export interface Connected {
  readonly clock: Clock
  /** The adapter has thrown, and the connection was cut. Told once, and in a turn of its own. */
  broke(error: unknown): void
}

/** Calls an adapter. What that throws is told in the next turn: whoever called is in the midst of something. */
export class GuardedConnection implements Connection {
  readonly #connection: Connection
  readonly #owner: Connected
  #isBroken = false

  constructor(connection: Connection, owner: Connected) {
    this.#connection = connection
    this.#owner = owner
  }

  get info(): ConnectionInfo {
    return this.#connection.info
  }

  get isLate(): boolean {
    return this.#connection.isLate === true
  }

  get provenLogin(): string | undefined {
    return this.#connection.provenLogin
  }

  send(octets: Uint8Array, frameEnds: readonly number[]): boolean {
    // One that is broken takes nothing, and never drains.
    if (this.#isBroken) return false
    try {
      return this.#connection.send(octets, frameEnds)
    } catch (error) {
      this.#break(error)
      return false
    }
  }

  pause(): void {
    this.#call('pause')
  }

  resume(): void {
    this.#call('resume')
  }

  close(reason: CloseReason): void {
    if (this.#isBroken) return
    try {
      this.#connection.close(reason)
    } catch (error) {
      this.#break(error)
    }
  }

  abort(): void {
    this.#call('abort')
  }

  #call(method: 'pause' | 'resume' | 'abort'): void {
    if (this.#isBroken) return
    try {
      this.#connection[method]()
    } catch (error) {
      this.#break(error)
    }
  }

  #break(error: unknown): void {
    this.#isBroken = true
    this.#owner.clock.soon(() => {
      try {
        this.#connection.abort()
      } catch {
        // The first fault is the one to tell.
      }
      this.#owner.broke(error)
    })
  }
}
