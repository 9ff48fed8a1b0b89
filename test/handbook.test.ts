/** The handbook and what it speaks of agree: the doctor's rules, the kernel's settings, configurations, options and commands. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROWS } from '../packages/bench/src/rows.js'
import { documentOf } from '../packages/cli/src/config/document.js'
import type { ListenerConfig } from '../packages/cli/src/config/listener.js'
import { check } from '../packages/cli/src/config/problems.js'
import { resolved, type Schema, schema } from '../packages/cli/src/config/schema.js'
import { RULES } from '../packages/cli/src/doctor/rules.js'
import { run } from '../packages/cli/src/program.js'
import { testStreams } from './cli/streams.js'
import { root } from './support/sources.js'

const FOLDER = join(root, 'docs/handbook')
const chapters = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }))
const scaling = textOf('scaling.md')

function textOf(name: string): string {
  return readFileSync(join(FOLDER, name), 'utf8')
}

/** All fenced blocks in a language. */
function blocksIn(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, is, block = '']) =>
    is === language ? [block] : [],
  )
}

/** Each command line of xtomp in a chapter, in a block or in ticks: its words from the command's name on. */
function commandsIn(text: string): string[][] {
  const code = text.match(/^```.*?^```$|`[^`\n]+`/gms) ?? []
  const lines = code.flatMap((part) => part.replaceAll('`', '').split('\n'))
  return lines
    .flatMap((line) => /\bxtomp ((?:bench|check|doctor|pub|serve|sub)\b.*)/.exec(line)?.[1] ?? [])
    .map((line) => line.split(/\s+/))
}

const commands = chapters.flatMap(({ text }) => commandsIn(text))

/** What has a help of its own: `bench hold`, or `doctor`. */
function nameOf([command = '', workload = '']: readonly string[]): string {
  return command === 'bench' && /^[a-z]+$/.test(workload) ? `bench ${workload}` : command
}

/** The options of a command, each by the line of its help that explains it: examples may be out of date. */
async function optionsOf(command: string): Promise<string[]> {
  return (await helpOf(command)).match(/(?<=^ {2}(?:-\w, )?)--[a-z-]+/gm) ?? []
}

async function helpOf(command: string): Promise<string> {
  const streams = testStreams()
  await run([...command.split(' '), '--help'], { streams, stop: () => new AbortController().signal })
  return streams.stdout.text
}

