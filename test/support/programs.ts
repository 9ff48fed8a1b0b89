/** The programs in a document, run as a reader would run them: one after the other, each as it is printed. */

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { root } from './sources.js'

/** A fenced block that can be run. */
export interface Program {
  /** Its place in the document, and its language. */
  readonly name: string
  readonly language: 'js' | 'python' | 'sh' | 'ts'
  readonly text: string
  /** What the `text` block right behind it says that it prints. */
  readonly output: string | undefined
}

/** The port that documents use; a test takes a free one instead. */
const PORT = /61613/g
/** Shell that talks to a broker, or runs the command in any other way that ends by itself. */
const TALKS = /\b(nc|xtomp (bench|check|doctor|passcode|pub|sub)) /
const LANGUAGES: readonly string[] = ['js', 'python', 'sh', 'ts']

const VITEST = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const JEST = join(root, 'test', 'node_modules', 'jest', 'bin', 'jest.js')

/** A program in TypeScript: it must compile, whether it is run or not. */
export interface TypedProgram {
  readonly document: string
  /** The line of the document at which it begins, from 0. */
  readonly line: number
  readonly text: string
}

/** All programs of a document that are written in TypeScript. */
export function typedProgramsIn(document: string): TypedProgram[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((block) => ({
    document,
    line: text.slice(0, block.index).split('\n').length,
    text: block[1] as string,
  }))
}

/** The examples in the doc comments of a source: each is a whole program, in TypeScript that is JavaScript, too. */
export function examplesIn({ path, text }: { readonly path: string; readonly text: string }): TypedProgram[] {
  return [...text.matchAll(/^ *\* @example\n((?:^ *\*(?!\/| @).*\n)*)/gm)].map((example) => {
    const lines = (example[1] as string).replaceAll(/^ *\* ?/gm, '')
    const program = /^```ts\n(.*?)^```$/ms.exec(lines)?.[1]
    const line = text.slice(0, example.index).split('\n').length + 1
    if (program === undefined) throw new Error(`${path}:${line}: an example is a block of ts`)
    return { document: path, line, text: program }
  })
}

/**
 * All programs of a document that can be run, in order. Of shell blocks, those that talk to a broker or check: the
 * others are commands to know. Of those in TypeScript, tests for vitest, which reads them as they are.
 */
export function programsIn(document: string): Program[] {
  const text = readFileSync(join(root, document), 'utf8')
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?/gms)]
  return blocks.flatMap(([, language = '', program = '', output], at) => {
    if (!LANGUAGES.includes(language) || (language === 'sh' && !TALKS.test(program))) return []
    if (language === 'ts' && !isForVitest(program)) return []
    return [{ name: `${at + 1} (${language})`, language: language as Program['language'], text: program, output }]
  })
}

/** What a program needs that is not there, as a reason to leave it out; undefined where nothing is missing. */
export function missingFor({ language, text }: Program): string | undefined {
  if (language === 'python' && pythonFor(text) === undefined) return 'needs stomp.py'
  if (language === 'sh' && !works('sh', ['-c', 'command -v nc'])) return 'needs nc'
  return undefined
}

/** Whether it is a file of tests for vitest; those for `node:test` are programs as others. */
function isForVitest(text: string): boolean {
  return /from 'vitest'$/m.test(text)
}

/** Whether it is a file of tests for jest. */
function isForJest(text: string): boolean {
  return text.includes("'@jest/globals'")
}

