/** For tests that run what was built, and not the sources. */

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './sources.js'

/** Fails where something is not built from the sources as they are: what is tested then would be another program. */
export function expectBuilt(): void {
  execFileSync(process.execPath, [join(root, 'scripts', 'setup.mjs'), 'check'], { stdio: 'pipe' })
}
