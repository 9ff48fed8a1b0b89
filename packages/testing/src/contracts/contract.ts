/** A contract: named cases that an implementation must pass, tied to no test runner. */

import { turn } from '../real-time.js'

/** One case. `run` resolves where the implementation passes, and rejects with an `AssertionError` that says what it did. */
export interface Contract {
  /** What the implementation does, in the third person: `keeps the order …`. */
  readonly name: string
  /** Runs it, with an implementation of its own. Cases may run side by side. */
  run(): Promise<void>
}

/** More than any right answer takes, sockets of this machine included. */
const MOST_TURNS = 200_000

/** Waits, turn by turn, until something is so. @throws Error where it never is */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let turns = 0; !isTrue(); turns++) {
    if (turns === MOST_TURNS) throw new Error(`waited in vain for ${what}`)
    await turn()
  }
}

/** Gives whatever must not happen its chance to. */
export async function pause(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await turn()
}
