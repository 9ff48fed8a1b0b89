/** Sockets on which nothing is left to be said: closed in slices, so that nobody waits while thousands end at once. */

import type { Socket } from 'node:net'
import type { Clock } from '@xtomp/core'

/** How long sockets are closed before everything else has its turn, in milliseconds; closing one takes the system some 10 µs. */
const SLICE_MS = 5

/** The sockets of a door that wait to be closed, first come first served. */
export class Departures {
  readonly #clock: Pick<Clock, 'now' | 'soon'>
  #waiting: Socket[] = []

  constructor(clock: Pick<Clock, 'now' | 'soon'>) {
    this.#clock = clock
  }

  /** Closes `socket` after this poll of the sockets, or a later one. */
  add(socket: Socket): void {
    if (this.#waiting.push(socket) === 1) this.#plan()
  }

  /** Closes the one that has waited longest, if any does: who comes needs its file. */
  closeNext(): void {
    this.#waiting.shift()?.destroy()
  }

  #plan(): void {
    this.#clock.soon(() => this.#close())
  }

  #close(): void {
    const until = this.#clock.now() + SLICE_MS
    let closed = 0
    for (const socket of this.#waiting) {
      socket.destroy()
      closed++
      if (this.#clock.now() >= until) break
    }
    this.#waiting = this.#waiting.slice(closed)
    if (this.#waiting.length > 0) this.#plan()
  }
}
