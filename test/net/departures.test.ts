/** Thousands of sockets that end at once: closed in slices, and each of them is. */

import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
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
