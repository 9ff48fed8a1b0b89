/** What every door does with what is no broker. */

import { createServer } from 'node:http'
import type { Broker } from '@xtomp/core'
import { listen as listenForAll } from '@xtomp/mux'
import { listen } from '@xtomp/net'
import { listen as listenSecurely } from '@xtomp/tls'
import { attach, listen as listenForWebSockets } from '@xtomp/ws'
import { describe, expect, test } from 'vitest'

type Open = (broker: Broker) => unknown

const doors: [name: string, call: string, open: Open][] = [
  ['@xtomp/net', 'listen(broker, options)', (broker) => listen(broker)],
  ['@xtomp/tls', 'listen(broker, options)', (broker) => listenSecurely(broker, {})],
  ['@xtomp/ws', 'listen(broker, options)', (broker) => listenForWebSockets(broker)],
  ['@xtomp/ws', 'attach(broker, server, options)', (broker) => attach(broker, createServer())],
  ['@xtomp/mux', 'listen(broker, options)', (broker) => listenForAll(broker)],
]

describe.each(doors)('%s: %s', (_, call, open) => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['options, where the broker was forgotten', { port: 0 }],
    ['a server, where it is to come second', createServer()],
  ])('is refused to %s, in words', async (_what, given) => {
    const opening = async (): Promise<unknown> => open(given as unknown as Broker)
    await expect(opening()).rejects.toThrow(new TypeError(`${call} must be given a broker first`))
  })
})
