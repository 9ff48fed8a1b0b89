/** A process that may open few files: its doors refuse before there are none left, tell the log, and serve again. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { ManualClock } from '@xtomp/testing'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { SpareFiles } from '../../packages/net/src/socket/spare-files.js'
import { expectBuilt } from '../support/built.js'
import { dialWebSocket } from '../support/dial-web-socket.js'
import { dialSocket, dialTls, localhost } from '../support/doors.js'
import { crowdTo, fatesOf, knowsItsLimit, withFiles } from '../support/few-files.js'
import { root } from '../support/sources.js'
import { until } from '../support/suite.js'
import { type Dial, WireClient } from '../support/wire-client.js'

const TIMEOUT_MS = 30_000
const FILES = 128
const SPARE = 32

if (!knowsItsLimit) console.log('no process runs out of files: that needs /proc/self/limits')

/** What a host's door is made of, and how clients come to it. */
interface Way {
  readonly door: string
  /** What a client hears that is refused. */
  readonly refusal: RegExp
  options?(): Promise<object>
  dial(port: number): Dial | Promise<Dial>
}

const toSocket = (port: number): Dial => dialSocket({ port, host: '127.0.0.1' })
const toWebSocket = (port: number): Dial => dialWebSocket(`ws://127.0.0.1:${port}/`)

const ways: readonly Way[] = [
  { door: 'net', refusal: /^connections-too-many$/, dial: toSocket },
  { door: 'mux', refusal: /^connections-too-many$/, dial: toSocket },
  {
    door: 'tls',
    refusal: /alert internal error/,
    options: async () => (await localhost()).server,
    dial: async (port) => dialTls({ port, host: '127.0.0.1' }, { ca: (await localhost()).ca }),
  },
  { door: 'ws', refusal: /503/, dial: toWebSocket },
  { door: 'attach', refusal: /503/, dial: toWebSocket },
]

/** A host with few files, in a process of its own. */
class FewFiles {
  readonly warnings: unknown[] = []
  port = 0
  #sessions: number | undefined
  readonly #child: ChildProcess

  constructor(options: object) {
    this.#child = fork(join(root, 'test', 'net', 'files-program.mjs'), [JSON.stringify(options)], withFiles(FILES))
    this.#child.on('message', (message) => {
      const [what, value] = message as [string, unknown]
      if (what === 'open') this.port = value as number
      else if (what === 'sessions') this.#sessions = value as number
      else this.warnings.push(message)
    })
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  async opened(): Promise<number> {
    while (this.port === 0) await once(this.#child, 'message')
    return this.port
  }

  async empty(): Promise<void> {
    do {
      this.#child.send('how many')
      await once(this.#child, 'message')
    } while (this.#sessions !== 0)
  }
}

/** A client that is let in, or what it heard instead. */
async function comer(dial: Dial): Promise<WireClient | string> {
  try {
    const client = await WireClient.dial(dial)
    onTestFinished(() => client.abort())
    client.send('CONNECT', { 'accept-version': '1.2', host: 'localhost', 'heart-beat': '0,0' })
    await until(() => client.received.length > 0 || client.isClosed, 'an answer')
    const [first] = client.received
    return first?.command === 'CONNECTED' ? client : (first?.headers.code ?? 'closed')
  } catch (error) {
    return String(error)
  }
}

describe.skipIf(!knowsItsLimit)('a process that may open few files', () => {
  // It imports packages as they are built.
  beforeAll(expectBuilt)

  test.each(ways)(
    'refuses at a door of $door before it has none left, and serves again',
    {
      timeout: TIMEOUT_MS,
    },
    async ({ door, refusal, options, dial: dialTo }) => {
      const host = new FewFiles({ door, ...(await options?.()) })
      const dial = await dialTo(await host.opened())
      const clients: WireClient[] = []
      let heard = await comer(dial)
      for (; typeof heard !== 'string'; heard = await comer(dial)) clients.push(heard)
      expect(heard).toMatch(refusal)
      expect(clients.length).toBeGreaterThan(FILES / 4)
      expect(clients.length).toBeLessThan(FILES - SPARE)
      expect(await comer(dial)).toMatch(refusal)
      expect(host.warnings).toEqual([
        ['warn', { openFiles: FILES, spare: SPARE, refused: 1 }, expect.stringContaining('ulimit -n')],
      ])
      for (const client of clients.splice(0)) client.abort()
      await host.empty()
      for (let count = 0; count < FILES / 4; count++) expect(await comer(dial)).toBeInstanceOf(WireClient)
    },
  )

  test('leaves nobody waiting of hundreds that come at once and stay', { timeout: TIMEOUT_MS }, async () => {
    const host = new FewFiles({ door: 'net' })
    const crowd = crowdTo(await host.opened(), 500)
    await until(() => crowd.every(({ fate }) => fate !== undefined), 'each to be told, or closed')
    const { CONNECTED = 0, 'connections-too-many': refused = 0, closed = 0 } = fatesOf(crowd)
    expect(CONNECTED + refused + closed).toBe(crowd.length)
    for (const few of [CONNECTED, refused, closed]) expect(few).toBeGreaterThan(0)
    for (const { socket } of crowd) socket.destroy()
    await host.empty()
    for (let count = 0; count < FILES / 4; count++) expect(await comer(toSocket(host.port))).toBeInstanceOf(WireClient)
  })
})

describe('the last files of a process', () => {
  /** A door that takes and refuses, and what has become of sockets by the numbers of their files. */
  function door(most?: number) {
    const clock = new ManualClock()
    const told: unknown[] = []
    const warn = (fields: object): void => void told.push(fields)
    const files = new SpareFiles({ clock, logger: { info: () => undefined, warn, error: () => undefined } }, most)
    const comes = (fd?: number): string => {
      let fate = ''
      const socket = { _handle: fd === undefined ? null : { fd }, destroy: () => (fate += 'cut') }
      files.receive(
        socket as unknown as Socket,
        () => (fate += 'taken'),
        (_, { code, message, excess }) => {
          fate += code
          expect(message).toContain('ulimit -n')
          expect(excess).toMatchObject({ unit: 'open files', option: 'ulimit -n' })
        },
      )
      return fate
    }
    return { clock, told, comes }
  }

  test.each([
    [100_100, 48],
    [192, 48],
    [128, 32],
    [20, 5],
  ])('are of %i the last %i, of which those who are refused may have half', (most, spare) => {
    const { comes } = door(most)
    expect(comes(most - spare - 1)).toBe('taken')
    expect(comes(most - spare)).toBe('connections-too-many')
    expect(comes(most - Math.ceil(spare / 2) - 1)).toBe('connections-too-many')
    expect(comes(most - Math.floor(spare / 2))).toBe('cut')
    expect(comes(most - 1)).toBe('cut')
  })

  test('are no one kept where it is not known how many there are, or a socket takes none', () => {
    expect(door(Number.POSITIVE_INFINITY).comes(1_000_000)).toBe('taken')
    expect(door(10).comes()).toBe('taken')
    expect(door(10).comes(-1)).toBe('taken')
  })

  test('are told to the log when one is refused: the first, then how many in ten seconds', async () => {
    const { clock, told, comes } = door(100)
    for (const fd of [98, 99, 80, 50]) comes(fd)
    expect(told).toEqual([{ openFiles: 100, spare: 25, refused: 1 }])
    await clock.advance(10_000)
    comes(99)
    expect(told.slice(1)).toEqual([{ openFiles: 100, spare: 25, refused: 3 }])
  })
})
