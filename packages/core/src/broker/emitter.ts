/** Events on their way to the host: emitted last, and no listener can do harm. */

import { EventEmitter } from 'eventemitter3'
import type { Logger } from '../logger.js'
import type { Reentry } from '../reentry.js'
import type { BrokerEvents } from './events.js'

type Listener<Payload> = (payload: Payload) => void

/** The events of one broker. One that nobody listens to costs a look at a field, and no object. */
export class Emitter<User> {
  /** What somebody listens to; as fields, since some are looked at for each message. */
  readonly heard: { [Name in keyof BrokerEvents<User>]?: boolean } = {}
  readonly #events = new EventEmitter<string>()
  readonly #logger: Logger
  readonly #reentry: Reentry

  constructor(logger: Logger, reentry: Reentry) {
    this.#logger = logger
    this.#reentry = reentry
  }

  on<Name extends keyof BrokerEvents<User>>(event: Name, listener: Listener<BrokerEvents<User>[Name]>): void {
    this.#events.on(event, listener)
    this.#note(event)
  }

  off<Name extends keyof BrokerEvents<User>>(event: Name, listener: Listener<BrokerEvents<User>[Name]>): void {
    this.#events.off(event, listener)
    this.#note(event)
  }

  #note(event: keyof BrokerEvents<User>): void {
    this.heard[event] = this.#events.listenerCount(event) > 0
  }

  /** Tells whoever listens; the payload is made only where somebody does. */
  emit<Name extends keyof BrokerEvents<User>>(event: Name, payload: () => BrokerEvents<User>[Name]): void {
    if (!this.heard[event]) return
    const told = payload()
    for (const listener of this.#events.listeners(event))
      this.#tell(event, listener as Listener<BrokerEvents<User>[Name]>, told)
  }

  /** Reports a fault of the host's own: to the log, and as the event `error`. */
  failed(error: unknown, during: string): void {
    this.#log(error, during)
    this.emit('error', () => ({ error, during }))
  }

  #tell<Payload>(event: string, listener: Listener<Payload>, payload: Payload): void {
    this.#reentry.enter()
    try {
      const answer: unknown = listener(payload)
      // An async function is a listener, too, and nobody else would hear how it ends.
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#listenerFailed(event, error))
    } catch (error) {
      this.#listenerFailed(event, error)
    } finally {
      this.#reentry.leave()
    }
  }

  #listenerFailed(event: string, error: unknown): void {
    // A listener for errors that throws is only logged: telling it again would not end.
    if (event === 'error') this.#log(error, 'listener of error')
    else this.failed(error, `listener of ${event}`)
  }

  #log(error: unknown, during: string): void {
    try {
      this.#logger.error({ err: error, during }, `${during} failed`)
    } catch {
      // A log that is full must not end what it was to tell of; whoever listens to `error` hears of that nevertheless.
    }
  }
}
