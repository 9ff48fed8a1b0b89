/** Floods of those who mean no good leave nothing in the process that a door is in: no memory, no socket, no timer. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram, type Program } from '../support/child-program.js'
import { said } from '../support/floods.js'

/** So many rounds make the process what it is: its code is compiled, its tables have their size. */
const WARM_UP = 2
const ROUNDS = 3
/** Each round brings 50 in every way: of each that left as much as a socket takes there would be three times that. */
const NOTHING_BYTES = 1_000_000

interface Said {
  readonly grown: number
  readonly grownOutside: number
  readonly handles: readonly string[]
  readonly byName: readonly string[]
}

describe('a door', () => {
  let program: Program

  beforeAll(async () => {
    program = await buildProgram('test/reliability/flooded-doors.ts')
  })

  afterAll(() => program.remove())

  it.each(['ws', 'mux', 'tls'])(
    `of %s is as it was after ${ROUNDS} floods in each of ${said.length} ways`,
    {
      timeout: 60_000,
    },
    async (door) => {
      const lines: string[] = []
      const child = program.start(door, String(WARM_UP), String(ROUNDS)).onLine((line) => lines.push(line))
      expect(await child.ended).toBe(0)
      const { grown, grownOutside, handles, byName } = JSON.parse(lines.join('')) as Said
      expect([handles, byName]).toEqual([[], []])
      expect(grown).toBeLessThan(NOTHING_BYTES)
      expect(grownOutside).toBeLessThan(NOTHING_BYTES)
    },
  )
})
