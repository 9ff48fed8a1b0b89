/** The subscriptions that sessions have, as the broker's events tell of them. */

import type { Broker, SessionInfo, SubscriptionInfo } from '@xtomp/core'
import type { Watch } from './received-messages.js'

/** A subscription of a session. */
export interface SessionSubscription extends SubscriptionInfo {
  /** Whose it is. */
  readonly session: SessionInfo
}

/** Those of one broker, oldest first. */
export class Subscriptions {
  #all: readonly SessionSubscription[] = []

  constructor(broker: Pick<Broker, 'on'>, watch: Watch) {
    const set = (all: readonly SessionSubscription[]): void => {
      this.#all = all
      watch.changed()
    }
    broker.on('subscribe', ({ session, subscription }) => set([...this.#all, { ...subscription, session }]))
    broker.on('unsubscribe', ({ session, subscription: { id } }) =>
      set(this.#all.filter((other) => other.id !== id || other.session.id !== session.id)),
    )
    broker.on('disconnect', ({ session }) => set(this.#all.filter((other) => other.session.id !== session.id)))
  }

  /** All of them. */
  get all(): readonly SessionSubscription[] {
    return this.#all
  }

  /** All of them, one a line. */
  list(): string {
    if (this.#all.length === 0) return 'no session has a subscription'
    const lines = this.#all.map(
      ({ id, destination, ackMode, session }) => `  ${destination} id:${id} ack:${ackMode} (session ${session.id})`,
    )
    return ['the subscriptions are:', ...lines].join('\n')
  }
}
