/** READMEs and guides keep up with the code: their tables name every option with its default, and every code. */

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_CODES, type Hooks } from '@xtomp/core'
import fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { resolved, type Schema, schema } from '../packages/cli/src/config/schema.js'
import { run } from '../packages/cli/src/program.js'
import { settingsOf } from '../packages/core/src/broker/options.js'
import { policyFor } from '../packages/core/src/destination/policy.js'
import { settingsOf as pluginSettingsOf } from '../packages/fastify/src/options.js'
import { settingsOf as listenSettingsOf } from '../packages/net/src/socket/options.js'
import { TLS_OPTIONS } from '../packages/tls/src/socket/settings.js'
import { OPTION_NAMES as WEB_SOCKET_OPTIONS, settingsOf as webSocketSettingsOf } from '../packages/ws/src/options.js'
import { testStreams } from './cli/streams.js'
import { EVENT_NAMES } from './support/heard.js'
import { packages, root } from './support/sources.js'

const CODES: readonly string[] = ERROR_CODES

/** All hooks: one that is missing here does not compile. */
const HOOKS: { readonly [Name in keyof Required<Hooks>]: true } = {
  authenticate: true,
  connect: true,
  authorize: true,
  subscribe: true,
  send: true,
  deliver: true,
}

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** The rows of the table whose first column has this title: their cells, without the ticks of the first. */
function table(path: string, title: string): string[][] {
  const [, ...lines] = textOf(path).split(`\n| ${title} |`)
  const rows = (lines.join('').split('\n\n')[0] ?? '').trimEnd().split('\n').slice(2)
  return rows.map((row) => {
    const [name = '', ...cells] = row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
    return [name.replace(/^`(.*)`$/, '$1'), ...cells]
  })
}

/** A default as a table writes it, without its unit. */
function written(value: unknown): string {
  if (value === Number.POSITIVE_INFINITY) return 'never'
  if (typeof value === 'number') return value.toLocaleString('en-US')
  return typeof value === 'string' ? `\`'${value}'\`` : `\`${value}\``
}

/** Names and defaults in a table; numbers without units. */
function defaultsIn(path: string, title: string): Record<string, string> {
  const rows = table(path, title).map(([name = '', value = '']) => [
    name,
    value.replace(/ (octets|ms|characters)$/, ''),
  ])
  return Object.fromEntries(rows)
}

function writtenAll(values: object, prefix = ''): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, written(value)]))
}

describe("core's README", () => {
  const README = 'packages/core/README.md'
  const { limits, heartBeat, ...options } = settingsOf({})

  test('names every limit with its default', () => {
    expect(defaultsIn(README, 'Limit')).toEqual(writtenAll(limits, 'limits.'))
  })

  test('names each unit as its option does', () => {
    const units: [RegExp, string][] = [
      [/Bytes$/, ' octets'],
      [/Ms$/, ' ms'],
      [/Length$/, ' characters'],
    ]
    const rows = [...table(README, 'Limit'), ...table(README, 'Rule')].filter(([, value]) => /^\d/.test(value ?? ''))
    const expected = rows.map(([name = '']) => [name, units.find(([ends]) => ends.test(name))?.[1] ?? ''])
    expect(rows.map(([name, value]) => [name, value?.replace(/^[\d,]+/, '')])).toEqual(expected)
  })

  test('names every rule for destinations with its default', () => {
    const { match, type, ...rules } = defaultsIn(README, 'Rule')
    expect([match, type]).toEqual(['', 'by its prefix'])
    const { type: _, ...defaults } = policyFor('/queue/any', [])
    expect(rules).toEqual(writtenAll(defaults))
  })

  test('names every option of heart-beats and of the broker', () => {
    const both = defaultsIn(README, 'Option')
    expect(Object.keys(both).sort()).toEqual([...Object.keys(options), 'limits', 'heartBeat'].sort())
    const beats = textOf(README).match(/^\| `heartBeat\.\w+` \| [\d,]+/gm)
    expect(beats).toEqual(
      Object.entries(heartBeat).map(([name, value]) => `| \`heartBeat.${name}\` | ${written(value)}`),
    )
  })

  test('explains every error code: its meaning, its cause and a remedy', () => {
    const rows = table(README, 'Code')
    expect(rows.map(([code]) => code)).toEqual([...ERROR_CODES])
    expect(rows.filter((row) => row.length !== 4 || row.some((cell) => cell === ''))).toEqual([])
  })

  test('speaks of codes that there are', () => {
    const limitCodes = table(README, 'Limit').flatMap(([, , text = '']) => text.match(/`[a-z]+(-[a-z]+)*`/g) ?? [])
    expect(limitCodes.filter((code) => !CODES.includes(code.slice(1, -1)))).toEqual([])
    expect(limitCodes.length).toBeGreaterThan(10)
  })

  test('speaks of options that there are', () => {
    const named = [...textOf(README).matchAll(/\b(limits|heartBeat|destinations\[\])\.(\w+)/g)]
    const known: Readonly<Record<string, object>> = {
      limits,
      heartBeat,
      'destinations[]': policyFor('/queue/any', []),
    }
    expect(named.filter(([, group = '', name = '']) => !(name in (known[group] ?? {}))).map(([text]) => text)).toEqual(
      [],
    )
  })

  test('names every hook and every event', () => {
    expect(table(README, 'Hook').map(([name]) => name)).toEqual(Object.keys(HOOKS))
    expect(table(README, 'Event').map(([name]) => name)).toEqual(EVENT_NAMES)
  })
})

