/** Sockets that have come and are nobody's connection yet: each has a deadline, and a door that closes cuts them all. */

import type { Socket } from 'node:net'
import type { Clock } from '@xtomp/core'

/** Sockets on their way in: those that have not said what they want, or have not finished their handshake. */
export class Arrivals {
  readonly #clock: Clock
  readonly #limitMs: number
  readonly #overdue: (socket: Socket) => void
  readonly #waiting = new Map<Socket, () => void>()
  readonly #gone: (this: Socket) => void
  #isClosed = false

  /** @param overdue - told of one whose time is up; what it does not do with it is to be done by `socket.destroy()` */
  constructor(clock: Clock, limitMs: number, overdue: (socket: Socket) => void = (socket) => socket.destroy()) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#overdue = overdue
    const gone = (socket: Socket): void => void this.delete(socket)
    this.#gone = function (this: Socket) {
      gone(this)
    }
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Begins a socket's time; `overdue` is told of this one, instead of who is told of all. */
  add(socket: Socket, overdue: (socket: Socket) => void = this.#overdue): void {
    if (this.#isClosed) {
      socket.destroy()
      return
    }
    // Its time goes on, whoever tells of it again.
    if (this.#waiting.has(socket)) return
    const cancel = this.#clock.after(this.#limitMs, () => {
      if (this.delete(socket)) overdue(socket)
    })
    this.#waiting.set(socket, cancel)
    socket.on('close', this.#gone)
  }

  /** It has come in, or is gone. Answers whether it was still waiting. */
  delete(socket: Socket): boolean {
    this.#waiting.get(socket)?.()
    socket.off('close', this.#gone)
    return this.#waiting.delete(socket)
  }

  /** Cuts those that wait, and each that still comes. */
  close(): void {
    this.#isClosed = true
    for (const socket of [...this.#waiting.keys()]) {
      this.delete(socket)
      socket.destroy()
    }
  }
}
