/** The published schema says the same as the code: every option of broker and doors, with its default and its bounds. */

import { type BrokerOptions, createBroker } from '@xtomp/core'
import { describe, expect, test } from 'vitest'
import { LOG_FORMATS, LOG_LEVELS } from '../../packages/cli/src/config/config.js'
import { faultsIn, resolved, type Schema, schema } from '../../packages/cli/src/config/schema.js'
import { DRAIN_MS } from '../../packages/cli/src/config/settings.js'
import { settingsOf } from '../../packages/core/src/broker/options.js'
import { policyFor } from '../../packages/core/src/destination/policy.js'
import { settingsOf as listenSettingsOf } from '../../packages/net/src/socket/options.js'

const { limits, heartBeat, ...options } = settingsOf({})
const { type: _, ...rule } = policyFor('/queue/any', [])

function propertiesOf(name: string): Readonly<Record<string, Schema>> {
  return schema.definitions?.[name]?.properties ?? {}
}

function defaultsOf(name: string): Record<string, unknown> {
  const given = Object.entries(propertiesOf(name)).filter(([, part]) => part.default !== undefined)
  return Object.fromEntries(given.map(([option, part]) => [option, part.default]))
}

describe('the schema', () => {
  test('has every limit, with its default', () => {
    expect(defaultsOf('limits')).toEqual(limits)
    expect(Object.keys(propertiesOf('limits'))).toEqual(Object.keys(limits))
  })

  test('has every option of heart-beats, with its default', () => {
    expect(defaultsOf('heartBeat')).toEqual(heartBeat)
  })

  test('has every rule for destinations, with its default', () => {
    expect({ ...defaultsOf('rule'), expiryMs: Number.POSITIVE_INFINITY }).toEqual(rule)
    expect(Object.keys(propertiesOf('rule')).sort()).toEqual([...Object.keys(rule), 'match', 'type'].sort())
  })

  test('has every option of the broker that is data', () => {
    const data = Object.keys(options).filter((name) => !['hooks', 'store', 'logger', 'clock'].includes(name))
    expect(Object.keys(propertiesOf('broker')).sort()).toEqual([...data, 'limits', 'heartBeat'].sort())
    expect(defaultsOf('broker')).toEqual({ serverName: options.serverName })
  })

  test('has every option of a door, with its default', () => {
    const { place, ...numbers } = listenSettingsOf({})
    expect({ ...defaultsOf('listener'), maxConnections: Number.POSITIVE_INFINITY }).toEqual({ ...place, ...numbers })
    expect(Object.keys(propertiesOf('listener')).sort()).toEqual(
      [...Object.keys({ ...place, ...numbers }), 'path'].sort(),
    )
  })

  test('has the levels and formats of the log, and the time to drain', () => {
    const { level, format } = schema.properties?.log?.properties ?? {}
    expect(level?.enum).toEqual(LOG_LEVELS)
    expect(format?.enum).toEqual(LOG_FORMATS)
    expect(schema.properties?.drainMs?.default).toBe(DRAIN_MS)
  })

  test('has a name of its own, which stays what it is: editors and validators tell schemas apart by it', () => {
    expect(schema.$id).toBe('urn:xtomp:config')
  })

  test('describes everything', () => {
    const silent: string[] = []
    const look = (part: Schema, name: string): void => {
      for (const [key, value] of Object.entries(part.properties ?? {})) {
        if ((value.description ?? resolved(value).description ?? '') === '') silent.push(`${name}.${key}`)
        look(value, `${name}.${key}`)
      }
    }
    look(schema, '')
    for (const [name, part] of Object.entries(schema.definitions ?? {})) look(part, name)
    expect(silent).toEqual([])
  })
})

/** Values that some options take and others do not. */
const VALUES = [
  -1,
  0,
  0.5,
  1,
  1.5,
  7,
  Number.POSITIVE_INFINITY,
  Number.NaN,
  '',
  '1',
  'a',
  'a\nb',
  'a*',
  true,
  false,
  [],
  {},
]
const NAMES = ['/queue/a', '/queue/*', '/queue/a.**', '/queue/a*', '*', '**', 'a.*.b', 'a.***.b', '/queue/**x']

function takes(broker: unknown): { schema: boolean; core: boolean } {
  let core = true
  try {
    void createBroker(broker as BrokerOptions).close()
  } catch {
    core = false
  }
  return { schema: faultsIn({ broker }).length === 0, core }
}

/** Every option of the broker, as a broker's options with this value in its place. */
const places: [name: string, at: (value: unknown) => object][] = [
  ...Object.keys(limits).map((name): [string, (value: unknown) => object] => [
    `limits.${name}`,
    (value) => ({ limits: { [name]: value } }),
  ]),
  ...Object.keys(heartBeat).map((name): [string, (value: unknown) => object] => [
    `heartBeat.${name}`,
    (value) => ({ heartBeat: { [name]: value } }),
  ]),
  ...['type', ...Object.keys(rule)].map((name): [string, (value: unknown) => object] => [
    `destinations[].${name}`,
    (value) => ({ destinations: [{ match: '/queue/a', [name]: value }] }),
  ]),
  ['destinations[].match', (value) => ({ destinations: [{ match: value }] })],
  ['destinations', (value) => ({ destinations: value })],
  ['hosts', (value) => ({ hosts: value })],
  ['hosts[]', (value) => ({ hosts: [value] })],
  ['serverName', (value) => ({ serverName: value })],
]

test.each(places)('the schema takes for broker.%s what the broker takes, and nothing else', (_name, at) => {
  const words = ['queue', 'topic', ...Object.values(rule), 'drop-oldest', 'drop-newest', 'hold', 'discard']
  const judged = [...VALUES, ...NAMES, ...words].map((value) => ({ value, ...takes(at(value)) }))
  expect(judged.filter(({ schema: one, core: other }) => one !== other)).toEqual([])
  expect(new Set(judged.map(({ core }) => core)).size).toBe(2)
})

test.each(Object.keys(propertiesOf('listener')))('the schema takes for listeners[].%s what a door takes', (name) => {
  const judged = [...VALUES, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31].map((value) => {
    let door = true
    try {
      listenSettingsOf({ [name]: value })
    } catch {
      door = false
    }
    return { value, schema: faultsIn({ listeners: [{ [name]: value }] }).length === 0, door }
  })
  expect(judged.filter(({ schema: one, door }) => one !== door)).toEqual([])
})
