/** A broker's life before the one that a test looks at. */

import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import { ManualClock } from '@xtomp/testing'

/** Opens a broker, lets it do its work, and closes it. */
export async function before(options: BrokerOptions, work: (broker: Broker) => Promise<void>): Promise<void> {
  const broker = createBroker({ clock: new ManualClock(), ...options })
  await work(broker)
  await broker.close()
}
