/**
 * A broker with little memory, in a process of its own: tells what it holds, and what it has refused, when it is asked.
 *
 *   bounded-broker <socket path> <totalBytes>
 */

import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { FLOODED } from './crowd-destinations.js'

/** What the broker's process has used at most, and what became of its sessions. */
export interface Figures {
  readonly peakRssBytes: number
  readonly mostHeldBytes: number
  readonly heldBytes: number
  readonly sessions: number
  /** How many sessions have ended, by the code of the reason. */
  readonly ends: Readonly<Record<string, number>>
}

const LOOK_EVERY_MS = 5
const [path = '', totalBytes] = process.argv.slice(2)
const limits = { totalBytes: Number(totalBytes) }

// By default, too, one queue may fill a quarter of what all may hold.
const broker = createBroker({ limits, destinations: [{ match: FLOODED, maxBytes: limits.totalBytes / 4 }] })
const ends: Record<string, number> = {}
broker.on('disconnect', ({ reason }) => {
  ends[reason.code] = (ends[reason.code] ?? 0) + 1
})

let mostHeldBytes = 0
setInterval(() => {
  mostHeldBytes = Math.max(mostHeldBytes, broker.stats().bytes)
}, LOOK_EVERY_MS)

function figures(): Figures {
  const { bytes: heldBytes, sessions } = broker.stats()
  // `maxRSS` is the whole life's peak, whenever anybody looked.
  return { peakRssBytes: process.resourceUsage().maxRSS * 1024, mostHeldBytes, heldBytes, sessions, ends }
}

process.on('message', () => process.send?.(figures()))
process.stdin.resume().on('end', () => process.exit())

await listen(broker, { path })
const { port = 0 } = await listen(broker, { port: 0 })
process.stdout.write(`${port}\n`)
