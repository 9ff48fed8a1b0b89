/** Programs in TypeScript, built from the sources as tests are, each run in a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'tsup'
import { root } from './sources.js'

/** A program that was built, until it is removed. */
export interface Program {
  /** Starts it, with the arguments given. */
  start(...args: readonly string[]): Child
  /** Ends whatever was started and runs, and removes the program. */
  remove(): Promise<void>
}

/** Builds a program whose source is at this path, from the root of the repository. */
export async function buildProgram(path: string): Promise<Program> {
  const parent = join(root, 'test', 'node_modules', '.programs')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'child-'))
  await build({
    entry: { program: join(root, path) },
    tsconfig: join(root, 'tsconfig.json'),
    outDir: folder,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    target: 'node20',
    noExternal: [/^@xtomp/, 'eventemitter3'],
    // It asks for modules of Node's as they come to it, which one built into a module cannot.
    external: ['ws'],
    config: false,
    silent: true,
  })
  const children = new Set<Child>()
  return {
    start: (...args) => {
      const child = new Child(spawn(process.execPath, [join(folder, 'program.mjs'), ...args], { stdio: STDIO }))
      children.add(child)
      void child.ended.then(() => children.delete(child))
      return child
    },
    remove: async () => {
      await Promise.all([...children].map((child) => child.kill()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const STDIO: ('pipe' | 'inherit' | 'ipc')[] = ['pipe', 'pipe', 'inherit', 'ipc']

/** A program that runs: it says what it has to say in lines, and ends when its input does. */
export class Child {
  /** Resolves with its exit code when it is gone and all that it wrote has been read; undefined where it was killed. */
  readonly ended: Promise<number | undefined>
  readonly #process: ChildProcess
  #isKilled = false
  #line: ((line: string) => void) | undefined
  #rest = ''

  constructor(process: ChildProcess) {
    this.#process = process
    this.ended = once(process, 'close').then(([code]) => (code as number | null) ?? undefined)
    process.stdout?.setEncoding('latin1').on('data', (text: string) => this.#read(text))
  }

  /** Whether it was sent SIGKILL. */
  get isKilled(): boolean {
    return this.#isKilled
  }

  /** Hands each whole line to `line`; the last one of a killed program may not be whole, and is not handed over. */
  onLine(line: (line: string) => void): this {
    this.#line = line
    return this
  }

  /** Sends it a message, and resolves with the next that comes from it. */
  async ask(message: string): Promise<unknown> {
    const answer = once(this.#process, 'message')
    this.#process.send(message)
    const [answered] = (await answer) as [unknown]
    return answered
  }

  /** Tells it to end: its input does. */
  finish(): Promise<number | undefined> {
    this.#process.stdin?.end()
    return this.ended
  }

  /** Ends it at once, as `kill -9` does. */
  kill(): Promise<unknown> {
    this.#isKilled = true
    this.#process.kill('SIGKILL')
    return this.ended
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line?.(line)
  }
}
