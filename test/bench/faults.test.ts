/** What `xtomp bench` says when it cannot do what it is asked for: in one sentence, with what to do. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type LoadOptions, measure, type WorkloadName } from '@xtomp/bench'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mostOpenFiles } from '../../packages/bench/src/process-figures.js'
import { faultText } from '../../packages/bench/src/run/faults.js'
import { settingsOf } from '../../packages/bench/src/run/settings.js'
import { sharesOf } from '../../packages/bench/src/run/shares.js'
import { targetOf } from '../../packages/bench/src/run/target.js'
import { freePort } from '../support/programs.js'
import { served } from './served.js'

/** A server that is no broker. */
async function serverThat(accept: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => accept(socket.on('error', () => undefined))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `stomp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function faultOf(workload: WorkloadName, options: LoadOptions): Promise<string | undefined> {
  const { isOk, fault } = await measure(workload, { connections: 3, seconds: 1, ...options })
  expect(isOk).toBe(fault === undefined)
  return fault
}

describe('a run fails, and says so,', () => {
  test('where nobody listens', async () => {
    const at = `stomp://127.0.0.1:${await freePort()}`
    expect(await faultOf('connect', { url: at })).toBe(
      `nobody listens at ${at} (ECONNREFUSED): start a broker, or say where it is with --url`,
    )
  })

  test('where the host has no address', async () => {
    const url = 'stomp://ann:secret@nobody.invalid:1'
    const fault = await faultOf('connect', { url })
    expect(fault).toMatch(/^(nobody knows the host of )?stomp:\/\/nobody\.invalid:1/)
    expect(fault).not.toContain('secret')
  })

  test('where the broker answers ERROR', async () => {
    const { url } = await served('tcp', { hooks: { authenticate: () => false } })
    expect(await faultOf('echo', { url, login: 'ann', passcode: 'secret' })).toMatch(/: the broker answers ERROR: \w+/)
  })

  test('where the broker refuses the upgrade to a WebSocket', async () => {
    const url = await serverThat((socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'))
    const fault = await faultOf('connect', { url: url.replace('stomp:', 'ws:') })
    expect(fault).toContain('the upgrade to a WebSocket is refused: HTTP/1.1 404 Not Found')
  })

  test('where nobody vouches for the certificate, unless that is no matter', async () => {
    const { url } = await served('tls')
    expect(await faultOf('connect', { url })).toContain(
      'name who vouches for it with --ca FILE, or take any with --insecure',
    )
    expect(await faultOf('connect', { url, isInsecure: true })).toBe(undefined)
  })

  test('where a connection is lost', async () => {
    const { url, broker } = await served()
    broker.on('subscribe', () => {
      const [session] = [...broker.sessions()]
      if (broker.stats().subscriptions === 3) session?.close({ code: 'lunch', message: 'closed' })
    })
    expect(await faultOf('hold', { url, seconds: 20 })).toMatch(/the broker answers ERROR: lunch: closed/)
  })

  test('where what answers is no broker', async () => {
    const url = await serverThat((socket) => void socket.write('SSH-2.0-OpenSSH\0'))
    expect(await faultOf('connect', { url })).toContain('this is no STOMP: "SSH-2.0-OpenSSH"')
  })

  test('where nothing happens', async () => {
    const url = await serverThat((socket) => void socket.resume())
    expect(await faultOf('connect', { url, timeoutSeconds: 1 })).toBe(
      `${url}: nothing has happened for 1 s: 0 sessions, 0 deliveries`,
    )
  })

  test('where it is stopped', async () => {
    const { url, broker } = await served()
    const stop = new AbortController()
    broker.on('subscribe', () => stop.abort())
    const { fault, connections } = await measure('hold', { url, connections: 5, seconds: 60 }, { signal: stop.signal })
    expect(fault).toBe(`${url}: it was stopped before it was done`)
    expect(connections).toBeLessThanOrEqual(5)
  })

  test('where the process to look at is not there', async () => {
    const { url } = await served()
    expect(await faultOf('connect', { url, pids: [2 ** 22 + 1] })).toContain('there is no process 4194305 to look at')
  })
})

test.each(['EADDRNOTAVAIL', 'EADDRINUSE'])(
  'ports that are gone (%s) are told by what has them, and what helps',
  (code) => {
    const text = faultText({ message: '', code }, 'stomp://ann:secret@127.0.0.1:1')
    expect(text).toContain(`connection to stomp://127.0.0.1:1 (${code})`)
    expect(text).toContain('those of an earlier run, too, keep theirs for a minute (TIME_WAIT)')
    expect(text).toMatch(/ take more --sources, which are for a broker at 127\.\*, or wait$/)
  },
)

describe('files that a process may open', () => {
  const files = mostOpenFiles() ?? 0

  test.skipIf(files === 0 || files > 1_000_000)('decide how many processes there are', async () => {
    const target = await targetOf('stomp://127.0.0.1:1', { isInsecure: false })
    const shares = sharesOf('hold', settingsOf('hold', { connections: 3 * files }), target)
    expect(shares.length).toBeGreaterThan(3)
    for (const { connections } of shares) expect(connections).toBeLessThan(files)
    expect(shares.reduce((total, { connections }) => total + connections, 0)).toBe(3 * files)
    expect(shares.map(({ first }) => first)).toEqual(
      shares.map((_, at) => shares.slice(0, at).reduce((sum, one) => sum + one.connections, 0)),
    )
  })

  test.skipIf(files === 0 || files > 1_000_000)('are told of before anything is opened', async () => {
    const fault = await faultOf('hold', { connections: 2 * files, processes: 1 })
    expect(fault).toContain('connections need more open files than the ')
    expect(fault).toContain('raise the limit (ulimit -n) or take more --processes; `xtomp doctor` says')
  })
})

test.each<[WorkloadName, LoadOptions, string]>([
  ['echo', { connections: 0 }, 'connections must be a whole number from 1 to 4000000; given 0'],
  ['fanout', { window: 1.5 }, 'window must be a whole number from 1 to 100000; given 1.5'],
  ['queue', { bodyBytes: 15 }, 'bodyBytes must be a whole number from 16 to 1048576; given 15'],
  ['hold', { seconds: Number.POSITIVE_INFINITY }, 'seconds must be a whole number from 1 to 86400; given Infinity'],
  ['hold', { heartBeat: 'often' }, "heart-beat must be two numbers of ms, as 10000,10000; given 'often'"],
  ['echo', { url: 'http://127.0.0.1/secret' }, "a broker's URL must be stomp://host:port"],
])('%s with %j is a TypeError', async (workload, options, message) => {
  const failed = measure(workload, options)
  await expect(failed).rejects.toThrow(TypeError)
  await expect(failed).rejects.toThrow(message)
})
