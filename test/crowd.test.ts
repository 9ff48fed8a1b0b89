/** Very many, and who may send to them: what is said of a task holds for as long as it runs, and nobody overtakes. */

import { expect, test } from 'vitest'
import { Crowd } from '../packages/core/src/crowd.js'
import { Turn } from '../packages/core/src/turn.js'
import { SteppedClock } from './support/stepped-clock.js'

function crowdOf() {
  const clock = new SteppedClock()
  const turn = new Turn(clock)
  return { clock, turn, crowd: new Crowd(turn) }
}

test('a crowd is addressed while one is delivered to, and no longer though a delivery throws', () => {
  const { crowd } = crowdOf()
  const seen: boolean[] = []
  crowd.address(() => {
    crowd.address(() => seen.push(crowd.isAddressed))
    seen.push(crowd.isAddressed)
  })
  expect([...seen, crowd.isAddressed]).toEqual([true, true, false])
  const deliver = (): void => {
    throw new Error('no memory')
  }
  expect(() => crowd.address(deliver)).toThrow('no memory')
  expect(() => crowd.patiently(() => crowd.address(deliver))).toThrow('no memory')
  expect([crowd.isAddressed, crowd.isPatient]).toEqual([false, false])
})

test('lets in one after the other until it is full again', () => {
  const { crowd } = crowdOf()
  const names: string[] = []
  crowd.fill()
  for (const name of ['a', 'b', 'c'])
    crowd.whenRoom(() => {
      names.push(name)
      if (name === 'b') crowd.fill()
    })
  crowd.served()
  expect(names).toEqual(['a', 'b'])
  crowd.whenRoom(() => names.push('d'))
  crowd.served()
  expect([names, crowd.isBusy]).toEqual([['a', 'b', 'c', 'd'], false])
})

test('tells whoever waited that it failed, and lets in the next', async () => {
  const { crowd } = crowdOf()
  crowd.fill()
  const failing = crowd.whenRoom(() => {
    throw new Error('no memory')
  })
  const seen: boolean[] = []
  const next = crowd.whenRoom(() => crowd.address(() => seen.push(crowd.isPatient)))
  crowd.served()
  await expect(failing).rejects.toThrow('no memory')
  await next
  expect([seen, crowd.isBusy]).toEqual([[true], false])
})

test('lets in no more in a turn than fit into it', () => {
  const { clock, turn, crowd } = crowdOf()
  let count = 0
  crowd.fill()
  for (let at = 0; at < 1_000; at++)
    crowd.whenRoom(() => {
      count++
      turn.spend(128)
    })
  crowd.served()
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThan(1_000)
  expect(crowd.isBusy).toBe(true)
  clock.finish()
  expect([count, crowd.isBusy]).toEqual([1_000, false])
})
