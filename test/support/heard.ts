/** What a broker tells its host, noted down. */

import type { Broker, BrokerEvents } from '@xtomp/core'

/** All events: one that is missing here does not compile. */
const NAMES: { readonly [Name in keyof BrokerEvents]: true } = {
  open: true,
  close: true,
  connect: true,
  disconnect: true,
  subscribe: true,
  unsubscribe: true,
  send: true,
  deliver: true,
  acknowledge: true,
  nack: true,
  'dead-letter': true,
  expire: true,
  limit: true,
  'slow-consumer': true,
  refuse: true,
  drain: true,
  error: true,
}

/** The names of all events. */
export const EVENT_NAMES = Object.keys(NAMES) as readonly (keyof BrokerEvents)[]

/** What comes with every connection, delivery and end, beside what a test is about. */
const ALWAYS: readonly string[] = ['open', 'close', 'deliver', 'drain']

/** The events of a broker, in the order in which they were told. */
export class Heard {
  /** Their names. */
  readonly names: (keyof BrokerEvents)[] = []
  readonly #payloads: { readonly name: keyof BrokerEvents; readonly payload: unknown }[] = []

  /** Listens from now on: to these events, or else to all but those that come with everything. */
  constructor(broker: Broker, names = EVENT_NAMES.filter((name) => !ALWAYS.includes(name))) {
    for (const name of names) {
      broker.on(name, (payload) => {
        this.names.push(name)
        this.#payloads.push({ name, payload })
      })
    }
  }

  /** The payloads of one event, oldest first. */
  of<Name extends keyof BrokerEvents>(name: Name): BrokerEvents[Name][] {
    return this.#payloads.filter((event) => event.name === name).map(({ payload }) => payload as BrokerEvents[Name])
  }
}
