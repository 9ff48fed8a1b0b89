/** What a program's process holds: its heap once garbage is collected, and its handles. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

// Node makes these when they are first asked for.
const standard: readonly object[] = [process.stdout, process.stderr]
const given = [...activeHandles(), ...standard]

/** What a process takes of memory. */
export interface Memory {
  readonly heap: number
  /** Outside the heap: octets of buffers, and what C++ holds for objects. */
  readonly external: number
}

/** When all garbage is collected. */
export async function memory(): Promise<Memory> {
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  const { heapUsed: heap, external } = process.memoryUsage()
  return { heap, external }
}

/** Handles that this process has beside those that it was given, by their kind. */
export function handles(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => !['PipeWrap', 'TTYWrap'].includes(kind))
}

/** Open handles, by the names of their classes, but for those that this process was given. */
export function namedHandles(): string[] {
  return activeHandles()
    .filter((handle) => !given.includes(handle))
    .map((handle) => handle.constructor.name)
}

function activeHandles(): object[] {
  return Reflect.apply(Reflect.get(process, '_getActiveHandles'), process, [])
}
