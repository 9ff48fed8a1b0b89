/** The page behind a door of the command's, and the broker that it speaks with. */

import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import { openDoor } from '../../packages/cli/src/door/open-door.js'

/** A page that is served. */
export interface ServedPage {
  readonly broker: Broker
  readonly port: number
  readonly url: string
  close(): Promise<void>
}

/** Serves the page on a port: any that is free, unless one is given. */
export async function servedPage(options: BrokerOptions = {}, port = 0): Promise<ServedPage> {
  const broker = createBroker(options)
  const { listener } = await openDoor(broker, { transport: 'mux', port, page: true })
  return {
    broker,
    port: listener.port as number,
    url: `http://127.0.0.1:${listener.port}/`,
    close: () => broker.close(),
  }
}