/** The commands in a help. */
function namesIn(help: string): string[] {
  return [...(help.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name)
}

/** What stands in ticks in all chapters, outside of programs. */
const words = chapters.flatMap(({ text }) =>
  [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word),
)

/** `--connections` in `--connections 5`. */
const FLAG = /(?<![\w-])--[a-z][a-z-]*/g
/** `listeners[].backlog`, `limits.totalBytes`, and either with a value behind it. */
const DOTTED = /^((?:listeners\[\]|destinations\[\]|broker|limits|heartBeat)(?:\.\w+)+)(?:: .*)?$/
/** `keepAliveMs`, and `proxy` and `trust` in `proxy: { trust: [unix] }`. */
const CAMEL_OR_KEY = /(?<![\w-])[a-z]+(?:[A-Z][a-z]*)+\b(?!\()|(?<![\w-])[a-z][A-Za-z]*(?=: [[{\w])/g

/** Settings of a configuration below a part of it, as the handbook writes them: `listeners[].port`. */
function settingsBelow(part: Schema, path: string): string[] {
  const { properties = {}, items, anyOf = [] } = resolved(part)
  const here = Object.entries(properties).flatMap(([name, value]) => {
    const inside = path === '' ? name : `${path}.${name}`
    return [inside, ...settingsBelow(value, inside)]
  })
  const others = anyOf.flatMap((choice) => settingsBelow(choice, path))
  return [...here, ...others, ...(items === undefined ? [] : settingsBelow(items, `${path}[]`))]
}

const settings = new Set(settingsBelow(schema, ''))
/** The same by their last name. */
const lastNames = new Set([...settings].map((path) => path.split('.').at(-1)))

/** Names in our manner that are another program's, or a function's. */
const OF_OTHERS = {
  Node: ['localAddress', 'monitorEventLoopDelay', '--max-old-space-size', '--max-semi-space-size'],
  '@stomp/stompjs': ['reconnectDelay', 'beforeConnect'],
  Docker: ['--memory', '--memory-swap', '--network', '--pids-limit', '--stop-timeout', '--sysctl', '--ulimit'],
  Kubernetes: ['podPidsLimit', 'readinessProbe', 'terminationGracePeriodSeconds', 'resources.limits.memory'],
  Linux: ['limits.conf'],
}

const others = Object.values(OF_OTHERS).flat()

describe('the chapter on scaling', () => {
  const rows = scaling.split('\n| Rule |')[1]?.split('\n\n')[0]?.split('\n').slice(2) ?? []

  test("has a row for each of the doctor's rules, by its name and in its order", () => {
    expect(rows.map((row) => /^\| `(.+?)` \|/.exec(row)?.[1])).toEqual(RULES.map(({ name }) => name))
  })

  test('says of each what it bounds, what it is by default and what to do', () => {
    expect(rows.filter((row) => !/^(\|[^|]+){2}\|[^|]*\|[^|]{5,}\|$/.test(row))).toEqual([])
  })

  test('sets no variable of the kernel that no rule looks at', () => {
    const lines = blocksIn(scaling, 'ini').flatMap((block) => block.match(/^[\w.-]+(?= = )/gm) ?? [])
    const seen = RULES.flatMap(({ seenIn }) => seenIn.split(' '))
    const unseen = lines.filter((name) => !seen.includes(`/proc/sys/${name.replaceAll('.', '/')}`))
    expect(unseen).toEqual([])
    expect(lines.length).toBeGreaterThan(3)
  })
})

describe('the handbook', () => {
  test('names every chapter among its contents', () => {
    const contents = textOf('README.md')
    const unnamed = chapters.filter(({ name }) => name !== 'README.md' && !contents.includes(`](${name})`))
    expect(unnamed.map(({ name }) => name)).toEqual([])
  })

  test('has configurations that the command takes', () => {
    const configurations = chapters.flatMap(({ text }) => blocksIn(text, 'yaml'))
    expect(configurations.flatMap((text) => check(documentOf(text, 'yaml')).problems)).toEqual([])
    expect(configurations.length).toBeGreaterThan(3)
  })

  test('has a door that answers /health in each configuration that names its doors', () => {
    const texts = chapters.flatMap(({ text }) => blocksIn(text, 'yaml'))
    const named = texts.flatMap((text) => {
      const doors = check(documentOf(text, 'yaml')).config?.listeners
      return doors === undefined ? [] : [doors]
    })
    expect(named.length).toBeGreaterThan(1)
    const isWatched = ({ transport, health }: ListenerConfig): boolean => transport === 'mux' && health !== false
    expect(named.filter((doors) => !doors.some(isWatched))).toEqual([])
  })

  const names = [...new Set(commands.map(nameOf))].sort()

  test.each(names)('gives xtomp %s only options that it has', async (command) => {
    const known = await optionsOf(command)
    const given = commands
      .filter((words) => nameOf(words) === command)
      .flatMap((words) => words.flatMap((word) => /^--[a-z-]+/.exec(word) ?? []))
    expect(known).toContain('--help')
    expect(given.filter((option) => !known.includes(option))).toEqual([])
  })

  test('names only options of commands that there are, where no command stands before them', async () => {
    const workloads = namesIn(await helpOf('bench')).map((name) => `bench ${name}`)
    const all = [...namesIn(await helpOf('')), ...workloads].filter((name) => !/\bhelp$/.test(name))
    const known = new Set([...(await Promise.all(all.map(optionsOf))).flat(), ...others])
    const named = words.filter((word) => !/^(xtomp|pnpm|openssl) /.test(word)).flatMap((word) => word.match(FLAG) ?? [])
    expect(named.filter((option) => !known.has(option))).toEqual([])
    expect(named.length).toBeGreaterThan(10)
  })

  test('names only settings that a configuration has', () => {
    const named = words.flatMap((word) => (others.includes(word) ? [] : (DOTTED.exec(word)?.[1] ?? [])))
    expect(named.filter((path) => !settings.has(path) && !settings.has(`broker.${path}`))).toEqual([])
    expect(named.length).toBeGreaterThan(20)
    const single = words.flatMap((word) => (word.includes('.') ? [] : (word.match(CAMEL_OR_KEY) ?? [])))
    expect(single.filter((name) => !lastNames.has(name) && !others.includes(name))).toEqual([])
    expect(single.length).toBeGreaterThan(15)
  })

  test('names rows that `pnpm compare` has', () => {
    const rows = words.flatMap((word) => /^pnpm compare --rows (\S+)$/.exec(word)?.[1]?.split(',') ?? [])
    expect(rows.filter((name) => !ROWS.some((row) => row.name === name))).toEqual([])
    expect(rows.length).toBeGreaterThan(5)
  })

  test('counts nothing as a name of others that it does not name', () => {
    const named = words.flatMap((word) => [word, ...(word.match(FLAG) ?? []), ...(word.match(CAMEL_OR_KEY) ?? [])])
    expect(others.filter((name) => !named.includes(name))).toEqual([])
  })
})
