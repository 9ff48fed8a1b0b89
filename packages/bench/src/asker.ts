/** Somebody who asks now and then, and notices how long the answer takes. */

import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const A_MICROSECOND = 1_000
/** Between two questions. */
const PAUSE_MS = 2

/** A session that sends to a topic of its own, and measures how long the message is on its way. */
export class Asker {
  readonly #socket
  #came: (() => void) | undefined
  #isStopped = false

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (octets) => {
      // Each frame that it waits for is the only one under way.
      if (octets.includes(0)) this.#came?.()
    })
  }

  async subscribed(): Promise<void> {
    await this.#say('CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\n\n\0')
    await this.#say('SUBSCRIBE\nid:0\ndestination:/topic/answers\nreceipt:r\n\n\0')
  }

  /** Asks until it is stopped; resolves with the microseconds that each answer took. */
  async ask(): Promise<number[]> {
    const taken: number[] = []
    while (!this.#isStopped) {
      const since = performance.now()
      await this.#say('SEND\ndestination:/topic/answers\n\nand?\0')
      taken.push(Math.round((performance.now() - since) * A_MICROSECOND))
      await pause(PAUSE_MS)
    }
    this.#socket.destroy()
    return taken
  }

  stop(): void {
    this.#isStopped = true
  }

  async #say(frame: string): Promise<void> {
    const came = new Promise<void>((resolve) => {
      this.#came = resolve
    })
    this.#socket.write(frame)
    await came
  }
}
