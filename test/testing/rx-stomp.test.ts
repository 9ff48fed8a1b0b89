/** The reactive client, unmodified, through the WebSocket in memory: what it does by itself, beside the cases for all clients. */

import { RxStomp, RxStompState } from '@stomp/rx-stomp'
import { createTestBroker } from '@xtomp/testing'
import { firstValueFrom, take, toArray } from 'rxjs'
import { expect, onTestFinished, test } from 'vitest'

function started(config: { reconnectDelay: number }) {
  const broker = createTestBroker()
  const client = new RxStomp()
  client.configure({ webSocketFactory: () => broker.webSocket(), ...config })
  onTestFinished(async () => {
    await client.deactivate({ force: true })
    await broker.close()
  })
  client.activate()
  return { broker, client }
}

test('watches a destination across a reconnect, and sends what was published meanwhile', async () => {
  const { broker, client } = started({ reconnectDelay: 10_000 })
  using _timers = broker.clock.install()
  const states: RxStompState[] = []
  client.connectionState$.subscribe((state) => states.push(state))
  const bodies = firstValueFrom(client.watch('/topic/a').pipe(take(3), toArray()))
  client.publish({ destination: '/topic/a', body: 'before' })
  await broker.clock.settled()
  broker.publish('/topic/a', 'of the host')
  await broker.clock.settled()
  broker.faults.drop()
  await broker.clock.settled()
  client.publish({ destination: '/topic/a', body: 'meanwhile' })
  await broker.clock.advance(10_000)
  expect((await bodies).map(({ body }) => body)).toEqual(['before', 'of the host', 'meanwhile'])
  expect(states.filter((state) => state === RxStompState.OPEN)).toHaveLength(2)
})
