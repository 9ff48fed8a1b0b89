/** The broker's process stays below a size that can be told, whatever is thrown at it, and serves others meanwhile. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildProgram, type Child } from '../support/child-program.js'
import { dialSocket } from '../support/doors.js'
import { WireClient } from '../support/wire-client.js'
import type { Figures } from './bounded-broker.js'
import { ORDERLY } from './crowd-destinations.js'

const MIB = 1024 * 1024
const CROWD = 2_000
const TOTAL_BYTES = 64 * MIB
const TIMEOUT_MS = 120_000

/**
 * What the process may take, in MiB: 60 for Node and the broker's code; `limits.totalBytes`; 20 KiB for each of the 4,000
 * connections and its session; and twice `limits.totalBytes` for what is garbage and not collected yet, and for what
 * connections that were cut keep until their turn is over.
 */
const RSS_BOUND_MIB = 60 + 64 + (4_000 * 20) / 1024 + 2 * 64

/** How many messages the pair has to get through while everything is under way. */
const EXCHANGES = 300

/** A producer with receipts and a consumer that acknowledges each message; who is refused for want of memory tries again. */
class Pair {
  exchanged = 0
  refused = 0
  readonly #port: number
  #producer: WireClient | undefined
  #consumer: WireClient | undefined

  constructor(port: number) {
    this.#port = port
  }

  /** Sends one message, and takes and acknowledges it, or is refused. */
  async exchange(): Promise<void> {
    this.#consumer ??= await this.#connect()
    this.#producer ??= await this.#connect()
    const body = `order ${this.exchanged}`
    this.#producer.send('SEND', { destination: ORDERLY, receipt: this.exchanged }, body)
    const answer = await this.#producer.next()
    if (answer.command === 'ERROR') {
      expect(answer.headers.code).toBe('memory-full')
      this.refused++
      this.#producer = undefined
      return
    }
    expect([answer.command, answer.headers['receipt-id']]).toEqual(['RECEIPT', String(this.exchanged)])
    const { text, headers } = await this.#consumer.frame('MESSAGE')
    expect(text).toBe(body)
    this.#consumer.send('ACK', { id: headers.ack ?? '' })
    this.exchanged++
  }

  async #connect(): Promise<WireClient> {
    const client = await WireClient.dial(dialSocket({ port: this.#port, host: '127.0.0.1' }), TIMEOUT_MS)
    await client.connect()
    if (this.#consumer === undefined)
      await client.confirm('SUBSCRIBE', { id: '0', destination: ORDERLY, ack: 'client-individual' })
    return client
  }
}

/** What the broker's process has used so far, which is never too much. */
async function ask(broker: Child): Promise<Figures> {
  const figures = (await broker.ask('figures')) as Figures
  expect(figures.mostHeldBytes).toBeLessThanOrEqual(TOTAL_BYTES)
  expect(mib(figures.peakRssBytes)).toBeLessThanOrEqual(RSS_BOUND_MIB)
  return figures
}

function mib(bytes: number): number {
  return Math.round(bytes / MIB)
}

describe('a broker of 64 MiB', () => {
  it('stays below its bound with 2,000 unfinished bodies, 2,000 who never read and a flooded queue, and serves a pair', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'xtomp-'))
    const path = join(folder, 's')
    const [brokers, crowds] = await Promise.all(
      ['bounded-broker', 'crowd'].map((name) => buildProgram(`test/reliability/${name}.ts`)),
    )
    if (brokers === undefined || crowds === undefined) throw new Error('nothing was built')
    try {
      const broker = brokers.start(path, String(TOTAL_BYTES))
      const port = Number(await new Promise<string>((resolve) => broker.onLine(resolve)))
      const pair = new Pair(port)
      await pair.exchange()
      const crowd = crowds.start(String(port), path, String(CROWD))
      let figures = await ask(broker)
      const isUnderWay = ({ ends }: Figures) =>
        (ends['memory-full'] ?? 0) >= CROWD && (ends['slow-consumer'] ?? 0) >= CROWD && (ends['queue-full'] ?? 0) > 0
      while (!isUnderWay(figures)) {
        await pair.exchange()
        figures = await ask(broker)
      }
      const before = pair.exchanged
      while (pair.exchanged < before + EXCHANGES) await pair.exchange()
      figures = await ask(broker)
      console.info(
        `peak RSS ${mib(figures.peakRssBytes)} of ${Math.round(RSS_BOUND_MIB)} MiB, held at most ${mib(figures.mostHeldBytes)} MiB; ` +
          `the pair exchanged ${pair.exchanged} and was refused ${pair.refused} times; ends: ${JSON.stringify(figures.ends)}`,
      )
      expect(figures.ends['internal-error']).toBeUndefined()
      await crowd.kill()
      // What the crowd has left behind is in the flooded queue, and nowhere else.
      while ((await ask(broker)).sessions > 2) await pair.exchange()
      expect((await ask(broker)).heldBytes).toBeLessThanOrEqual(TOTAL_BYTES / 4 + 1024)
    } finally {
      await brokers.remove()
      await crowds.remove()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
