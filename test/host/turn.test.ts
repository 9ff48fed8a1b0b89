/** What is left for a later turn is done in order, and neither of two lines keeps out the other. */

import { expect, test } from 'vitest'
import { Turn } from '../../packages/core/src/turn.js'
import { SteppedClock } from '../support/stepped-clock.js'

/** Sets up a turn, and those who take a whole one each, as often as they get one. */
function shared() {
  const clock = new SteppedClock()
  const turn = new Turn(clock)
  const served: string[] = []
  const take = (name: string, isNewcomer: boolean): void => {
    if (!turn.isSpent) {
      while (!turn.isSpent) turn.spend(128)
      served.push(name)
    }
    turn.later(() => take(name, isNewcomer), isNewcomer)
  }
  return { clock, served, take }
}

test('those who wait are served in the order in which they came, again and again', () => {
  const { clock, served, take } = shared()
  // The first takes the turn at hand, and waits for its next before the others have come.
  for (const name of ['a', 'b', 'c']) take(name, false)
  for (let turn = 0; turn < 5; turn++) clock.step()
  expect(served.join('')).toBe('aabcab')
})

test('newcomers and those who are in take turns, though each of them takes a whole one', () => {
  const { clock, served, take } = shared()
  for (const name of ['a', 'b']) take(name, false)
  for (const name of ['1', '2', '3', '4']) take(name, true)
  for (let turn = 0; turn < 8; turn++) clock.step()
  expect(served.filter((name) => name > '9').join('')).toBe('aabab')
  expect(served.filter((name) => name <= '9').join('')).toBe('1234')
})
