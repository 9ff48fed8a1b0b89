/** A TCP or UNIX door for a broker. */

import { createServer, type Server, type Socket } from 'node:net'
import { type Broker, type Door, StompError } from '@xtomp/core'
import { connect, type SocketConnection, type SocketOptions } from './socket-connection.js'

/** Where to listen, and how. */
export interface ListenOptions {
  /** The TCP port; 0 for any that is free. @defaultValue 61613 */
  readonly port?: number
  /** The address to bind. @defaultValue '127.0.0.1' */
  readonly host?: string
  /** A UNIX socket's path, instead of a port. */
  readonly path?: string
  /** How many connections may wait to be accepted. @defaultValue 4,096, as far as the system allows */
  readonly backlog?: number
  /** How many connections there may be; one more gets an ERROR `connections-too-many`. @defaultValue no limit */
  readonly maxConnections?: number
  /** How long a peer may keep a closing connection, in milliseconds. @defaultValue 2,000 */
  readonly lingerMs?: number
}

/** An open door. */
export interface Listener {
  /** The port, where it listens on TCP. */
  readonly port: number | undefined
  /** The address that it is bound to, or the UNIX socket's path. */
  readonly address: string
  /** How many connections there are. */
  readonly connections: number
  /**
   * Stops accepting, ends the sessions that came through this door with an ERROR `broker-closing`, and resolves when
   * every connection, timer and the listening socket itself is gone.
   */
  close(): Promise<void>
}

const KEEP_ALIVE_MS = 60_000
const DEFAULTS = { port: 61613, host: '127.0.0.1', backlog: 4096, lingerMs: 2_000 }

/**
 * Opens a TCP port or a UNIX socket, and hands what connects to the broker. `broker.close()` closes it.
 *
 * @example
 * const listener = await listen(broker, { port: 61613 })
 * @throws Error as Node's `server.listen` does: `EADDRINUSE`, `EACCES`
 */
export async function listen(broker: Broker, options: ListenOptions = {}): Promise<Listener> {
  const door = new TcpListener(broker, options)
  await door.open()
  return door
}

class TcpListener implements Listener, Door {
  readonly #broker: Broker
  readonly #options: ListenOptions
  readonly #server: Server
  readonly #sockets: SocketOptions
  readonly #connections = new Set<SocketConnection>()
  #forget: (() => void) | undefined
  #stopped: Promise<void> | undefined
  #port: number | undefined
  #address = ''

  constructor(broker: Broker, options: ListenOptions) {
    this.#broker = broker
    this.#options = options
    const { path, lingerMs = DEFAULTS.lingerMs } = options
    const closed = (connection: SocketConnection): boolean => this.#connections.delete(connection)
    this.#sockets = { transport: path === undefined ? 'tcp' : 'unix', lingerMs, closed }
    // Half-open: a client that has sent all it has, such as nc, still gets its answers.
    const server = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
    this.#server = createServer(server, (socket) => this.#accept(socket))
  }

  get port(): number | undefined {
    return this.#port
  }

  get address(): string {
    return this.#address
  }

  get connections(): number {
    return this.#connections.size
  }

  async open(): Promise<void> {
    const { port = DEFAULTS.port, host = DEFAULTS.host, path, backlog = DEFAULTS.backlog } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path === undefined ? { port, host, backlog } : { path, backlog }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    const bound = this.#server.address()
    if (typeof bound === 'string') this.#address = bound
    else if (bound !== null) {
      this.#port = bound.port
      this.#address = bound.address
    }
    this.#forget = this.#broker.addDoor(this)
  }

  stop(): void {
    // Node calls back when the last connection is gone.
    this.#stopped ??= new Promise((resolve) => this.#server.close(() => resolve()))
  }

  async close(): Promise<void> {
    this.stop()
    for (const { inbound } of this.#connections)
      inbound?.refuse(new StompError('broker-closing', 'this door is closing; connect again later'))
    await this.#stopped
    this.#forget?.()
  }

  #accept(socket: Socket): void {
    const { maxConnections = Number.POSITIVE_INFINITY } = this.#options
    const connection = connect(this.#broker, socket, this.#sockets)
    this.#connections.add(connection)
    if (this.#connections.size <= maxConnections) return
    const text = `this door takes ${maxConnections} connections, and has them (option maxConnections)`
    connection.inbound?.refuse(new StompError('connections-too-many', text))
  }
}
