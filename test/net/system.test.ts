/** What doors ask of the system for their sockets: to probe who is silent, and to share a port. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { listen as listenMux } from '@xtomp/mux'
import { type Listener, type ListenOptions, listen } from '@xtomp/net'
import { socketOptionsOf } from '@xtomp/net/socket'
import { listen as listenTls } from '@xtomp/tls'
import { listen as listenWebSocket } from '@xtomp/ws'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createAuthority, issueForServer } from '../support/certificates.js'
import { codeOf, open } from '../support/listeners.js'
import { freePort } from '../support/programs.js'
import { until } from '../support/suite.js'
import { canSharePorts, isLinux, tcpSocketsAt } from '../support/tcp-sockets.js'

/** In Linux's table the timer that probes is of kind 2, and counts hundredths of a second. */
const PROBES = '02'
const TICKS_A_SECOND = 100

/** After how many seconds the system probes the peer of a connection that has come to this port; undefined for never. */
function probedAfter(port: number): number | undefined {
  const [kind, ticks = ''] =
    tcpSocketsAt(port)
      .find(({ isOpen }) => isOpen)
      ?.timer.split(':') ?? []
  return kind === PROBES ? Number.parseInt(ticks, 16) / TICKS_A_SECOND : undefined
}

type Opened = (options: ListenOptions) => Promise<Listener>

const doors: { name: string; opened: Opened }[] = [
  { name: 'net', opened: (options) => listen(open().broker, options) },
  {
    name: 'tls',
    opened: async (options) =>
      listenTls(open().broker, { ...options, ...(await issueForServer(await createAuthority())) }),
  },
  { name: 'ws', opened: (options) => listenWebSocket(open().broker, { ...options, path: '/' }) },
  { name: 'mux', opened: (options) => listenMux(open().broker, options) },
]

if (!isLinux) console.log('who is probed is not looked at: only Linux shows it')

describe.skipIf(!isLinux)('who is silent', () => {
  test('is probed after a minute', async () => {
    const { port = 0 } = await dialled(await listen(open().broker, { port: 0 }))
    await until(() => probedAfter(port) !== undefined, 'a timer')
    expect(probedAfter(port)).toBeGreaterThan(50)
    expect(probedAfter(port)).toBeLessThanOrEqual(60)
  })

  test.each(doors)('is probed by a door of $name after the time that it is told', async ({ opened }) => {
    const { port = 0 } = await dialled(await opened({ port: 0, keepAliveMs: 1_000_000 }))
    await until(() => probedAfter(port) !== undefined, 'a timer')
    expect(probedAfter(port)).toBeGreaterThan(900)
    expect(probedAfter(port)).toBeLessThanOrEqual(1_000)
  })

  const times: [keepAliveMs: number, seconds: number][] = [
    [1, 1],
    [999, 1],
    [32_767_000, 32_767],
  ]
  test.each(times)('is probed after %i ms in whole seconds, at most %i', async (keepAliveMs, seconds) => {
    const { port = 0 } = await dialled(await listen(open().broker, { port: 0, keepAliveMs }))
    await until(() => probedAfter(port) !== undefined, 'a timer')
    expect(probedAfter(port)).toBeLessThanOrEqual(seconds)
    expect(probedAfter(port)).toBeGreaterThan(seconds - 60)
  })

  test('is not probed before its time, of which the system takes whole seconds', () => {
    expect(socketOptionsOf({ keepAliveMs: 1_001 }).keepAliveInitialDelay).toBe(2_000)
  })

  test('is not probed where the time is 0', async () => {
    const listener = await dialled(await listen(open().broker, { port: 0, keepAliveMs: 0 }))
    await until(() => listener.connections === 1, 'it to be accepted')
    expect(probedAfter(listener.port ?? 0)).toBeUndefined()
  })
})

if (!canSharePorts) console.log('ports are not shared: that needs Linux and Node 22.12')

describe('a port', () => {
  test('is taken where it is not to be shared', async () => {
    const { port } = await listen(open().broker, { port: 0 })
    expect(await codeOf(listen(open().broker, { port }))).toBe('EADDRINUSE')
  })

  test.skipIf(!canSharePorts).each(doors)('is shared by doors of $name', async ({ opened }) => {
    const port = await freePort()
    const all = [await opened({ port, reusePort: true }), await opened({ port, reusePort: true })]
    expect(all.map((listener) => listener.port)).toEqual([port, port])
  })

  test.skipIf(!canSharePorts)('that is shared has who comes spread over its doors', async () => {
    const port = await freePort()
    const share = { port, reusePort: true }
    const all = [await listen(open().broker, share), await listen(open().broker, share)]
    // That all of 64 come to one of two is as likely as 1 in 2 to the 63.
    for (let count = 0; count < 64; count++) await dialled({ port })
    await until(() => all.reduce((sum, { connections }) => sum + connections, 0) === 64, 'all to be accepted')
    expect(all.map(({ connections }) => connections > 0)).toEqual([true, true])
  })

  test.skipIf(canSharePorts)('is shared by no Node that does not know how, which is said', async () => {
    const sharing = listen(open().broker, { port: await freePort(), reusePort: true })
    await expect(sharing).rejects.toThrow(
      new TypeError(`reusePort needs Node 22.12 or newer; this is ${process.versions.node}`),
    )
  })
})

/** A client that says nothing; answers the door. */
async function dialled<Door extends Pick<Listener, 'port'>>(door: Door): Promise<Door> {
  const socket = connect(door.port ?? 0, '127.0.0.1').on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return door
}
