/** The published schema says the same as the code: every option of broker and doors, with its default and its bounds. */

import { type BrokerOptions, createBroker } from '@xtomp/core'
import { describe, expect, test } from 'vitest'
import { LOG_FORMATS, LOG_LEVELS } from '../../packages/cli/src/config/config.js'
import { DEFAULT_PORTS, TRANSPORTS, type Transport } from '../../packages/cli/src/config/listener.js'
import { faultsIn, resolved, type Schema, schema } from '../../packages/cli/src/config/schema.js'
import { DRAIN_MS } from '../../packages/cli/src/config/settings.js'
import { settingsOf } from '../../packages/core/src/broker/options.js'
import { policyFor } from '../../packages/core/src/destination/policy.js'
import { settingsOf as muxSettingsOf } from '../../packages/mux/src/options.js'
import { settingsOf as listenSettingsOf } from '../../packages/net/src/socket/options.js'
import { LOGIN_FROM } from '../../packages/tls/src/socket/login.js'
import { TLS_OPTIONS, tlsSettingsOf } from '../../packages/tls/src/socket/settings.js'
import { OPTION_NAMES as WEB_SOCKET_OPTIONS, settingsOf as webSocketSettingsOf } from '../../packages/ws/src/options.js'
import { createAuthority, issueForServer } from '../support/certificates.js'

const { limits, heartBeat, ...options } = settingsOf({})
const { type: _, ...rule } = policyFor('/queue/any', [])

function propertiesOf(name: string): Readonly<Record<string, Schema>> {
  return schema.definitions?.[name]?.properties ?? {}
}

function defaultsOf(name: string): Record<string, unknown> {
  const given = Object.entries(propertiesOf(name)).filter(([, part]) => part.default !== undefined)
  return Object.fromEntries(given.map(([option, part]) => [option, part.default]))
}

const identity = await issueForServer(await createAuthority())

/** What is left of an object under some names. */
function only(names: readonly string[], all: object): object {
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)))
}

/** The options of a door that speaks this. */
function allowedFor(transport: Transport): string[] {
  const { then } = schema.definitions?.listener?.allOf?.[TRANSPORTS.indexOf(transport)] ?? {}
  return Object.keys(propertiesOf('listener'))
    .filter((name) => !(name in (then?.properties ?? {})))
    .sort()
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
    const data = Object.keys(options).filter(
      (name) => !['hooks', 'store', 'backplane', 'logger', 'clock'].includes(name),
    )
    expect(Object.keys(propertiesOf('broker')).sort()).toEqual([...data, 'limits', 'heartBeat'].sort())
    expect(defaultsOf('broker')).toEqual({ serverName: options.serverName })
  })

  test('has every option of a TCP door, with its default but the port, which depends on what it speaks', () => {
    const { place, ...numbers } = listenSettingsOf({})
    const names = [...Object.keys({ ...place, ...numbers }), 'path']
    const defaults = { ...defaultsOf('listener'), port: DEFAULT_PORTS.tcp, maxConnections: Number.POSITIVE_INFINITY }
    expect(only(names, defaults)).toEqual({ ...place, ...numbers })
    expect(allowedFor('tcp')).toEqual(['transport', ...names].sort())
  })

  test('has every option of WebSockets, with its default', () => {
    const settings = webSocketSettingsOf({})
    // Two are the door's own, one stands in the group `proxy`, and two are code.
    const others = ['maxConnections', 'lingerMs', 'trust', 'factsOf', 'provenLoginOf']
    const names = WEB_SOCKET_OPTIONS.filter((name) => !others.includes(name))
    expect(Object.keys(propertiesOf('ws')).sort()).toEqual([...names].sort())
    // Whose pages may connect depends on the address: decision 0015.
    const { origins: _, ...those } = settings
    expect(only(Object.keys(those), defaultsOf('ws'))).toEqual(only(names, those))
    expect(defaultsOf('ws').perMessageDeflate).toBe(settings.deflateFrom !== undefined)
    expect(allowedFor('ws')).toEqual(
      [
        'transport',
        'port',
        'host',
        'backlog',
        'maxConnections',
        'lingerMs',
        'keepAliveMs',
        'reusePort',
        'handshakeTimeoutMs',
        'ws',
        'proxy',
      ].sort(),
    )
  })

  test('has every option of a door for all, with its default', () => {
    const { place: _, backlog, maxConnections, lingerMs, health, firstOctetsTimeoutMs, ...others } = muxSettingsOf({})
    const names = Object.keys({ backlog, maxConnections, lingerMs, health, firstOctetsTimeoutMs, ...others })
    // The page is the handler of requests, and who is trusted stands in a group.
    const known = names.map((name) => ({ http: 'page', trust: 'proxy' })[name] ?? name)
    expect(allowedFor('mux')).toEqual(['transport', 'port', 'host', 'path', ...known].sort())
    expect(defaultsOf('listener')).toMatchObject({ health: health.path, firstOctetsTimeoutMs })
  })

  test('has the options of TLS that are data, with their defaults, and files in place of what these hold', () => {
    const { requestCert, rejectUnauthorized, handshakeTimeoutMs } = tlsSettingsOf(identity)
    expect(defaultsOf('tls')).toEqual({ requestCert, rejectUnauthorized, handshakeTimeoutMs })
    const data = Object.keys(propertiesOf('tls')).filter((name) => !name.endsWith('File'))
    const held = ['cert', 'key', 'pfx', 'ca', 'crl']
    // One is that of the door for all.
    const others = [...TLS_OPTIONS.filter((name) => !held.includes(name)), 'required']
    expect(data.sort()).toEqual(others.sort())
    const files = Object.keys(propertiesOf('tls')).filter((name) => name.endsWith('File'))
    expect(files.sort()).toEqual(held.map((name) => `${name}File`).sort())
    const own = ['certFile', 'keyFile', 'pfxFile', 'passphrase']
    expect(Object.keys(propertiesOf('identity'))).toEqual(own)
    for (const name of own) expect(propertiesOf('identity')[name]).toEqual(propertiesOf('tls')[name])
    expect(propertiesOf('tls').loginFrom?.enum).toEqual(LOGIN_FROM)
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

test.each(Object.keys(propertiesOf('ws')))('the schema takes for ws.%s what a WebSocket door takes', (name) => {
  const values = [
    ...VALUES,
    2 ** 31 - 1,
    2 ** 31,
    ['/a', '/b'],
    ['https://a.test'],
    ['https://a.test/'],
    ['null'],
    '/a',
    '/a?b',
  ]
  const judged = [...values, { thresholdBytes: 0 }, { thresholdBytes: -1 }, 'same-origin'].map((value) => {
    let door = true
    try {
      webSocketSettingsOf({ [name]: value })
    } catch {
      door = false
    }
    const listener = { transport: 'ws', ws: { [name]: value } }
    return { value, schema: faultsIn({ listeners: [listener] }).length === 0, door }
  })
  expect(judged.filter(({ schema: one, door }) => one !== door)).toEqual([])
  expect(new Set(judged.map(({ door }) => door)).size).toBe(2)
})
