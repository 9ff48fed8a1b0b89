/** Cuts every fixture at every octet: no frame may depend on the pieces in which it comes. */

import { type Broker, connectMemory, createBroker } from '@xtomp/core'
import { ManualClock } from '@xtomp/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fixture, fixtures, TOPIC } from '../support/fixtures.js'
import { ServerFrames } from '../support/server-frames.js'

let broker: Broker
let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock({ soon: 'manual' })
  broker = createBroker({ clock })
})

afterEach(async () => {
  const closed = broker.close()
  clock.run()
  await closed
  expect(Object.entries(broker.stats()).filter(([, count]) => count !== 0)).toEqual([])
  expect(clock.timers).toBe(0)
})

const encoder = new TextEncoder()

/** What came back for octets written in these pieces, without what differs each time: ids. */
function answers({ version }: Fixture, pieces: Iterable<Uint8Array>): unknown[] {
  const frames = new ServerFrames()
  const received: { command: string; headers: Record<string, string>; body: string }[] = []
  let isClosed = false
  const client = connectMemory(broker, {
    receive: (octets) => {
      for (const { command, headers, text } of frames.read(octets)) received.push({ command, headers, body: text })
    },
    closed: () => {
      isClosed = true
    },
  })
  client.write(encoder.encode(`CONNECT\naccept-version:${version}\n\n\0SUBSCRIBE\nid:1\ndestination:${TOPIC}\n\n\0`))
  clock.run()
  for (const piece of pieces) {
    client.write(piece)
    clock.run()
  }
  // A CR at the very end waits for its LF: what follows settles all.
  client.write(encoder.encode('\nBEGIN\ntransaction:last\nreceipt:last\n\n\0'))
  clock.run()
  expect(frames.rest).toHaveLength(0)
  const ended = isClosed
  client.abort()
  clock.run()
  const told = received
    .slice(1)
    .map(({ command, headers: { 'message-id': _, ...headers }, body }) => ({ command, headers, body }))
  return [...told, ended ? 'closed' : 'open']
}

describe('frames cut to pieces', () => {
  for (const fixture of fixtures) {
    const { name, octets } = fixture

    test(`takes a frame cut in two at any octet: ${name} [15]`, () => {
      const whole = answers(fixture, [octets])
      expect(whole.length).toBeGreaterThan(1)
      for (let at = 1; at < octets.length; at++) {
        expect(answers(fixture, [octets.subarray(0, at), octets.subarray(at)]), `cut at ${at}`).toEqual(whole)
      }
    })

    test(`takes a frame octet by octet: ${name} [15]`, () => {
      const single = Array.from(octets, (octet) => Uint8Array.of(octet))
      expect(answers(fixture, single)).toEqual(answers(fixture, [octets]))
    })

    test(`takes a frame in three pieces with a short one between: ${name} [11]`, () => {
      const whole = answers(fixture, [octets])
      for (let at = 1; at + 2 < octets.length; at++) {
        const pieces = [octets.subarray(0, at), octets.subarray(at, at + 2), octets.subarray(at + 2)]
        expect(answers(fixture, pieces), `cut at ${at}`).toEqual(whole)
      }
    })
  }

  test('keeps nothing of the octets that it was given', () => {
    for (const fixture of fixtures) {
      const whole = answers(fixture, [fixture.octets])
      // The octets are valid for the call only: each piece is overwritten as soon as write() returns.
      const pieces = Array.from(fixture.octets, (octet) => Uint8Array.of(octet))
      const used: Uint8Array[] = []
      const borrowed = {
        *[Symbol.iterator]() {
          for (const piece of pieces) {
            for (const before of used) before.fill(0x58)
            used.push(piece)
            yield piece
          }
        },
      }
      expect(answers(fixture, borrowed), fixture.name).toEqual(whole)
    }
  })
})
