/** Whatever clients send and hosts throw, over TCP: the broker serves on, and nothing of it stays behind. */

import { expect, test } from 'vitest'
import { fuzz } from './fuzz.js'

const { inputs, timeoutMs, run } = fuzz('tcp', 2_000)

test(`serves on after ${inputs} inputs, and keeps nothing of them`, { timeout: timeoutMs }, async () => {
  const codes = await run()
  if (inputs > 0) expect(codes.size).toBeGreaterThan(0)
})
