/** One turn of the event loop: what is said of it holds for as long as it is so, and no longer. */

import { expect, test } from 'vitest'
import { Turn } from '../packages/core/src/turn.js'
import { SteppedClock } from './support/stepped-clock.js'

test('a turn is for a crowd while one is delivered to, and no longer though a delivery throws', () => {
  const turn = new Turn(new SteppedClock())
  const seen: boolean[] = []
  turn.forCrowd(() => seen.push(turn.isForCrowd), { isPatient: false })
  expect([...seen, turn.isForCrowd]).toEqual([true, false])
  const deliver = (): void => {
    throw new Error('no memory')
  }
  expect(() => turn.forCrowd(deliver, { isPatient: false })).toThrow('no memory')
  expect(turn.isForCrowd).toBe(false)
})
