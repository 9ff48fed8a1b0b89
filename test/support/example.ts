/** A program of examples/ that serves, run as its first lines say, and used from outside. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { ClientOptions } from 'ws'
import { dialWebSocket } from './dial-web-socket.js'
import { RunningProgram } from './programs.js'
import { root } from './sources.js'
import { WireClient } from './wire-client.js'

/** One that was started. */
export class Example {
  readonly url: string
  readonly #program: RunningProgram
  readonly #clients: WireClient[] = []

  private constructor(program: RunningProgram, url: string) {
    this.#program = program
    this.url = url
  }

  /** Starts one, and resolves when it has said where it is. Its port is whichever is free, if it is not told. */
  static async start(path: string, variables: Readonly<Record<string, string>> = {}): Promise<Example> {
    const loader = path.endsWith('.ts') ? ['--import', 'tsx'] : []
    const program = new RunningProgram(
      spawn(process.execPath, [...loader, join('examples', path)], {
        cwd: root,
        env: { ...process.env, PORT: '0', ...variables },
      }),
    )
    await program.prints('http://')
    const [url = ''] = /http:\S+/.exec(program.output) ?? []
    return new Example(program, url)
  }

  /** What it has printed. */
  get output(): string {
    return this.#program.output
  }

  /** Resolves when it has printed this. */
  prints(text: string): Promise<void> {
    return this.#program.prints(text)
  }

  /** Sends JSON. */
  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  }

  /** A STOMP client that has said nothing yet. */
  async client(path: string, options: ClientOptions = {}): Promise<WireClient> {
    const client = await WireClient.dial(dialWebSocket(`${this.url.replace('http', 'ws')}${path}`, options))
    this.#clients.push(client)
    return client
  }

  /** One that is connected. */
  async connected(path: string, options?: ClientOptions): Promise<WireClient> {
    const client = await this.client(path, options)
    await client.connect()
    return client
  }

  /** Tells it to end, as whoever runs it does. */
  terminate(): void {
    this.#program.signal('SIGTERM')
  }

  /** Resolves when it has ended, with its exit code or the signal. */
  exit(): Promise<number | NodeJS.Signals | null> {
    return this.#program.exit()
  }

  /** Ends it, whatever it is at. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.abort()
    await this.#program.stop()
  }
}
