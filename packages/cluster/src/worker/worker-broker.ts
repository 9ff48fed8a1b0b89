/** A broker whose queues are the primary's, and whose topics it shares with the other workers. */

import type { Duplex } from 'node:stream'
import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import type { Inside } from '@xtomp/core/destination'
import { OwnerLink, type OwnerLinkEvents } from './owner-link.js'

/** The broker, and its way to the primary. */
export interface WorkerBroker<User> {
  readonly broker: Broker<User>
  readonly owner: OwnerLink
}

/** Makes it. The primary has the store. */
export function createWorkerBroker<User>(
  stream: Duplex,
  { store: _, backplane: _own, ...options }: BrokerOptions<User>,
  events: OwnerLinkEvents,
): WorkerBroker<User> {
  let owner: OwnerLink | undefined
  const broker = createBroker<User>({
    ...options,
    backplane: (inside) => {
      // Every broker of ours gives that.
      owner = new OwnerLink(stream, inside as Inside, events)
      return owner
    },
  })
  return { broker, owner: owner as OwnerLink }
}
