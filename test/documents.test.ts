/** What the documents say is so: their programs run and print what they say, and their links lead somewhere. */

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultsOf } from './support/compiled.js'
import { examplesIn, missingFor, programsIn, Reader, RunningProgram, typedProgramsIn } from './support/programs.js'
import { packages, root, sourcesIn } from './support/sources.js'

const TIMEOUT_MS = 20_000
const COMPILE_TIMEOUT_MS = 60_000
const FIRST_SCREEN_LINES = 40

const documents = ['README.md', ...['packages', 'docs', 'examples'].flatMap((folder) => documentsBelow(folder))]

function documentsBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return ['node_modules', 'dist', 'api'].includes(entry.name) ? [] : documentsBelow(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

function textOf(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(document: string): string[] {
  const prose = textOf(document).replaceAll(/^```.*?^```$/gms, '')
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe.each(documents)('%s', (document) => {
  const programs = programsIn(document)
  let reader: Reader

  beforeAll(async () => {
    reader = await Reader.create(document)
  })

  afterAll(() => reader.close())

  it.each(programs)('has a program, number $name, that does what it says', { timeout: TIMEOUT_MS }, async (program) => {
    const missing = missingFor(program)
    if (missing !== undefined) return expect(process.env.XTOMP_REQUIRE_INTEROP, missing).not.toBe('1')
    const running = reader.start(program)
    // A shell's program is over when it has ended; others may serve until they are stopped.
    if (program.output === undefined || program.language === 'sh') await running.ends()
    if (program.output !== undefined) await running.prints(program.output)
  })

  it('links to files that exist', () => {
    const links = [...textOf(document).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link]) => link as string)
    expect(links.filter((link) => !existsSync(resolve(root, dirname(document), link)))).toEqual([])
  })

  it('links to headings that there are', () => {
    const links = [...textOf(document).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)]
    const broken = links.filter(([, path = '', anchor = '']) => {
      const target = path === '' ? document : relative(root, resolve(root, dirname(document), path))
      return target.endsWith('.md') && !anchorsOf(target).includes(anchor)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })
})

describe('all documents', () => {
  it('have programs in TypeScript that compile, strictly', { timeout: COMPILE_TIMEOUT_MS }, () => {
    const programs = documents.flatMap(typedProgramsIn)
    expect(programs).not.toHaveLength(0)
    expect(faultsOf(programs)).toEqual([])
  })
})

describe('the examples in doc comments', () => {
  const sources = packages.flatMap((name) => sourcesIn(`packages/${name}/src`))
  const examples = sources.flatMap(examplesIn)
  let reader: Reader

  beforeAll(async () => {
    reader = await Reader.create('doc comments')
  })

  afterAll(() => reader.close())

  it('are all found, and compile, strictly', { timeout: COMPILE_TIMEOUT_MS }, () => {
    const tags = sources.flatMap(({ text }) => text.match(/^ *\*.*@example\b/gm) ?? [])
    expect(examples).toHaveLength(tags.length)
    expect(examples).not.toHaveLength(0)
    expect(faultsOf(examples)).toEqual([])
  })

  it.each(examples)('$document, line $line, runs to its end', { timeout: TIMEOUT_MS }, async ({ text }) => {
    await reader.start({ name: 'example', language: 'js', text, output: undefined }).ends()
  })
})

describe('the README', () => {
  it('has its two commands, and a program with its output, in the first screen', () => {
    const screen = textOf('README.md').split('\n').slice(0, FIRST_SCREEN_LINES).join('\n')
    for (const wanted of ['npm start', 'npm test', 'createBroker', '```text']) expect(screen).toContain(wanted)
  })

  it('has clients whose orders reach its first program', { timeout: TIMEOUT_MS }, async () => {
    const [first, ...others] = programsIn('README.md')
    if (first?.output === undefined) throw new Error('the first program prints nothing')
    const clients = others.filter(({ text }) => text.includes('61613') && !text.includes('createBroker'))
    expect(clients.map(({ language }) => language)).toEqual(['sh', 'python', 'js'])
    const reader = await Reader.create('the README')
    try {
      const broker = reader.start(first)
      await broker.prints(first.output)
      for (const client of clients.filter((client) => missingFor(client) === undefined)) {
        await reader.start(client).ends()
        await broker.prints(`to do: { order: ${/"order":(\d+)/.exec(client.text)?.[1]} }\n`)
      }
    } finally {
      await reader.close()
    }
  })
})

describe('examples', () => {
  const files = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.js'))

  it.each(files)('%s runs to its end, and shows something', { timeout: TIMEOUT_MS }, async (name) => {
    const program = new RunningProgram(spawn(process.execPath, [join(root, 'examples', name)]))
    expect(await program.ends()).not.toBe('')
  })

  it.each(files)('%s is named in the README', (name) => {
    expect(textOf('README.md')).toContain(`(examples/${name})`)
  })
})
