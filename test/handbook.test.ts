/** The handbook and what it speaks of agree: the doctor's rules, the kernel's settings, configurations, and commands. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { documentOf } from '../packages/cli/src/config/document.js'
import { check } from '../packages/cli/src/config/problems.js'
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

  const names = [...new Set(commands.map(nameOf))].sort()

  test.each(names)('gives xtomp %s only options that it has', async (command) => {
    const streams = testStreams()
    await run([...command.split(' '), '--help'], { streams, stop: () => new AbortController().signal })
    const known: string[] = streams.stdout.text.match(/(?<= )--[a-z-]+/g) ?? []
    const given = commands
      .filter((words) => nameOf(words) === command)
      .flatMap((words) => words.flatMap((word) => /^--[a-z-]+/.exec(word) ?? []))
    expect(known).toContain('--help')
    expect(given.filter((option) => !known.includes(option))).toEqual([])
  })
})
