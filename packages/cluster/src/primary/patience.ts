/** Waits for a worker, and counts only time in which the primary could have heard of it. */

import type { Broker } from '@xtomp/core'

/** What is waited for in all, and how often it is looked again. */
const PATIENCE_MS = 30_000
const STEP_MS = 5_000

/**
 * Calls `over` after 30 s, unless it is stopped: by the function that it answers. A process that was frozen hears of its
 * timers before it hears of its sockets: however long that took, it counts as 5 s, and so does nothing while nobody listens.
 */
export function patience(clock: Broker['clock'], isListening: () => boolean, over: () => void): () => void {
  let leftMs = PATIENCE_MS
  const step = (): void => {
    if (isListening()) leftMs -= STEP_MS
    if (leftMs > 0) stop = clock.after(STEP_MS, step)
    else over()
  }
  let stop = clock.after(STEP_MS, step)
  return () => stop()
}
