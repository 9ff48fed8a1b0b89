/** Real clients over TCP: each row of the clients shows each column of the behaviours, and leaves nothing in the broker. */

import { createBroker, type Version } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { describe, expect, it, type TestContext } from 'vitest'
import { Heard } from '../support/heard.js'
import { until } from '../support/suite.js'
import { type Behaviour, behaviours } from './behaviours.js'
import { type Client, clients } from './clients.js'

const TIMEOUT_MS = 20_000
/** As often as the broker can be made to: three seconds hold a few. */
const HEART_BEAT = { outgoingMs: 1_000, incomingMs: 1_000 }

for (const behaviour of behaviours) {
  // All at once, columns and clients, as far as vitest goes; but what is a matter of time comes by itself.
  const column = behaviour.isTimed === true ? describe : describe.concurrent
  column(behaviour.name, () => {
    for (const client of clients) {
      it.concurrent(`${client.name} ${behaviour.does}`, { timeout: TIMEOUT_MS }, async (context) => {
        const reason = client.lacks[behaviour.name] ?? missing(client)
        if (reason !== undefined) context.skip(reason)
        await shows(client, behaviour, context)
      })
    }
  })
}

/** Why a client cannot be tried here. Where all of them must be here, that is a failure. */
function missing(client: Client): string | undefined {
  if (process.env.XTOMP_REQUIRE_INTEROP === '1') expect(client.missing).toBeUndefined()
  return client.missing
}

async function shows(client: Client, behaviour: Behaviour, context: TestContext): Promise<void> {
  const versions: readonly Version[] = behaviour.in === 'usual' ? [client.usual] : behaviour.in
  const faults: unknown[] = []
  const logger = { info() {}, warn() {}, error: (...fault: unknown[]) => void faults.push(fault) }
  const broker = createBroker({ heartBeat: HEART_BEAT, logger })
  context.onTestFinished(() => broker.close())
  const heard = new Heard(broker)
  const { port } = await listen(broker, { port: 0 })

  const saw = await client.show({ port: port as number, behaviour: behaviour.name, versions, signal: context.signal })
  expect(saw).toBe(versions.map((version) => `${version}: ${behaviour.sees(version)}\n`).join(''))

  await until(() => Object.values(broker.stats()).every((count) => count === 0), 'a broker that holds nothing')
  const spoken = heard.of('connect').map(({ session }) => session.version)
  expect([...new Set(spoken)]).toEqual(versions)
  const ends = heard.of('disconnect').map(({ reason }) => reason.code)
  expect(ends).toEqual(spoken.map(() => 'disconnect'))
  const { acknowledged = 0, nacked = 0 } = behaviour
  expect(heard.of('acknowledge')).toHaveLength(acknowledged * versions.length)
  expect(heard.of('nack')).toHaveLength(nacked * versions.length)
  expect(faults).toEqual([])
}
