/** Brokers come and go in one process, and leave nothing: no memory, no handle, no listener. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram, type Program } from '../support/child-program.js'

const BROKERS = 10_000
/** So many make the process what it is: its code is compiled, its tables have their size. */
const WARM_UP = 2_000
/** As many as the program connects over TCP. */
const CLIENTS = 100
/** A broker that left 100 octets would show ten times over. */
const NOTHING_BYTES = 1_000_000

interface Said {
  readonly grown: number
  readonly handles: readonly string[]
  readonly listeners: number
  readonly grownOutside: number
  /** With the clients connected, and once their broker is closed. */
  readonly clients: {
    readonly while: readonly string[]
    readonly left: readonly string[]
    readonly leftByName: readonly string[]
  }
}

describe('a process', () => {
  let program: Program

  beforeAll(async () => {
    program = await buildProgram('test/reliability/many-brokers.ts')
  })

  afterAll(() => program.remove())

  it(`is as it was after ${BROKERS.toLocaleString('en')} brokers, and after one with clients`, {
    timeout: 60_000,
  }, async () => {
    const lines: string[] = []
    const child = program.start(String(WARM_UP), String(BROKERS)).onLine((line) => lines.push(line))
    expect(await child.ended).toBe(0)
    const { grown, grownOutside, handles, listeners, clients } = JSON.parse(lines.join('')) as Said
    expect(handles).toEqual([])
    // What looks for handles sees them: the door, and both ends of each connection.
    const seen = (name: string): number => clients.while.filter((other) => other === name).length
    expect([seen('Server'), seen('Socket')]).toEqual([1, 2 * CLIENTS])
    expect(clients.left).toEqual([])
    expect(clients.leftByName).toEqual([])
    expect(listeners).toBe(0)
    expect(grown).toBeLessThan(NOTHING_BYTES)
    expect(grownOutside).toBeLessThan(NOTHING_BYTES)
  })
})
