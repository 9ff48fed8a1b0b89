/** Many at once who mean no good, in every way there is to begin: each is dealt with in its time, and nothing is left of any. */

import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { localhost } from '../support/doors.js'
import { said, WAITS_MS } from '../support/floods.js'
import { connected, expectNothingHeld } from '../support/listeners.js'
import { until } from '../support/suite.js'
import { CONNECT, opened, socketTo } from './opened.js'

const MANY = 100

async function door() {
  const { server } = await localhost()
  return opened({ tls: server, proxy: { trust: ['loopback'] } })
}

/** Who ends when the other side does, as most do. */
async function saying(octets: string | Uint8Array, listener: Parameters<typeof socketTo>[0]): Promise<Socket> {
  const socket = await socketTo(listener)
  socket.on('end', () => socket.end())
  socket.resume()
  if (octets.length > 0) socket.write(octets)
  return socket
}

describe('many at once', () => {
  test.each(said)('who say %s are gone when their time is up, and so is what was set for them', async (_, octets) => {
    const { broker, clock, listener } = await door()
    const good = await connected(listener)
    const timers = clock.timers
    const sockets = await Promise.all(Array.from({ length: MANY }, () => saying(octets, listener)))
    // It comes behind all of them.
    const last = await connected(listener)
    await last.disconnect()
    // Some do not wait until they are told.
    for (const socket of sockets.slice(0, MANY / 2)) socket.destroy()
    for (const wait of WAITS_MS) {
      await clock.advance(wait)
      good.write('\n')
      await good.roundTrip()
    }
    await until(() => listener.connections === 1, 'all to be gone')
    await until(() => broker.stats().sessions === 1, 'their sessions to be gone')
    expect(clock.timers).toBe(timers)
    await Promise.all([broker.close(), good.error('broker-closing')])
    await expectNothingHeld()
  })
})

describe('anything at all', () => {
  test('in any pieces is answered or waited for, and harms nobody', async () => {
    const { clock, listener } = await door()
    const good = await connected(listener)
    const piece = fc.oneof(
      fc.constantFrom(...said.map(([, octets]) => Buffer.from(octets)), Buffer.from(CONNECT), Buffer.from('\r\n\r\n')),
      fc.uint8Array({ maxLength: 40 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 4 }), async (pieces) => {
        const socket = await saying('', listener)
        for (const octets of pieces) if (octets.length > 0) socket.write(octets)
        const last = await connected(listener)
        await last.disconnect()
        for (const wait of WAITS_MS) {
          await good.roundTrip()
          await clock.advance(wait)
          good.write('\n')
        }
        await good.roundTrip()
        socket.destroy()
        await until(() => listener.connections === 1, 'it to be gone')
      }),
      { numRuns: 200 },
    )
  })
})
