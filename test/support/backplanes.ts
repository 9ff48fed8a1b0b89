/** Backplanes, as the Backplane contract takes them. */

import { Headers, MessageIds, StoredMessage } from '@xtomp/core/destination'
import { createMemoryBackplane } from '@xtomp/testing'
import type { BackplaneHarness } from '@xtomp/testing/contracts'

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
