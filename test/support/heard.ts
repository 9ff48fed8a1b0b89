/** What a broker tells its host, noted down. */

import type { Broker, BrokerEvents } from '@xtomp/core'

/** All events: one that is missing here does not compile. */
const NAMES: { readonly [Name in keyof BrokerEvents]: true } = {
  connect: true,
  disconnect: true,
  subscribe: true,
  unsubscribe: true,
  send: true,
  acknowledge: true,
  nack: true,
  'dead-letter': true,
  'slow-consumer': true,
  refuse: true,
  error: true,
}

/** The names of all events. */
export const EVENT_NAMES = Object.keys(NAMES) as readonly (keyof BrokerEvents)[]

/** The events of a broker, in the order in which they were told. */
export class Heard {
  /** Their names. */
  readonly names: (keyof BrokerEvents)[] = []
  readonly #payloads: { readonly name: keyof BrokerEvents; readonly payload: unknown }[] = []

  /** Listens to all events from now on. */
  constructor(broker: Broker) {
    for (const name of EVENT_NAMES) {
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