describe('the guides', () => {
  const { limits, heartBeat } = settingsOf({})
  const rules = policyFor('/queue/any', [])
  const guides = ['docs', 'docs/handbook'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.md') ? [`${folder}/${name}`] : [])),
  )

  test('say of every limit what it costs, and when to move it', () => {
    const rows = table('docs/limits.md', 'Limit')
    const { maxMessages, maxBytes, backlogBytes } = rules
    const bounds = Object.keys({ maxMessages, maxBytes, backlogBytes }).map((name) => `destinations[].${name}`)
    const named = rows.map(([name = '']) => name).filter((name) => /^(limits|destinations\[\])\./.test(name))
    expect(named).toEqual([...Object.keys(limits).map((name) => `limits.${name}`), ...bounds])
    expect(rows.filter((row) => row.length !== 3 || row.includes(''))).toEqual([])
  })

  test('say of every limit of a door its default, what it costs, and when to move it', () => {
    const limitsOf = (names: readonly string[], door: string): string[] =>
      names.filter((name) => /^max.*(Bytes|Fragments)$|TimeoutMs$/.test(name)).map((name) => `\`${name}\` of ${door}`)
    const rows = table('docs/limits.md', 'Limit of a door')
    const named = rows.map(([name = '']) => name)
    const others = ['maxConnections', 'lingerMs', '`handshakeTimeoutMs` of ws', '`firstOctetsTimeoutMs` of mux']
    expect([...named].sort()).toEqual(
      [...others, ...limitsOf(TLS_OPTIONS, 'tls'), ...limitsOf(WEB_SOCKET_OPTIONS, 'ws')].sort(),
    )
    const defaults = { ...webSocketSettingsOf({}), ...listenSettingsOf({}) }
    const told = (bytes: number): string[] => [written(bytes), written(bytes / 1024 ** 2), 'no limit']
    for (const [name = '', value = ''] of rows) {
      const number = Reflect.get(defaults, name.replace(/`(.*)`.*/, '$1')) as unknown
      if (typeof number === 'number') expect(told(number)).toContain(value.replace(/ (octets|ms|MiB)$/, ''))
    }
    expect(rows.filter((row) => row.length !== 4 || row.includes(''))).toEqual([])
  })

  test('speak, where they say whether to try again, of codes that there are', () => {
    const named = table('docs/errors.md', 'Codes').flatMap(([codes = '']) => codes.match(/[a-z]+(-[a-z]+)+|stalled/g))
    expect(named.filter((code) => !CODES.includes(String(code)))).toEqual([])
    expect(named.length).toBeGreaterThan(10)
  })

  test.each(guides)('%s speaks of options that there are', (name) => {
    const groups: Readonly<Record<string, object>> = { limits, heartBeat, 'destinations[]': rules }
    const named = textOf(name).matchAll(
      /(?<!\/|resources\.)\b(limits|heartBeat|destinations\[\])\.(?!(?:md|conf)\b)(\w+)/g,
    )
    const unknown = [...named].filter(([, group = '', option = '']) => !(option in (groups[group] ?? {})))
    expect(unknown.map(([text]) => text)).toEqual([])
  })
})

