/** The last files that a process may open: no connection keeps one, so that whoever comes then can be told. */

import { readFileSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { type Broker, StompError } from '@xtomp/core'
import { Seldom } from './seldom.js'

/**
 * How many they are; a quarter, where there are few. `xtomp doctor` asks for a hundred files beside those of connections,
 * and a worker has fewer than thirty: these fit between.
 */
const MOST_SPARE = 48

/** A socket with what Node keeps for itself: whoever wrote about it says that `_handle.fd` is the file's number. */
interface OpenSocket {
  readonly _handle?: { readonly fd?: number } | null
}

/** Tells a socket why it may not come in. */
type Refuse = (socket: Socket, why: StompError) => void

/**
 * Keeps them. Without that a process that has none left would hear nothing of who comes: libuv accepts and cuts them, and
 * what a primary hands to its worker is lost on the way.
 *
 * Nothing is counted: a new file gets the lowest number that is free, whoever opened the others, and no number may reach
 * the limit. So the number of a socket's file tells how many there still are.
 */
export class SpareFiles {
  readonly #logger: Broker['logger']
  readonly #most: number
  readonly #spare: number
  readonly #refusals: Seldom

  /** @param most - how many files this process may open; Infinity where that is not known, and then all are let in */
  constructor({ clock, logger }: Pick<Broker, 'clock' | 'logger'>, most: number = mostOpenFiles()) {
    this.#logger = logger
    this.#most = most
    this.#spare = Math.min(MOST_SPARE, Math.ceil(most / 4))
    this.#refusals = new Seldom(clock)
  }

  /** Does so with all that a server accepts. */
  receiveFrom(server: Server, take: (socket: Socket) => void, refuse: Refuse): void {
    server.on('connection', (socket) => this.receive(socket, take, refuse))
  }

  /**
   * Takes a socket that has come, or has it refused where its file is one of the last, and tells the log. One that would
   * take the very last is cut: those that were refused may stay until they have read why.
   */
  receive(socket: Socket, take: (socket: Socket) => void, refuse: Refuse): void {
    // Without a number, on Windows or above another stream, it takes none.
    const open = ((socket as OpenSocket)._handle?.fd ?? -1) + 1
    const free = this.#most - open
    if (free >= this.#spare) {
      take(socket)
      return
    }
    this.#tell()
    if (free >= this.#spare / 2) refuse(socket, this.#tooMany(open))
    else socket.destroy()
  }

  #tell(): void {
    this.#refusals.note((refused) =>
      this.#logger.warn(
        { openFiles: this.#most, spare: this.#spare, refused },
        'clients are refused: this process has opened nearly all files that it may (ulimit -n, LimitNOFILE of a unit); option maxConnections refuses them earlier',
      ),
    )
  }

  #tooMany(seen: number): StompError {
    const limit = this.#most - this.#spare
    const text = `this process may open ${this.#most} files, and keeps the last ${this.#spare} for itself (ulimit -n)`
    const excess = { what: 'this process', limit, seen, unit: 'open files', option: 'ulimit -n' }
    return new StompError('connections-too-many', text, { excess })
  }
}

/** How many files this process may open, as Linux tells; Infinity where nobody does. */
export function mostOpenFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
