/** Thousands of sockets that end at once: closed in slices, and each of them is. */

import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Connections } from '../../packages/net/src/socket/connections.js'
import { Departures } from '../../packages/net/src/socket/departures.js'
import { SteppedClock } from '../support/stepped-clock.js'

test('closes those that ended at once in slices, in order, and those that come meanwhile', () => {
  const clock = new SteppedClock()
  const departures = new Departures(clock)
  const closed: number[] = []
  const socketOf = (number: number): Socket =>
    ({
      destroy: () => {
        closed.push(number)
        if (number === 10) departures.add(socketOf(1_000))
      },
    }) as unknown as Socket
  for (let number = 0; number < 1_000; number++) departures.add(socketOf(number))
  expect(closed).toEqual([])
  clock.step()
  expect(closed.length).toBeGreaterThan(1)
  expect(closed.length).toBeLessThan(1_000)
  clock.finish()
  expect(closed).toEqual(Array.from({ length: 1_001 }, (_, number) => number))
})

test('closes one that waits when somebody comes', () => {
  const clock = new SteppedClock()
  const departures = new Departures(clock)
  const closed: number[] = []
  departures.closeNext()
  for (const number of [1, 2]) departures.add({ destroy: () => closed.push(number) } as unknown as Socket)
  departures.closeNext()
  expect(closed).toEqual([1])
  clock.finish()
  expect(closed).toEqual([1, 2])
})

test('those that wait to be closed take nobody’s place, and a door that closes waits for them', async () => {
  const connections = new Connections(1)
  const [first, second] = [{ inbound: undefined }, { inbound: undefined }]
  expect(connections.add(first)).toBe(true)
  connections.leave(first)
  expect(connections.size).toBe(0)
  expect(connections.add(second)).toBe(true)
  let areGone = false
  const gone = connections.gone().then(() => {
    areGone = true
  })
  expect(connections.delete(second)).toBe(false)
  await Promise.resolve()
  expect(areGone).toBe(false)
  expect(connections.delete(first)).toBe(true)
  await gone
})
