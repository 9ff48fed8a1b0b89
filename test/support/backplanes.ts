/** Backplanes, as the Backplane contract takes them. */

import { systemClock } from '@xtomp/core'
import { Headers, type Inside, MessageIds, StoredMessage } from '@xtomp/core/destination'
import type { ArrivedMessage, Backplane, BackplaneBroker } from '@xtomp/core/ports'
import { createMemoryBackplane } from '@xtomp/testing'
import type { BackplaneHarness } from '@xtomp/testing/contracts'
import { createOwner } from '../../packages/cluster/src/primary/owner.js'
import { OwnerLink } from '../../packages/cluster/src/worker/owner-link.js'
import { socketPair } from './linked-brokers.js'

const ids = new MessageIds('test')

/** A message of a broker's own. */
export const messageOf: BackplaneHarness['message'] = (destination, body, headers = {}) =>
  new StoredMessage(ids.next(), destination, Headers.from(headers), body).borrow()

/** The one for brokers of one process. */
export const memoryBackplane: BackplaneHarness = {
  open: (brokers) => {
    const join = createMemoryBackplane()
    return brokers.map((broker) => join(broker))
  },
  message: messageOf,
}

/** That of a cluster's workers: a hub, and a link to it for each, in one process. */
export function linkedBackplane(): BackplaneHarness {
  const ends: (() => Promise<void>)[] = []
  return {
    open: async (brokers) => {
      const owner = createOwner({})
      ends.push(() => owner.broker.close())
      const opened: Backplane[] = []
      for (const broker of brokers) {
        const [near, far] = await socketPair()
        const atOwner = owner.connect(near, { told: () => undefined, failed: () => undefined, closed: () => undefined })
        opened.push(new OwnerLink(far, insideOf(broker), { told: () => undefined, closed: () => undefined }))
        ends.unshift(async () => atOwner.link.destroy())
      }
      return opened
    },
    message: messageOf,
    close: async () => {
      for (const end of ends.splice(0)) await end()
    },
  }
}

/** As much of a broker's inside as topics need. */
function insideOf(broker: BackplaneBroker): Inside {
  const part = {
    context: { clock: systemClock, account: { charge: () => undefined, give: () => undefined } },
    router: (host: string) => ({
      receive: ({ id, destination, headers, body, expiresAt }: ArrivedMessage) =>
        broker.receive(host, { id, destination, headers, body, expiresAt }),
    }),
    receive: broker.receive.bind(broker),
  }
  return part as unknown as Inside
}
