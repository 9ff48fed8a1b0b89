/** The only source of time: readings, one-shot timers, and "after this poll of the sockets"; and what keeps a process alive. */

/** Time, as the broker sees it. Replace it by a manual one in tests. */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. For intervals. */
  now(): number
  /** Milliseconds since 1970. For the `expires` header only. */
  epoch(): number
  /** Runs `task` after all sockets that are readable now have been read. Tasks run in the order given. */
  soon(task: () => void): void
  /** Runs `task` once, after at least `delayMs`; never keeps the process alive. Returns what cancels it. */
  after(delayMs: number, task: () => void): () => void
}

/** The machine's time. `soon` is `setImmediate`: a microtask would run before the next socket is read. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epoch: () => Date.now(),
  soon: (task) => {
    setImmediate(task)
  },
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** The longest that a timer of Node takes. */
const LONGEST_MS = 2 ** 31 - 1

/** Keeps the process alive until what it answers is called: for work that was begun and has an end. */
export function holdProcess(): () => void {
  const timer = setInterval(() => undefined, LONGEST_MS)
  return () => clearInterval(timer)
}
