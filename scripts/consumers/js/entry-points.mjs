/** Every entry point that is named as an argument has the same names for ES modules and for CommonJS. */

import { deepEqual } from 'node:assert/strict'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
for (const entry of process.argv.slice(2)) {
  deepEqual(Object.keys(await import(entry)).sort(), Object.keys(require(entry)).sort(), entry)
}
