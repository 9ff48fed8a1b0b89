/** What several processes say of themselves, as what one says. */

import type { BrokerStats } from '@xtomp/core'
import type { ToldDestination } from '../words.js'

/** All counts added. */
export function sumOf(all: readonly BrokerStats[]): BrokerStats {
  const names = ['sessions', 'subscriptions', 'destinations', 'messages', 'unacknowledged', 'bytes', 'alarms'] as const
  const sums = names.map((name) => [name, all.reduce((sum, stats) => sum + stats[name], 0)])
  return Object.fromEntries(sums) as unknown as BrokerStats
}

/** Each destination once: its messages are in the primary, its subscriptions in the workers. */
export function mergeDestinations(all: readonly (readonly ToldDestination[])[]): readonly ToldDestination[] {
  const merged = new Map<string, ToldDestination>()
  for (const [process, told] of all.entries()) {
    for (const one of told) {
      const key = `${one.host}\0${one.name}`
      const known = merged.get(key)
      // A queue's subscriptions are in the primary, too: one for each of a worker's.
      const subscriptions = process === 0 || one.type === 'topic' ? one.subscriptions : 0
      if (known === undefined) merged.set(key, { ...one, subscriptions })
      else merged.set(key, { ...known, subscriptions: known.subscriptions + subscriptions })
    }
  }
  return [...merged.values()]
}
