/** Whatever clients send, and however it is cut into messages and fragments: the broker serves on, and keeps nothing of it. */

import { listen } from '@xtomp/ws'
import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { dialWebSocket, type SendOctets } from '../support/dial-web-socket.js'
import type { Door } from '../support/doors.js'
import { fuzz } from './fuzz.js'
import { Random } from './random.js'

const MOST_PARTS = 20

/** Cuts what is written into messages and fragments, some of them empty, with pings in between. */
function atRandom(random: Random): SendOctets {
  const message = (webSocket: WebSocket, octets: Uint8Array): void => {
    for (let at = 0; ; ) {
      const end = random.chance(0.5) ? octets.length : at + random.below(octets.length - at + 1)
      webSocket.send(octets.subarray(at, end), { binary: true, fin: end === octets.length })
      if (random.chance(0.1)) webSocket.ping()
      if (end === octets.length) return
      at = end
    }
  }
  return (webSocket, octets) => {
    let at = 0
    for (let parts = 1; parts < MOST_PARTS && at < octets.length; parts++) {
      const end = at + 1 + random.below(octets.length - at)
      message(webSocket, octets.subarray(at, end))
      at = end
    }
    if (at < octets.length) message(webSocket, octets.subarray(at))
  }
}

const door: Door = {
  name: 'ws',
  open: async (broker) => {
    const listener = await listen(broker, { port: 0 })
    const send = atRandom(new Random(1))
    return { dial: dialWebSocket(`ws://127.0.0.1:${listener.port}`, {}, send), close: () => listener.close() }
  },
}

const { inputs, timeoutMs, run } = fuzz('ws', 1_000, door)

test(`serves on after ${inputs} inputs, and keeps nothing of them`, { timeout: timeoutMs }, async () => {
  const codes = await run()
  if (inputs > 0) expect(codes.size).toBeGreaterThan(0)
})
