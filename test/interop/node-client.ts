/** What the two clients of Node have in common, so that one list of steps is for both. */

import type { AckMode, Version } from '@xtomp/core'

/** A message as a client sees it. */
export interface Received {
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** A client that is connected; `Taken` is its own idea of a message. Where a promise comes back, a RECEIPT resolves it. */
export interface NodeClient<Taken extends Received = Received> {
  /** The version that CONNECTED names. */
  readonly version: string | undefined
  /** How many beats it has heard. */
  readonly beats: number
  /** The oldest message that was not taken yet. */
  next(): Promise<Taken>
  subscribe(destination: string, ack: AckMode): Promise<void>
  unsubscribe(): Promise<void>
  send(destination: string, body: string | Uint8Array, transaction?: string): void
  sendConfirmed(destination: string, body: string): Promise<void>
  ack(message: Taken, transaction?: string): Promise<void>
  nack(message: Taken): void
  begin(transaction: string): void
  commit(transaction: string): void
  abort(transaction: string): void
  disconnect(): Promise<void>
}

/** Connects a client. */
export type Connect<Taken extends Received = Received> = (
  port: number,
  version: Version,
  beatMs?: number,
) => Promise<NodeClient<Taken>>

/** Messages that have come and those who wait for one; a failure is for all of them. */
export class Inbox<Taken extends Received> {
  readonly #messages: Taken[] = []
  readonly #waiting: { resolve(message: Taken): void; reject(error: unknown): void }[] = []
  #failure: unknown

  put(message: Taken): void {
    const first = this.#waiting.shift()
    if (first === undefined) this.#messages.push(message)
    else first.resolve(message)
  }

  fail(error: unknown): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  take(): Promise<Taken> {
    const message = this.#messages.shift()
    if (message !== undefined) return Promise.resolve(message)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }
}
