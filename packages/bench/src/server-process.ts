/** The servers under measurement, each a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ProbeRequest } from './probe.js'
import { tlsFile } from './tls-file.js'

/**
 * The bare `net` server; `xtomp serve` at default options but for the port for the web; the same with no log, so that nobody hears of any event; that of
 * another checkout, built, in the folder that the variable CHECKOUT names; or a broker with room for a million messages. Behind TLS: the bare server made of `tls`, and a broker with a TLS door.
 * Over WebSocket: a bare `ws` server, and a broker with a door for it.
 */
export type ServerKind = 'bare' | 'xtomp' | 'silent' | 'checkout' | 'roomy' | 'bare-tls' | 'tls' | 'bare-ws' | 'ws'

/** A server that listens. */
export interface RunningServer {
  readonly kind: ServerKind
  readonly pid: number
  readonly port: number
  /** Collects its garbage; only with a probe. */
  collect(): Promise<void>
  /** Writes its heap into a file; only with a probe. */
  snapshot(file: string): Promise<void>
  /** For how many milliseconds its loop was held at most since this was last asked; only with a probe. */
  longestTurn(): Promise<number>
  /** Ends it, at once. */
  stop(): Promise<void>
}

const beside = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

const COMMANDS: Readonly<Record<ServerKind, (port: string) => string[]>> = {
  bare: (port) => [beside('./bare-server.js'), port],
  xtomp: (port) => [beside('../../cli/bin/xtomp.js'), 'serve', '--port', port, '--web-port', 'off'],
  silent: (port) => [...COMMANDS.xtomp(port), '--log-level', 'silent'],
  checkout: (port) => [
    resolve(process.env.CHECKOUT ?? '', 'packages/cli/bin/xtomp.js'),
    ...['serve', '--port', port, '--web-port', 'off', '--log-level', 'silent'],
  ],
  roomy: (port) => [beside('./roomy-server.js'), port],
  'bare-tls': (port) => [beside('./bare-server.js'), port, tlsFile()],
  tls: (port) => [beside('./tls-server.js'), port, tlsFile()],
  'bare-ws': (port) => [beside('./bare-ws-server.js'), port],
  ws: (port) => [beside('./ws-server.js'), port],
}

/** The kind of this name. @throws Error that lists those that there are */
export function serverNamed(name: string): ServerKind {
  if (Object.hasOwn(COMMANDS, name)) return name as ServerKind
  throw new Error(`there is no server ${name}; there are ${Object.keys(COMMANDS).join(', ')}`)
}

/** Starts a server on a free loopback port; with a probe where its garbage or heap is wanted. */
export async function startServer(kind: ServerKind, { probe = false } = {}): Promise<RunningServer> {
  const port = await freePort()
  const nodeOptions = probe ? ['--expose-gc', '--import', beside('./probe.js')] : []
  const child = spawn(process.execPath, [...nodeOptions, ...COMMANDS[kind](String(port))], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const stop = (): boolean => child.kill('SIGKILL')
  process.once('exit', stop)
  child.once('exit', () => process.off('exit', stop))
  await listening(child, kind)
  return new ServerProcess(kind, port, child)
}

class ServerProcess implements RunningServer {
  readonly kind: ServerKind
  readonly port: number
  readonly pid: number
  readonly #child: ChildProcess

  constructor(kind: ServerKind, port: number, child: ChildProcess) {
    this.kind = kind
    this.port = port
    this.pid = child.pid ?? 0
    this.#child = child
  }

  async collect(): Promise<void> {
    await this.#ask({ collect: true })
  }

  async snapshot(file: string): Promise<void> {
    await this.#ask({ snapshot: file })
  }

  async longestTurn(): Promise<number> {
    return Number(await this.#ask({ longestTurn: true }))
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  async #ask(request: ProbeRequest): Promise<unknown> {
    const done = once(this.#child, 'message')
    this.#child.send(request)
    const [answer] = await done
    return answer
  }
}

/** Resolves at the first line of output: every server says when its door is open. */
async function listening(child: ChildProcess, kind: ServerKind): Promise<void> {
  const { stdout } = child
  if (stdout === null) throw new TypeError('the output of a server is a pipe')
  const ended = new AbortController()
  child.once('exit', () => ended.abort())
  try {
    await once(stdout, 'data', { signal: ended.signal })
  } catch (cause) {
    throw new Error(`the ${kind} server ended before it listened; is everything built?`, { cause })
  }
  stdout.resume()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return address.port
}
