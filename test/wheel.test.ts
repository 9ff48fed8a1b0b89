/** The timing wheel: alarms ring once, in time, and cost nothing while none is set. */

import { ManualClock } from '@xtomp/testing'
import { describe, expect, it } from 'vitest'
import { Alarm, WakeUp, Wheel } from '../packages/core/src/wheel.js'
import { SteppedClock } from './support/stepped-clock.js'

const TICK_MS = 100
const TURN_MS = 512 * TICK_MS

function made() {
  const clock = new ManualClock({ soon: 'manual' })
  return { clock, wheel: new Wheel(clock) }
}

/** Notes when it rings. */
class Bell extends Alarm {
  readonly rung: number[] = []
  readonly #clock: ManualClock
  readonly #then: ((bell: Bell) => void) | undefined

  constructor(clock: ManualClock, then?: (bell: Bell) => void) {
    super()
    this.#clock = clock
    this.#then = then
  }

  ring(): void {
    this.rung.push(this.#clock.now())
    this.#then?.(this)
  }
}

describe('the wheel', () => {
  it('rings an alarm once, at its deadline or within a tick after it, never before', () => {
    for (const delay of [
      1,
      50,
      99,
      100,
      101,
      1_000,
      1_234,
      10_000,
      TURN_MS - 1,
      TURN_MS,
      TURN_MS + 1,
      3 * TURN_MS + 77,
    ]) {
      for (const offset of [0, 1, 50, 99]) {
        const { clock, wheel } = made()
        void clock.advance(offset)
        const bell = new Bell(clock)
        const set = clock.now()
        wheel.set(bell, delay)
        void clock.advance(delay - 1)
        expect(bell.rung, `${delay} at ${offset}`).toEqual([])
        void clock.advance(TICK_MS + 1)
        expect(bell.rung, `${delay} at ${offset}`).toHaveLength(1)
        expect(bell.rung[0]).toBeGreaterThanOrEqual(set + delay)
        expect(bell.rung[0]).toBeLessThanOrEqual(set + delay + TICK_MS)
        void clock.advance(2 * TURN_MS)
        expect(bell.rung).toHaveLength(1)
      }
    }
  })

  it('has a timer only while an alarm is set', () => {
    const { clock, wheel } = made()
    const bells = [new Bell(clock), new Bell(clock)] as const
    expect(clock.timers).toBe(0)
    wheel.set(bells[0], 1_000)
    wheel.set(bells[1], 1_000)
    expect([wheel.size, clock.timers]).toEqual([2, 1])
    wheel.clear(bells[0])
    expect([wheel.size, clock.timers]).toEqual([1, 1])
    wheel.clear(bells[1])
    expect([wheel.size, clock.timers]).toEqual([0, 0])
    wheel.set(bells[0], 1_000)
    void clock.advance(1_200)
    expect(bells[0].rung).toHaveLength(1)
    expect([wheel.size, clock.timers]).toEqual([0, 0])
  })

  it('forgets the earlier deadline of an alarm that is set again', () => {
    const { clock, wheel } = made()
    const bell = new Bell(clock)
    wheel.set(bell, 1_000)
    void clock.advance(500)
    wheel.set(bell, 2_000)
    void clock.advance(1_999)
    expect(bell.rung).toEqual([])
    void clock.advance(1 + TICK_MS)
    expect(bell.rung).toHaveLength(1)
    wheel.set(bell, 5_000)
    wheel.set(bell, 100)
    void clock.advance(200)
    expect(bell.rung).toHaveLength(2)
    expect(wheel.size).toBe(0)
  })

  it('does not ring what was taken back, and takes back what is not set', () => {
    const { clock, wheel } = made()
    const bells = Array.from({ length: 5 }, () => new Bell(clock))
    for (const bell of bells) wheel.set(bell, 1_000)
    for (const at of [2, 0, 4]) wheel.clear(bells[at] as Bell)
    for (const at of [2, 0]) wheel.clear(bells[at] as Bell)
    expect(wheel.size).toBe(2)
    void clock.advance(2_000)
    expect(bells.map(({ rung }) => rung.length)).toEqual([0, 1, 0, 1, 0])
    wheel.clear(bells[1] as Bell)
    expect([wheel.size, clock.timers]).toEqual([0, 0])
  })

  it('lets an alarm set itself again while it rings', () => {
    const { clock, wheel } = made()
    const bell = new Bell(clock, (again) => wheel.set(again, 1_000))
    wheel.set(bell, 1_000)
    void clock.advance(10_000)
    expect(bell.rung.length).toBeGreaterThanOrEqual(9)
    expect(bell.rung.length).toBeLessThanOrEqual(10)
    wheel.clear(bell)
    expect([wheel.size, clock.timers]).toEqual([0, 0])
  })

  it('lets an alarm take back or move one that falls due with it', () => {
    const { clock, wheel } = made()
    const taken = new Bell(clock)
    const moved = new Bell(clock)
    const interfere = () => {
      wheel.clear(taken)
      wheel.set(moved, 5_000)
    }
    const first = new Bell(clock, interfere)
    const last = new Bell(clock, interfere)
    // In whichever order a slot is gone through, one of the two rings before the others, and the second finds them gone.
    for (const alarm of [first, taken, moved]) wheel.set(alarm, 1_000)
    void clock.advance(1_200)
    const early = taken.rung.length + moved.rung.length
    for (const alarm of [taken, moved, last]) wheel.set(alarm, 1_000)
    void clock.advance(1_200)
    const late = taken.rung.length + moved.rung.length - early
    expect([early, late].sort()).toEqual([0, 2])
    void clock.advance(10_000)
    expect(wheel.size).toBe(0)
    expect(clock.timers).toBe(0)
  })

  it('rings alarms of different deadlines in their order', () => {
    const { clock, wheel } = made()
    const order: number[] = []
    const delays = Array.from({ length: 200 }, (_, at) => 1 + ((at * 7_919) % (2 * TURN_MS)))
    for (const delay of delays) wheel.set(new Bell(clock, () => order.push(delay)), delay)
    void clock.advance(2 * TURN_MS + TICK_MS)
    expect(order).toHaveLength(delays.length)
    const ticks = order.map((delay) => Math.ceil(delay / TICK_MS))
    expect(ticks).toEqual([...ticks].sort((a, b) => a - b))
  })

  it('rings everything that is due after a pause longer than a turn', () => {
    // The loop was held up: the timer fires late, once, and finds that much time has gone by.
    let now = 1_000
    let tick: (() => void) | undefined
    const held = new Wheel({
      now: () => now,
      epoch: () => now,
      soon: () => undefined,
      after: (_, task) => {
        tick = task
        return () => {
          tick = undefined
        }
      },
    })
    const clock = new ManualClock({ soon: 'manual' })
    const bells = [1, 150, 1_000, 30_000, TURN_MS, TURN_MS + 5_000, 2 * TURN_MS].map((delay) => {
      const bell = new Bell(clock)
      held.set(bell, delay)
      return bell
    })
    const late = new Bell(clock)
    held.set(late, 10 * TURN_MS)
    now += 3 * TURN_MS
    tick?.()
    expect(bells.map(({ rung }) => rung.length)).toEqual(bells.map(() => 1))
    expect(late.rung).toEqual([])
    now += 8 * TURN_MS
    tick?.()
    expect(late.rung).toHaveLength(1)
    expect(held.size).toBe(0)
    expect(tick).toBeUndefined()
  })

  it('stops with alarms set, and starts again with the next', () => {
    const { clock, wheel } = made()
    const bell = new Bell(clock)
    wheel.set(bell, 1_000)
    wheel.stop()
    expect(clock.timers).toBe(0)
    void clock.advance(5_000)
    expect(bell.rung).toEqual([])
    const next = new Bell(clock)
    wheel.set(next, 1_000)
    void clock.advance(1_200)
    expect(next.rung).toHaveLength(1)
  })

  it('rings very many that are due together in slices, each once, and none of those that are taken back meanwhile', () => {
    const clock = new SteppedClock()
    const wheel = new Wheel(clock)
    let rung = 0
    const alarms = Array.from({ length: 2_000 }, () => new WakeUp(() => rung++))
    for (const alarm of alarms) wheel.set(alarm, 1)
    clock.pass(2 * TICK_MS * alarms.length)
    expect(rung).toBeGreaterThan(0)
    expect(rung).toBeLessThan(alarms.length)
    const before = rung
    // Whichever has not rung yet will not.
    for (const alarm of alarms) wheel.clear(alarm)
    clock.finish()
    expect(rung).toBe(before)
    for (const alarm of alarms) wheel.set(alarm, 1)
    clock.pass(2 * TICK_MS * alarms.length)
    expect(clock.finish()).toBeGreaterThan(1)
    expect(rung).toBe(before + alarms.length)
    expect(wheel.size).toBe(0)
  })
})