test("net's README names every option with its default", () => {
  const { place, ...numbers } = listenSettingsOf({})
  expect(defaultsIn('packages/net/README.md', 'Option')).toEqual({
    ...writtenAll({ ...place, ...numbers }),
    path: 'none',
    maxConnections: 'no limit',
  })
})

test("ws's README names every option, with the defaults that are a number or a word", () => {
  const { maxConnectBytes, pingMs, lingerMs, requireSubprotocol, lostNul, maxMessageBytes, maxHeldBytes } =
    webSocketSettingsOf({})
  const named = defaultsIn('packages/ws/README.md', 'Option')
  expect(Object.keys(named).sort()).toEqual([...WEB_SOCKET_OPTIONS].sort())
  expect(named).toMatchObject(writtenAll({ maxConnectBytes, pingMs, lingerMs, requireSubprotocol, lostNul }))
  expect([named.maxMessageBytes, named.maxHeldBytes]).toEqual(
    [maxMessageBytes, maxHeldBytes].map((bytes) => `${bytes / 1024 ** 2} MiB`),
  )
})

test("tls's README names every option, and the number among them", () => {
  const named = defaultsIn('packages/tls/README.md', 'Option')
  expect(Object.keys(named)).toEqual(TLS_OPTIONS)
  expect(named.handshakeTimeoutMs).toBe('10,000')
})

test("fastify's README names every option with its default", () => {
  const { door, ...settings } = pluginSettingsOf(fastify(), {})
  expect(defaultsIn('packages/fastify/README.md', 'Option')).toEqual({
    ...writtenAll({ ...settings, ...door }),
    options: 'none',
    broker: 'none',
  })
})

describe("the command's README", () => {
  const README = 'packages/cli/README.md'

  /** What a configuration may hold, each with its default; of the broker's groups only their names. */
  function settingsIn(part: Schema, name: string): [string, string][] {
    const { properties, items, default: byDefault } = resolved(part)
    const isGroup = properties !== undefined && !/^broker\.\w/.test(name)
    if (isGroup) {
      return Object.entries(properties)
        .filter(([key]) => key !== '$schema')
        .flatMap(([key, value]) => settingsIn(value, name === '' ? key : `${name}.${key}`))
    }
    if (items !== undefined && !name.startsWith('broker.')) return settingsIn(items, `${name}[]`)
    return [[name, byDefault === undefined ? 'none' : written(byDefault)]]
  }

  test('names every setting with its default', () => {
    expect(Object.entries(defaultsIn(README, 'Setting')).sort()).toEqual(settingsIn(schema, '').sort())
  })

  test.each(['serve', 'check', 'pub', 'sub', 'passcode', 'doctor'])(
    'names every option and variable of %s',
    async (command) => {
      const streams = testStreams()
      await run([command, '--help'], { streams, stop: () => new AbortController().signal })
      const names = streams.stdout.text.match(/(?<= )--[a-z-]+|\bXTOMP_\w+/g) ?? []
      expect(names).toContain('--help')
      expect(names.filter((name) => !textOf(README).includes(`\`${name}`))).toEqual([])
    },
  )
})

describe('a published package', () => {
  const published = packages.filter((name) => JSON.parse(textOf(`packages/${name}/package.json`)).private !== true)

  test.each(published)('%s is among the packages of the README', (name) => {
    expect(textOf('README.md')).toContain(`](packages/${name}) |`)
  })

  test.each(published)('%s holds its README, its licence, what it lists and what it exports', (name) => {
    const folder = join(root, 'packages', name)
    const answer = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [{ files }] = JSON.parse(answer) as [{ files: { path: string }[] }]
    const paths = files.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    const { exports = {}, bin = {}, files: listed } = JSON.parse(textOf(`packages/${name}/package.json`))
    const isPacked = (entry: string): boolean => paths.some((path) => path === entry || path.startsWith(`${entry}/`))
    expect(listed.filter((entry: string) => !isPacked(entry))).toEqual([])
    const promised = [...JSON.stringify([exports, bin]).matchAll(/"\.\/([^"]+\.\w+)"/g)].map(([, path]) => path)
    expect(promised.filter((path) => !paths.includes(path as string))).toEqual([])
    expect(promised.length).toBeGreaterThan(0)
    expect(paths.filter((path) => /(^|\/)(src|test)\/|\.test\./.test(path))).toEqual([])
    expect(textOf(`packages/${name}/LICENSE`)).toBe(textOf('LICENSE'))
  })
})
