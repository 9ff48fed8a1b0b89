/** One coarse timing wheel for all deadlines of a broker: heart-beats, time-outs, expiry, delayed redelivery. */

import type { Clock } from './clock.js'
import { SLICE_MS } from './turn.js'

/**
 * Something that wants to be woken once. It is its own link in the wheel, so that setting and clearing a deadline
 * allocates nothing. `due`, `before` and `after` belong to the wheel.
 */
export abstract class Alarm {
  /** In the wheel's time; 0 while not set. */
  due = 0
  before: Alarm | undefined
  after: Alarm | undefined
  /** Called once, at the deadline or at most one tick and one poll later. May set itself again. */
  abstract ring(): void
}

/** An alarm that runs a function. */
export class WakeUp extends Alarm {
  readonly #task: () => void

  constructor(task: () => void) {
    super()
    this.#task = task
  }

  ring(): void {
    this.#task()
  }
}

const TICK_MS = 100
const SLOTS = 512
const LOOK_AT_CLOCK_EVERY = 32

/**
 * A hashed timing wheel with ticks of 100 ms. It holds a timer only while an alarm is set: with nothing to wait for,
 * nothing wakes up. Deadlines beyond one turn of the wheel stay in their slot for another turn.
 */
export class Wheel {
  readonly #clock: Clock
  readonly #slots: (Alarm | undefined)[] = new Array<Alarm | undefined>(SLOTS).fill(undefined)
  #cancel: (() => void) | undefined
  #tick = 0
  #now = 0
  /** Those that are due and wait for their slice. */
  #due: Alarm[] = []
  /** How many alarms are set. */
  size = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The time in milliseconds, as of the last tick; exact only where an alarm is set at that moment. */
  get now(): number {
    return this.#now
  }

  /** Sets `alarm` to ring once after `delayMs`; what it was set to before is forgotten. */
  set(alarm: Alarm, delayMs: number): void {
    this.clear(alarm)
    this.#wake()
    // A whole number takes no memory of its own.
    alarm.due = Math.ceil(this.#clock.now() + Math.max(1, delayMs))
    this.#link(alarm)
    this.size++
  }

  /** Takes `alarm` back; harmless where it is not set. */
  clear(alarm: Alarm): void {
    if (alarm.due === 0) return
    this.#unlink(alarm)
    alarm.due = 0
    this.size--
    if (this.size === 0) this.stop()
  }

  /** Stops the timer. Alarms that are still set ring no more until another is set. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#due = []
  }

  #wake(): void {
    if (this.#cancel !== undefined) return
    this.#now = Math.floor(this.#clock.now())
    this.#tick = Math.floor(this.#now / TICK_MS)
    this.#arm()
  }

  #arm(): void {
    this.#cancel = this.#clock.after(TICK_MS, () => this.#turn())
  }

  #turn(): void {
    this.#arm()
    this.#now = Math.floor(this.#clock.now())
    const last = Math.floor(this.#now / TICK_MS)
    // A loop that was held up for longer than a turn of the wheel needs each slot once, not many times.
    let tick = Math.max(this.#tick, last - SLOTS)
    this.#tick = last
    const isRinging = this.#due.length > 0
    for (; tick <= last; tick++) this.#collect(tick % SLOTS)
    if (!isRinging) this.#ring()
  }

  #collect(slot: number): void {
    for (let alarm = this.#slots[slot]; alarm !== undefined; alarm = alarm.after)
      if (alarm.due <= this.#now) this.#due.push(alarm)
  }

  /** Rings whoever is due, for the length of a slice: those who connected or were sent something together beat together. */
  #ring(): void {
    const until = this.#clock.now() + SLICE_MS
    const due = this.#due
    for (const [at, alarm] of due.entries()) {
      // An alarm that rang before it may have taken this one back, or have moved it.
      if (alarm.due > 0 && alarm.due <= this.#now) {
        this.#unlink(alarm)
        alarm.due = 0
        this.size--
        alarm.ring()
      }
      if (at % LOOK_AT_CLOCK_EVERY > 0 || this.#clock.now() <= until) continue
      this.#due = due.slice(at + 1)
      this.#clock.soon(() => this.#ring())
      return
    }
    this.#due = []
    if (this.size === 0) this.stop()
  }

  #link(alarm: Alarm): void {
    const slot = Math.floor(alarm.due / TICK_MS) % SLOTS
    const first = this.#slots[slot]
    alarm.after = first
    if (first !== undefined) first.before = alarm
    this.#slots[slot] = alarm
  }

  #unlink(alarm: Alarm): void {
    const { before, after } = alarm
    if (before !== undefined) before.after = after
    else this.#slots[Math.floor(alarm.due / TICK_MS) % SLOTS] = after
    if (after !== undefined) after.before = before
    alarm.before = undefined
    alarm.after = undefined
  }
}