function suffixOf({ language, text }: Pick<Program, 'language' | 'text'>): string {
  const suffix = { js: 'mjs', python: 'py', sh: 'sh', ts: 'ts' }[language]
  if (isForVitest(text)) return `test.${suffix}`
  if (language !== 'js') return suffix
  const kind = /\brequire\('/.test(text) ? 'cjs' : 'mjs'
  return isForJest(text) ? `test.${kind}` : kind
}

/** The Python that has what a program imports first. */
export function pythonFor(text: string): string | undefined {
  const imports = /^import \w+/m.exec(text)?.[0] ?? ''
  return firstThatWorks(['python3', '/usr/bin/python3'], ['-c', imports])
}

/** The first command that can do it: Debian's packages are for Debian's interpreters, which need not come first. */
export function firstThatWorks(commands: readonly string[], args: readonly string[]): string | undefined {
  return commands.find((command) => works(command, args))
}

function works(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** One reader: a folder for the programs, a port, and the programs that are still running. */
export class Reader {
  readonly #folder: string
  readonly #port: number
  readonly #running: RunningProgram[] = []
  #written = 0

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.#port = port
  }

  static async create(name: string): Promise<Reader> {
    // Below test/, so that programs find the clients that the tests have.
    const folder = join(root, 'test', 'node_modules', '.programs', name.replaceAll('/', '-'))
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    return new Reader(folder, await freePort())
  }

  /** Starts a program, as it is printed but for the port. */
  start({ language, text }: Program): RunningProgram {
    const file = join(this.#folder, `${++this.#written}.${suffixOf({ language, text })}`)
    writeFileSync(file, text.replace(PORT, String(this.#port)))
    const command = language === 'python' ? (pythonFor(text) ?? 'python3') : language === 'sh' ? 'sh' : process.execPath
    const args = isForVitest(text)
      ? [VITEST, 'run', '--config', this.#vitestConfig(), file]
      : isForJest(text)
        ? [
            JEST,
            '--config',
            JSON.stringify({ rootDir: this.#folder, testPathIgnorePatterns: [] }),
            '--runTestsByPath',
            file,
          ]
        : [file]
    // A reader has installed the command.
    const env = { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) }
    const options: SpawnOptions = { cwd: this.#folder, env, stdio: ['ignore', 'pipe', 'pipe'] }
    const running = new RunningProgram(spawn(command, args, options), this.#port)
    this.#running.push(running)
    return running
  }

  /** What a reader who has vitest needs no word for: that his files are where they are. */
  #vitestConfig(): string {
    const file = join(this.#folder, 'vitest.config.mjs')
    const options = { root: this.#folder, include: ['*.test.*'], exclude: [], server: { deps: { inline: true } } }
    writeFileSync(file, `export default ${JSON.stringify({ test: options })}\n`)
    return file
  }

  /** Ends what is still running. */
  async close(): Promise<void> {
    for (const running of this.#running) await running.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A program that was started. */
export class RunningProgram {
  readonly #child: ChildProcess
  readonly #port: number
  readonly #exit: Promise<unknown>
  #output = ''
  #errors = ''

  constructor(child: ChildProcess, port = 0) {
    this.#child = child
    this.#port = port
    this.#exit = once(child, 'close')
    child.stdout?.on('data', (text) => {
      this.#output += text
    })
    child.stderr?.on('data', (text) => {
      this.#errors += text
    })
  }

  /** Resolves when all of `text` has been printed, whatever stands around it. */
  async prints(text: string): Promise<void> {
    const wanted = text.replace(PORT, String(this.#port))
    while (!this.#output.includes(wanted)) {
      if (this.#hasEnded) throw new Error(`it ended and did not print ${wanted}\n${this.#said}`)
      await Promise.race([once(this.#child.stdout as NodeJS.ReadableStream, 'data'), this.#exit])
    }
  }

  /** What it has printed. */
  get output(): string {
    return this.#output
  }

  /** What it has printed as errors. */
  get errors(): string {
    return this.#errors
  }

  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves when it has ended, with its exit code, or the signal that ended it. */
  async exit(): Promise<number | NodeJS.Signals | null> {
    await this.#exit
    return this.#child.exitCode ?? this.#child.signalCode
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Resolves when it has ended well, with what it printed. */
  async ends(): Promise<string> {
    await this.#exit
    if (this.#child.exitCode !== 0) throw new Error(`it ended with ${this.#child.exitCode}\n${this.#said}`)
    return this.#output
  }

  async stop(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL')
    await this.#exit
  }

  get #said(): string {
    return `it printed:\n${this.#output}\n${this.#errors}`
  }
}

/** Below those that a system gives to connections, one of which could have the port before it is listened at. */
const PORTS = { from: 10_000, to: 30_000 }

/** A port that nobody listens at, nor at the one after it: `xtomp serve` opens both. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to)
    if ((await isFree(port)) && (await isFree(port + 1))) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
