/** Whatever clients send and hosts throw, over memory: the broker serves on, and nothing of it stays behind. */

import { expect, test } from 'vitest'
import { fuzz } from './fuzz.js'

/** Each limit is reached, and each kind of fault met with: inputs that reach nothing show nothing. */
const EXPECTED = [
  'bad-frame',
  'bad-command',
  'bad-utf8',
  'bad-content-length',
  'unexpected-body',
  'header-missing',
  'header-invalid',
  'connect-timeout',
  'connect-too-large',
  'header-too-long',
  'headers-too-many',
  'body-too-large',
  'subscriptions-too-many',
  'transactions-too-many',
  'transaction-too-large',
  'destination-too-long',
  'destinations-too-many',
  'queue-full',
  'memory-full',
  'slow-consumer',
  'heart-beat-missed',
  'access-refused',
  'hook-failed',
  'store-failed',
]
/** From so many inputs on all of that must have come. */
const ENOUGH = 20_000

const { inputs, timeoutMs, run } = fuzz('memory', ENOUGH)

test(`serves on after ${inputs} inputs, and keeps nothing of them`, { timeout: timeoutMs }, async () => {
  const codes = await run()
  if (inputs >= ENOUGH) expect([...codes.keys()]).toEqual(expect.arrayContaining(EXPECTED))
})
