/** PROTOCOL.md says what the code says, and names only tests that there are. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENT_COMMANDS, VERSIONS } from '@xtomp/core/codec'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { settingsOf } from '../packages/core/src/broker/options.js'
import { LEGAL_COMMANDS, REQUIRED_HEADERS } from '../packages/core/src/command/rules.js'
import { policyFor } from '../packages/core/src/destination/policy.js'
import { ERROR_CODES } from '../packages/core/src/errors.js'
import { BROKER_OWNED } from '../packages/core/src/header-names.js'
import { parse, root, walk } from './support/sources.js'

const document = readFileSync(join(root, 'packages/core/PROTOCOL.md'), 'utf8')

interface Table {
  /** The text of the heading that it stands under. */
  readonly heading: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const tables = tablesOf(document)

function tablesOf(text: string): Table[] {
  return text
    .split(/^#+ /m)
    .slice(1)
    .flatMap((section) => {
      const heading = section.slice(0, section.indexOf('\n'))
      return [...section.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => {
        const [columns = [], , ...rows] = table.trimEnd().split('\n').map(cellsOf)
        return { heading, columns, rows }
      })
    })
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

/** The one table with these first columns. */
function table(...columns: readonly string[]): Table {
  const found = tables.filter((each) => columns.every((column, at) => each.columns[at] === column))
  expect(found, columns.join(' | ')).toHaveLength(1)
  return found[0] as Table
}

function words(cell: string | undefined): string[] {
  return cell === undefined || cell === '' ? [] : cell.split(', ')
}

/** A number as it is printed: `10,000`, `64 KiB`. */
function numberIn(cell: string | undefined): number {
  const [, digits = '', unit = ''] = /^([\d,]+)(?: (KiB|MiB))?$/.exec(cell ?? '') ?? []
  return Number(digits.replaceAll(',', '')) * { '': 1, KiB: 1024, MiB: 1024 * 1024 }[unit as 'KiB']
}

/** The names of a file's tests, as they stand there. */
const namesIn = new Map<string, readonly string[]>()

function testsIn(name: string): readonly string[] {
  const path = [`test/conformance/${name}.test.ts`, `test/${name}.test.ts`].find((each) => existsSync(join(root, each)))
  if (path === undefined) return []
  const known = namesIn.get(path)
  if (known !== undefined) return known
  const names: string[] = []
  walk(parse(path, readFileSync(join(root, path), 'utf8')).tree, (node) => {
    if (ts.isCallExpression(node) && /^(test|it)\b/.test(node.expression.getText()))
      names.push(textOf(node.arguments[0]))
    // The names of cases that stand in a table.
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'says') names.push(textOf(node.initializer))
  })
  namesIn.set(path, names)
  return names
}

function textOf(node: ts.Node | undefined): string {
  if (node === undefined) return ''
  return ts.isStringLiteralLike(node) ? node.text : node.getText()
}

describe('PROTOCOL.md', () => {
  const tested = tables.filter(({ columns }) => columns.at(-1) === 'Test')

  it('has rows as long as their table is wide', () => {
    for (const { columns, rows } of tables) for (const row of rows) expect(row, row[0]).toHaveLength(columns.length)
  })

  it.each(tested)('names under $heading, in each row, tests that there are', ({ rows }) => {
    for (const row of rows) {
      const named = [...(row.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, test]) => test as string)
      expect(named, row[0]).not.toHaveLength(0)
      for (const test of named) {
        const [file = '', part = ''] = test.split(/: (.*)/)
        expect(
          testsIn(file).filter((name) => name.includes(part)),
          test,
        ).toHaveLength(1)
      }
    }
  })

  it('has a section for each of the specification that concerns a server', () => {
    const headings = [...document.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual(expect.arrayContaining(SECTIONS))
  })

  it('prints the headers that each command must have, by version', () => {
    const { columns, rows } = table('Frame', '1.0', '1.1', '1.2')
    const printed = rows.map(([command, ...cells]) => [command, ...cells.map(words)])
    const byVersion = columns.slice(1) as (typeof VERSIONS)[number][]
    expect([...byVersion].sort()).toEqual([...VERSIONS].sort())
    expect(printed).toEqual(
      CLIENT_COMMANDS.map((command) => [command, ...byVersion.map((version) => REQUIRED_HEADERS[command][version])]),
    )
  })

  it('prints the commands that are legal in each state', () => {
    const { rows } = table('State', 'Frames')
    expect(Object.fromEntries(rows.map(([state, frames]) => [state, words(frames)]))).toEqual(LEGAL_COMMANDS)
  })

  it('prints every limit and its default', () => {
    const { rows } = table('Option', 'Default')
    const printed = Object.fromEntries(
      rows.map(([option = '', value]) => [option.replaceAll('`', ''), numberIn(value)]),
    )
    const { maxMessages, maxBytes, backlogBytes } = policyFor('/queue/any', [])
    const limits = Object.entries(settingsOf({}).limits).map(([name, value]) => [`limits.${name}`, value])
    expect(printed).toEqual({
      ...Object.fromEntries(limits),
      'destinations[].maxMessages': maxMessages,
      'destinations[].maxBytes': maxBytes,
      'destinations[].backlogBytes': backlogBytes,
    })
  })

  it('says of every error code what leads to it', () => {
    const said = tables.flatMap(({ rows }) => rows.flat()).join(' ')
    expect(ERROR_CODES.filter((code) => !said.includes(`\`${code}\``))).toEqual([])
  })

  it("names the broker's own headers, all of them", () => {
    const [, printed = ''] = /broker's own are never a producer's: ([^|]*) \|/.exec(document) ?? []
    const names = [...printed.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)
    expect(new Set(names)).toEqual(BROKER_OWNED)
  })
})

/** The sections of STOMP 1.2, from STOMP Frames on. */
const SECTIONS = [
  'STOMP Frames',
  'Value Encoding',
  'Body',
  'Standard Headers',
  'Header content-length',
  'Header content-type',
  'Header receipt',
  'Repeated Header Entries',
  'Size Limits',
  'Connection Lingering',
  'Connecting',
  'CONNECT or STOMP Frame',
  'CONNECTED Frame',
  'Protocol Negotiation',
  'Heart-beating',
  'Client Frames',
  'SEND',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'ACK',
  'NACK',
  'BEGIN',
  'COMMIT',
  'ABORT',
  'DISCONNECT',
  'Server Frames',
  'MESSAGE',
  'RECEIPT',
  'ERROR',
  'Frames and Headers',
  'Augmented BNF',
]
