/** What was sent to the destinations of a broker, and waiting for more of it. */

import type { Headers, SessionInfo } from '@xtomp/core'
import { afterReally } from './real-time.js'
import { bodyText, lineOf } from './recorder.js'

/** A message that was sent, by a client or by the host. */
export interface ReceivedMessage {
  /** Where it was sent. */
  readonly destination: string
  /** The sender's headers, without those that the broker writes itself. */
  readonly headers: Headers
  /** The octets of the body. */
  readonly body: Uint8Array
  /** Whose it is; undefined where the host itself published it. */
  readonly session: SessionInfo | undefined
  /** The body, read as UTF-8. */
  text(): string
  /** The body, read as JSON. Throws a SyntaxError where it is none. */
  json<T = unknown>(): T
}

/** How long to wait. */
export interface WaitOptions {
  /**
   * After how much real time it is given up: whoever fakes timers, or lets the broker's time stand still, gets his answer
   * nevertheless. @defaultValue 1,000
   */
  readonly giveUpAfterMs?: number
}

const GIVE_UP_AFTER_MS = 1_000
/** What a failure lists: of more, the beginning. */
const SHOWN_MESSAGES = 20

/** Facts that come one after the other, and whoever waits for one to be so. */
export class Watch {
  readonly #looks = new Set<() => void>()

  /** Something has changed. */
  changed(): void {
    for (const look of [...this.#looks]) look()
  }

  /** Resolves with whether the condition holds: once it does, or false when it is given up. */
  holds(isTrue: () => boolean, { giveUpAfterMs = GIVE_UP_AFTER_MS }: WaitOptions = {}): Promise<boolean> {
    if (isTrue()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const end = (answer: boolean): void => {
        this.#looks.delete(look)
        cancel()
        resolve(answer)
      }
      const look = (): void => {
        if (isTrue()) end(true)
      }
      const cancel = afterReally(giveUpAfterMs, () => end(false))
      this.#looks.add(look)
    })
  }
}

/** The messages, oldest first. */
export class ReceivedMessages {
  readonly watch: Watch
  #messages: ReceivedMessage[] = []

  constructor(watch: Watch) {
    this.watch = watch
  }

  /** Notes one; whoever waits is told by `watch.changed()`. */
  add(message: Omit<ReceivedMessage, 'text' | 'json'>): ReceivedMessage {
    const text = (): string => new TextDecoder().decode(message.body)
    const noted: ReceivedMessage = { ...message, text, json: <T>() => JSON.parse(text()) as T }
    this.#messages.push(noted)
    return noted
  }

  /** One was refused after all. */
  remove(...refused: readonly ReceivedMessage[]): void {
    this.#messages = this.#messages.filter((message) => !refused.includes(message))
  }

  /** Those that were sent to a destination so far. */
  to(destination: string): readonly ReceivedMessage[] {
    return this.#messages.filter((message) => message.destination === destination)
  }

  /** All of them, one a line. */
  list(): string {
    if (this.#messages.length === 0) return 'nothing was sent to any destination'
    const lines = this.#messages.slice(0, SHOWN_MESSAGES).map((message) => `  ${describe(message)}`)
    const left = this.#messages.length - lines.length
    return ['what was sent:', ...lines, ...(left > 0 ? [`  and ${left} more`] : [])].join('\n')
  }

  /** Resolves with the first `count` to a destination. @throws Error which lists what was sent, where it is given up */
  async wait(destination: string, count: number, options?: WaitOptions): Promise<readonly ReceivedMessage[]> {
    await this.watch.holds(() => this.to(destination).length >= count, options)
    const messages = this.to(destination)
    if (messages.length >= count) return messages.slice(0, count)
    throw new Error(`expected ${count} of ${destination}, got ${messages.length}; ${this.list()}`)
  }
}

/** A message in one line. */
function describe({ destination, headers, body, session }: ReceivedMessage): string {
  const who = session === undefined ? ' (by the host)' : ''
  const line = lineOf({ command: destination, headers, body: new Uint8Array(0) })
  return `${line} ${bodyText(body)}${who}`
}
