/** `setTimeout`, `setInterval` and `Date` under a clock, for code that asks no other. */

import type { Clock } from '@xtomp/core'

/** The global timers while they are under a clock. */
export interface GlobalTimers {
  /**
   * Gives the globals back what they were before. Timers that were set meanwhile stay under the clock.
   * @throws Error where something else was put in their place and is still there: take that back first
   */
  uninstall(): void
  /** Is {@link GlobalTimers.uninstall}. */
  [Symbol.dispose](): void
}

/** What is replaced: what clients take their time from. `setImmediate` and promises stay as they are: octets flow. */
const NAMES = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] as const

type Replaced = Record<(typeof NAMES)[number], unknown>

const MARK = Symbol('under a manual clock')

/** @throws Error where the global timers are under such a clock already */
export function installTimers(clock: Clock): GlobalTimers {
  const globals = globalThis as unknown as Replaced
  if (Reflect.has(Object(globals.setTimeout), MARK))
    throw new Error('the global timers are under a manual clock already: uninstall that first')
  const before = pick(globals)
  const ours = timersOf(clock, before)
  Object.assign(globals, ours)
  let isInstalled = true
  const uninstall = (): void => {
    if (!isInstalled) return
    const strange = NAMES.find((name) => globals[name] !== ours[name])
    if (strange !== undefined)
      throw new Error(
        `${strange} was replaced after the clock was installed, by the runner's fake timers, say: take that back first`,
      )
    isInstalled = false
    Object.assign(globals, before)
  }
  return { uninstall, [Symbol.dispose]: uninstall }
}

function pick(globals: Replaced): Replaced {
  return Object.fromEntries(NAMES.map((name) => [name, globals[name]])) as Replaced
}

type Task = (...args: unknown[]) => void

interface TimerParts {
  readonly number: number
  readonly ms: unknown
  readonly ring: () => void
  readonly repeats: boolean
}

/** One timer, as Node's are: code calls `unref` and the like on it. */
class ClockTimer {
  readonly number: number
  readonly #clock: Clock
  readonly #ms: number
  readonly #ring: () => void
  readonly #repeats: boolean
  #cancel: (() => void) | undefined

  constructor(clock: Clock, { number, ms, ring, repeats }: TimerParts) {
    this.number = number
    this.#clock = clock
    // As Node does: whatever is no time is the least one.
    this.#ms = Math.max(1, Number(ms) || 0)
    this.#ring = ring
    this.#repeats = repeats
    this.refresh()
  }

  [Symbol.toPrimitive](): number {
    return this.number
  }

  refresh(): this {
    this.#cancel?.()
    this.#cancel = this.#clock.after(this.#ms, () => {
      this.#cancel = undefined
      if (this.#repeats) this.refresh()
      this.#ring()
    })
    return this
  }

  close(): this {
    this.#cancel?.()
    this.#cancel = undefined
    return this
  }

  /** Time does not move by itself: nothing is kept alive. */
  hasRef(): boolean {
    return false
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** Above any number that Node gives a timer. */
const FIRST_NUMBER = 2 ** 40
/** Where `util.promisify` looks for how a function is made to answer with a promise. */
const PROMISIFIED = Symbol.for('nodejs.util.promisify.custom')

function timersOf(clock: Clock, before: Replaced): Replaced {
  // Browsers' timers are numbers, and some code keeps them as such.
  const byNumber = new Map<number, ClockTimer>()
  let last = FIRST_NUMBER
  const start =
    (repeats: boolean) =>
    (task: Task, ms?: unknown, ...args: unknown[]): ClockTimer => {
      const number = ++last
      const ring = (): void => {
        if (!repeats) byNumber.delete(number)
        task(...args)
      }
      const timer = new ClockTimer(clock, { number, ms, ring, repeats })
      byNumber.set(number, timer)
      return timer
    }
  const clear =
    (clearOther: Task) =>
    (timer: unknown): void => {
      const ours = timer instanceof ClockTimer ? timer : byNumber.get(Number(typeof timer === 'object' ? 0 : timer))
      if (ours !== undefined) {
        byNumber.delete(ours.number)
        ours.close()
      } else clearOther(timer)
    }
  const setTimeout = start(false)
  const promised = (ms?: number, value?: unknown): Promise<unknown> =>
    new Promise((resolve) => setTimeout(resolve, ms, value))
  return {
    setTimeout: Object.assign(setTimeout, { [MARK]: true, [PROMISIFIED]: promised }),
    clearTimeout: clear(before.clearTimeout as Task),
    setInterval: start(true),
    clearInterval: clear(before.clearInterval as Task),
    Date: dateOf(clock),
  }
}

/** `Date`, except that now is what the clock says. */
function dateOf(clock: Clock): DateConstructor {
  const now = (): number => clock.epoch()
  return new Proxy(Date, {
    apply: () => new Date(now()).toString(),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  })
}
