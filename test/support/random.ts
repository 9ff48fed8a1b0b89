/** Numbers that look random and are the same again for the same seed. */

/** A source of numbers from 0 to below 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed of a test run: the one named by XTOMP_SEED, or a new one. */
export function seedOfRun(): number {
  const given = process.env.XTOMP_SEED
  if (given === undefined || given === '') return Math.floor(Math.random() * 2 ** 32)
  if (!/^\d+$/.test(given)) throw new Error(`XTOMP_SEED must be a number, not ${given}`)
  return Number(given)
}
