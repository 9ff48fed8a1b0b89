/** The machine's own timers, kept from before anybody puts others in their place. */

// Taken when this is loaded: whoever fakes timers does so later, and what waits here must not stand still with them.
const { setImmediate, setTimeout, clearTimeout } = globalThis

/** One turn of the event loop: everything that was due has been done. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Runs `task` after all sockets that are readable now have been read, whatever the time is said to be. */
export function soon(task: () => void): void {
  setImmediate(task)
}

/** Runs `task` once so much time has really passed. Answers what cancels it. */
export function afterReally(delayMs: number, task: () => void): () => void {
  const timer = setTimeout(task, delayMs)
  return () => clearTimeout(timer)
}
