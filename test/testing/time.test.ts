/** Time in tests: the broker's own clock, the global timers under it, and a test runner's fake timers over both. */

import { promisify } from 'node:util'
import { Client, type StompConfig } from '@stomp/stompjs'
import { createTestBroker, ManualClock, type TestBroker } from '@xtomp/testing'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'

afterEach(() => {
  vi.useRealTimers()
})

function started(broker: Pick<TestBroker, 'webSocket' | 'close'>, config: StompConfig): Client {
  const client = new Client({ webSocketFactory: () => broker.webSocket(), ...config })
  onTestFinished(async () => {
    vi.useRealTimers()
    await client.deactivate({ force: true })
    await broker.close()
  })
  client.activate()
  return client
}

const TEN_SECONDS = { reconnectDelay: 10_000, heartbeatIncoming: 10_000, heartbeatOutgoing: 10_000 }

describe("with the runner's fake timers", () => {
  test('a client reconnects and beats, and the broker with it', async () => {
    vi.useFakeTimers()
    const broker = createTestBroker({ clock: 'global' })
    let lost = 0
    const client = started(broker, { ...TEN_SECONDS, onHeartbeatLost: () => lost++ })
    await broker.clock.settled()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([client.connected, lost]).toEqual([true, 0])
    broker.faults.drop()
    await broker.clock.settled()
    await vi.advanceTimersByTimeAsync(9_000)
    expect(client.connected).toBe(false)
    await vi.advanceTimersByTimeAsync(1_500)
    await broker.clock.settled()
    expect(client.connected).toBe(true)
    const silence = broker.faults.missHeartBeats()
    await vi.advanceTimersByTimeAsync(35_000)
    expect(lost).toBe(1)
    silence.end()
  })

  test('the broker ends a client that does not beat', async () => {
    vi.useFakeTimers()
    const broker = createTestBroker({ clock: 'global' })
    const reasons: string[] = []
    broker.on('disconnect', ({ reason }) => reasons.push(reason.code))
    const socket = broker.socket()
    socket.resume()
    socket.write('CONNECT\naccept-version:1.2\nhost:/\nheart-beat:10000,0\n\n\0')
    await broker.clock.settled()
    await vi.advanceTimersByTimeAsync(19_000)
    expect(reasons).toEqual([])
    await vi.advanceTimersByTimeAsync(3_000)
    await broker.clock.settled()
    expect(reasons).toEqual(['heart-beat-missed'])
    await broker.close()
  })

  test('octets flow while time stands still', async () => {
    vi.useFakeTimers()
    const broker = createTestBroker()
    const client = started(broker, {
      onConnect: () => client.publish({ destination: '/topic/a', body: 'through' }),
    })
    expect((await broker.received('/topic/a'))[0]?.text()).toBe('through')
  })

  test('what is waited for in vain is given up nevertheless', async () => {
    vi.useFakeTimers()
    const broker = createTestBroker()
    broker.publish('/topic/b', 'x')
    await expect(broker.received('/topic/a', 2, { giveUpAfterMs: 20 })).rejects.toThrow('expected 2 of /topic/a, got 0')
    await broker.close()
  })

  test('the global timers may be put under the clock, and are given back to the runner', async () => {
    vi.useFakeTimers()
    const broker = createTestBroker()
    const theirs = globalThis.setTimeout
    const timers = broker.clock.install()
    let rang = ''
    setTimeout(() => (rang += 'ours'), 100)
    vi.advanceTimersByTime(1_000)
    await broker.clock.advance(99)
    expect(rang).toBe('')
    await broker.clock.advance(1)
    timers.uninstall()
    expect(globalThis.setTimeout).toBe(theirs)
    setTimeout(() => (rang += ' theirs'), 100)
    await broker.clock.advance(1_000)
    expect(rang).toBe('ours')
    vi.advanceTimersByTime(100)
    expect(rang).toBe('ours theirs')
    await broker.close()
  })
})

describe("without the runner's fake timers", () => {
  test('a client and the broker move together, over ten-second steps', async () => {
    const broker = createTestBroker()
    using _timers = broker.clock.install()
    const client = started(broker, TEN_SECONDS)
    await broker.clock.advance(60_000)
    expect(client.connected).toBe(true)
    broker.faults.drop()
    await broker.clock.advance(9_999)
    expect(client.connected).toBe(false)
    await broker.clock.advance(1)
    expect(client.connected).toBe(true)
  })

  test('a broker on the global clock goes by real time', async () => {
    const broker = createTestBroker({ clock: 'global', limits: { connectTimeoutMs: 1 } })
    const socket = broker.socket()
    const said = new Promise((resolve) => socket.once('data', (octets: Buffer) => resolve(octets.toString())))
    expect(await said).toContain('connect-timeout')
    await broker.close()
  })
})

describe('the global timers under a manual clock', () => {
  test('ring in order, once or again, with their arguments, and not when they are cleared', async () => {
    const clock = new ManualClock()
    using _timers = clock.install()
    const rung: unknown[] = []
    const note = (what: string): void => {
      rung.push(`${what} ${clock.now() - 1_000}`)
    }
    setTimeout(note, 30, 'b')
    setTimeout(note, 20, 'a')
    const interval = setInterval(note, 25, 'i')
    const cleared = setTimeout(note, 10, 'never')
    clearTimeout(cleared)
    const byNumber = setTimeout(note, 10, 'never')
    clearTimeout(Number(byNumber))
    setTimeout(() => setTimeout(note, 5, 'nested'), 30)
    await clock.advance(60)
    clearInterval(interval)
    await clock.advance(1_000)
    expect(rung).toEqual(['a 20', 'i 25', 'b 30', 'nested 35', 'i 50'])
    expect(clock.timers).toBe(0)
  })

  test('are shaped as those of Node', async () => {
    const clock = new ManualClock()
    using _timers = clock.install()
    let rung = 0
    const timer = setTimeout(() => rung++, 10)
    expect(timer.unref().ref().hasRef()).toBe(false)
    await clock.advance(9)
    timer.refresh()
    await clock.advance(9)
    expect(rung).toBe(0)
    await clock.advance(1)
    expect(rung).toBe(1)
    const slept = promisify(setTimeout)(10, 'slept')
    await clock.advance(10)
    expect(await slept).toBe('slept')
  })

  test('let be what was set before them', async () => {
    const never = setTimeout(() => expect.unreachable(), 0)
    const rang = new Promise((resolve) => setTimeout(resolve, 0))
    const clock = new ManualClock()
    using _timers = clock.install()
    clearTimeout(never)
    await rang
  })

  test('have a Date that goes with them', async () => {
    const clock = new ManualClock({ epoch: Date.UTC(2031, 4, 6) })
    const real = Date
    const timers = clock.install()
    await clock.advance(1_000)
    expect(Date.now()).toBe(Date.UTC(2031, 4, 6, 0, 0, 1))
    expect(new Date().toISOString()).toBe('2031-05-06T00:00:01.000Z')
    expect(new Date(0).getTime()).toBe(0)
    expect(Date()).toBe(new Date().toString())
    expect(new Date()).toBeInstanceOf(real)
    timers.uninstall()
    expect(Date).toBe(real)
  })

  test('are not put under two, nor given back over what another has put in their place', () => {
    const clock = new ManualClock()
    const timers = clock.install()
    expect(() => new ManualClock().install()).toThrow('under a manual clock already')
    vi.useFakeTimers()
    expect(() => timers.uninstall()).toThrow('setTimeout was replaced')
    vi.useRealTimers()
    timers.uninstall()
    timers.uninstall()
  })
})
