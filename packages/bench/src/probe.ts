/** Loaded into a server under measurement: collects its garbage, or writes its heap down, when its parent says so. */

import { writeHeapSnapshot } from 'node:v8'

/** What a parent may ask: a collection, or a snapshot of the heap into a file. */
export type ProbeRequest = { readonly collect: true } | { readonly snapshot: string }

process.on('message', (request: ProbeRequest) => {
  if ('snapshot' in request) writeHeapSnapshot(request.snapshot)
  // Twice: what the first frees may have held what only the second finds.
  else for (let round = 0; round < 2; round++) globalThis.gc?.()
  process.send?.('done')
})
process.channel?.unref()
