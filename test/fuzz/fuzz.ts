/** Batches of inputs, each from a seed of its own that a failure names, so that it alone can be run again. */

import { type Door, doors } from '../support/doors.js'
import { runBatch } from './batch.js'
import { Random } from './random.js'

const BATCH = 100
const DEFAULT_SEED = 1
const MS_PER_INPUT = 20

/** What a run is made of. */
export interface FuzzRun {
  /** How many inputs there are: XTOMP_FUZZ_INPUTS, or what the test asks for. */
  readonly inputs: number
  /** What it may take, in milliseconds, on a machine that has much else to do. */
  readonly timeoutMs: number
  /** Lets them loose; answers how often each code of an ERROR came. */
  run(): Promise<ReadonlyMap<string, number>>
}

/** So many inputs over a door: that of the suite with this name, or another. The first seed is XTOMP_FUZZ_SEED. */
export function fuzz(doorName: string, inputsByDefault: number, other?: Door): FuzzRun {
  const inputs = numberOf('XTOMP_FUZZ_INPUTS', inputsByDefault)
  const firstSeed = numberOf('XTOMP_FUZZ_SEED', DEFAULT_SEED)
  const door = other ?? doors.find(({ name }) => name === doorName)
  if (door === undefined) throw new Error(`there is no door ${doorName}`)

  async function run(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    for (let begun = 0, seed = firstSeed; begun < inputs; begun += BATCH, seed++) {
      for (const code of await batch(seed, Math.min(BATCH, inputs - begun)))
        counts.set(code, (counts.get(code) ?? 0) + 1)
    }
    return counts
  }

  async function batch(seed: number, size: number): Promise<string[]> {
    try {
      return await runBatch(new Random(seed), size, door as NonNullable<typeof door>)
    } catch (failure) {
      const again = `XTOMP_FUZZ_SEED=${seed} XTOMP_FUZZ_INPUTS=${size} npx vitest run test/fuzz/${doorName}`
      throw new Error(`seed ${seed}: ${(failure as Error).message}\nagain: ${again}`, { cause: failure })
    }
  }

  return { inputs, timeoutMs: Math.max(60_000, inputs * MS_PER_INPUT), run }
}

function numberOf(variable: string, byDefault: number): number {
  const given = process.env[variable]
  const number = given === undefined || given === '' ? byDefault : Number(given)
  if (!Number.isInteger(number) || number < 0) throw new Error(`${variable} must be a whole number, not ${given}`)
  return number
}
