/** Where the program of a process of clients is. */

import { fileURLToPath } from 'node:url'

/** Built, whether what asks is built, too, or a source. */
export const WORKER_FILE = fileURLToPath(new URL('../dist/worker.js', import.meta.url))
