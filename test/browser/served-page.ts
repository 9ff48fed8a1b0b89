/** The page behind a server of its own, and the broker that it speaks with. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import { attach } from '@xtomp/ws'
import { servePage } from '../../packages/cli/src/page/serve-page.js'

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
  const server = createServer(servePage('/stomp'))
  attach(broker, server, { path: '/stomp' })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  return {
    broker,
    port: bound,
    url: `http://127.0.0.1:${bound}/`,
    close: async () => {
      await broker.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
