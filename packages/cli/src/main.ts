/** The `xtomp` command: one process. */

import { run } from './program.js'

// Whoever read the first line may have gone, as in a pipe into head: that is no reason to stop serving.
process.stdout.on('error', () => undefined)
process.exitCode = await run(process.argv.slice(2), {
  // Asked for by those alone that read: to look at stdin is to open it.
  streams: {
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
  },
  stop: stopOnSignal,
})

/** The first signal asks for an end, the second is one. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  return stop.signal
}
