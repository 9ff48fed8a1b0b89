/** Where the connections of a run come from. */

import { once } from 'node:events'
import { createServer } from 'node:net'
import { measure } from '@xtomp/bench'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Plan, Target } from '../../packages/bench/src/load/plan.js'
import { SourcePicker } from '../../packages/bench/src/load/sources.js'
import { portsOfConnections } from '../../packages/bench/src/process-figures.js'
import { type LoadOptions, settingsOf } from '../../packages/bench/src/run/settings.js'
import { sharesOf } from '../../packages/bench/src/run/shares.js'
import { served } from './served.js'

const HERE: Target = {
  transport: 'tcp',
  address: '127.0.0.1',
  port: 61_613,
  host: 'localhost',
  path: '/',
  isVerified: true,
}

function plansOf(
  workload: Plan['workload'] & ('hold' | 'churn' | 'storm'),
  options: LoadOptions,
  target = HERE,
): Plan[] {
  return sharesOf(workload, settingsOf(workload, options), target)
}

/** The first places that each of these comes from. */
function placesOf(plans: readonly Plan[], each: number): string[] {
  return plans.flatMap(({ sources }) => {
    if (sources === undefined) return []
    const picker = new SourcePicker(sources)
    return Array.from({ length: each }, () => Object.values(picker.next()).join(':'))
  })
}

describe('processes of clients', () => {
  test('never come from the same address and port, whether there are more addresses or more processes', () => {
    for (const options of [
      { processes: 3, sources: 7 },
      { processes: 7, sources: 3 },
      { processes: 4, sources: 4 },
    ]) {
      const places = placesOf(plansOf('hold', { connections: 14_000, ...options }), 2_000)
      expect(new Set(places).size).toBe(places.length)
      expect(new Set(places.map((place) => place.split(':')[0])).size).toBe(options.sources)
    }
  })

  test('have an address each at the least for a million, and do not ask for more at once than a broker takes', () => {
    const plans = plansOf('hold', { connections: 1_000_000, processes: 53 })
    expect(new Set(plans.map(({ sources }) => sources?.first)).size).toBe(53)
    expect(plans.map(({ sources }) => sources?.addresses)).toEqual(plans.map(() => 1))
    expect(plans.map(({ atOnce }) => atOnce)).toEqual(plans.map(() => 19))
    const places = placesOf(plans, 2_000)
    expect(new Set(places).size).toBe(places.length)
  })

  test('have room for as many as the addresses have ports, though they are more than these', () => {
    const [lowest, highest] = portsOfConnections()
    const each = Math.floor(((highest - lowest + 1) * 2) / 3) - 2
    const places = placesOf(plansOf('hold', { connections: 3 * each, processes: 3, sources: 2 }), each)
    expect(new Set(places).size).toBe(places.length)
  })

  test('leave it to the system where one address is enough', () => {
    expect(plansOf('hold', { connections: 1_000 })[0]?.sources).toBeUndefined()
  })

  test('need no port of a storm again for the next one', () => {
    const [plan] = plansOf('storm', { connections: 10_000, storms: 3 })
    const places = placesOf([plan as Plan], 40_000)
    expect(new Set(places).size).toBe(places.length)
  })

  test('take every port of an address in turn', () => {
    const [lowest, highest] = portsOfConnections()
    const picker = new SourcePicker({ first: 251, addresses: 1, ports: [lowest, highest], skipped: 1 })
    const ports = Array.from({ length: highest - lowest + 2 }, () => picker.next())
    expect(ports.slice(0, 1)).toEqual([{ localAddress: '127.0.1.2', localPort: lowest + 1 }])
    expect(ports.slice(-2).map(({ localPort }) => localPort)).toEqual([lowest, lowest + 1])
  })

  test('have no addresses of this machine to come from where the broker is elsewhere', () => {
    const target = { ...HERE, address: '192.0.2.1' }
    expect(() => plansOf('hold', { sources: 2 }, target)).toThrow(
      TypeError('sources are addresses of this machine, for a broker at 127.*; it is at 192.0.2.1'),
    )
    expect(plansOf('churn', {}, target)[0]?.sources).toBeUndefined()
  })
})

test('a port that is taken is passed over', async () => {
  const [lowest] = portsOfConnections()
  const taken = createServer().listen(lowest, '127.0.0.1')
  onTestFinished(() => void taken.close())
  // Where another program has it already, it is taken all the same.
  await Promise.race([once(taken, 'listening').catch(() => undefined), once(taken, 'error')])
  const to = await served()
  const from: (number | undefined)[] = []
  to.broker.on('connect', ({ session }) => from.push(session.connection.remotePort))
  expect(await measure('connect', { url: to.url, connections: 4, sources: 2, processes: 1 })).toMatchObject({
    isOk: true,
  })
  expect(from).toHaveLength(4)
  expect(from.every((port = 0) => port >= lowest && port < lowest + 40)).toBe(true)
})
