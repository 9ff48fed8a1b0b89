/** Loaded into a server under measurement: collects its garbage, writes its heap down or tells its longest turn, as its parent says. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { writeHeapSnapshot } from 'node:v8'

/** What a parent may ask: a collection, a snapshot of the heap into a file, or the longest turn since it was last asked. */
export type ProbeRequest = { readonly collect: true } | { readonly snapshot: string } | { readonly longestTurn: true }

const A_MILLISECOND = 1e6
const turns = monitorEventLoopDelay({ resolution: 1 })

process.on('message', (request: ProbeRequest) => {
  if ('longestTurn' in request) {
    process.send?.(turns.max / A_MILLISECOND)
    turns.enable()
    turns.reset()
    return
  }
  if ('snapshot' in request) writeHeapSnapshot(request.snapshot)
  // Twice: what the first frees may have held what only the second finds.
  else for (let round = 0; round < 2; round++) globalThis.gc?.()
  process.send?.('done')
})
process.channel?.unref()
