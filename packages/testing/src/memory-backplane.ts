/** A backplane in memory: brokers of one process that share their topics. */

import type { BrokerOptions } from '@xtomp/core'
import { PatternTrie } from '@xtomp/core/destination'
import type { Backplane, BackplaneBroker } from '@xtomp/core/ports'

/**
 * Makes what connects brokers of this process, to be given to each as its option `backplane`: subscribers of all get what
 * is sent to a topic of one. Queues stay each broker's own. Messages are passed on within the call, in no other order than
 * that in which they are sent.
 *
 * @example
 * ```ts
 * import { createBroker } from '@xtomp/core'
 * import { createMemoryBackplane } from '@xtomp/testing'
 *
 * const backplane = createMemoryBackplane()
 * const one = createBroker({ backplane })
 * const other = createBroker({ backplane })
 * ```
 */
export function createMemoryBackplane(): NonNullable<BrokerOptions['backplane']> {
  /** By host, which brokers want what: a name is a pattern without stars. */
  const wanted = new Map<string, PatternTrie<BackplaneBroker>>()
  return (broker): Backplane => ({
    publish: (host, message, completion) => {
      const { id, destination, headers, body, expiresAt } = message
      for (const other of wanted.get(host)?.match(destination) ?? [])
        if (other !== broker) other.receive(host, { id, destination, headers, body: Uint8Array.from(body), expiresAt })
      completion.done()
    },
    subscribe: (host, name, _isFirst, completion) => {
      const names = wanted.get(host) ?? new PatternTrie()
      wanted.set(host, names)
      names.add(name, broker)
      completion.done()
    },
    unsubscribe: (host, name) => void wanted.get(host)?.delete(name, broker),
  })
}
