/** A door made of a server whose connections are sockets: what TCP, UNIX and TLS sockets have in common. */

import type { Server, Socket } from 'node:net'
import { type Broker, type Door, StompError } from '@xtomp/core'
import { bind } from './bind.js'
import { Connections } from './connections.js'
import { Departures } from './departures.js'
import type { ListenSettings } from './options.js'
import { tellFaults } from './server-faults.js'
import { connect, type SocketConnection, type SocketOptions, type SocketSettings } from './socket-connection.js'

/** An open door. */
export interface Listener {
  /** The port, where it listens on TCP. */
  readonly port: number | undefined
  /** The address that it is bound to, or the UNIX socket's path. */
  readonly address: string
  /** How many connections it has taken and not lost; those that it turned away do not count. */
  readonly connections: number
  /**
   * Stops accepting, ends the sessions that came through this door with an ERROR `broker-closing`, and resolves when
   * every connection, timer and the listening socket itself is gone. The broker stays as it is; its other doors, too.
   */
  close(): Promise<void>
}

/** How a door is to be, and its sockets. */
export interface SocketDoorSettings extends ListenSettings, SocketSettings {}

/** Hands the sockets of a server to a broker, and is closed with it. */
export class SocketDoor implements Listener, Door {
  readonly #broker: Broker
  readonly #server: Server
  readonly #settings: SocketDoorSettings
  #sockets: SocketOptions
  readonly #connections: Connections<SocketConnection>
  readonly #departures: Departures
  #forget: (() => void) | undefined
  #opening: Promise<void> | undefined
  #stopped: Promise<void> | undefined
  #port: number | undefined
  #address = ''

  constructor(broker: Broker, server: Server, settings: SocketDoorSettings) {
    this.#broker = broker
    this.#server = server
    this.#settings = settings
    const { transport, lingerMs, factsOf, provenLoginOf, refuseTls } = settings
    this.#connections = new Connections(settings.maxConnections)
    this.#departures = new Departures(broker.clock)
    const depart = (connection: SocketConnection, socket: Socket): void => {
      this.#connections.leave(connection)
      this.#departures.add(socket)
    }
    const closed = (connection: SocketConnection): void => void this.#connections.delete(connection)
    this.#sockets = { transport, lingerMs, factsOf, provenLoginOf, refuseTls, depart, closed }
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

  /** Resolves when it is open. Rejects as the system does, or with `broker-closing`, and then nothing is left. */
  async open(): Promise<void> {
    // Known to the broker before it is open: one that is closed meanwhile must not leave it open behind.
    this.#forget = this.#broker.addDoor(this)
    this.#opening = bind(this.#server, this.#settings)
    try {
      await this.#opening
    } catch (error) {
      this.#forget()
      throw error
    }
    if (this.#stopped !== undefined) {
      await this.close()
      throw new StompError('broker-closing', 'the broker was closed while this door was opening')
    }
    tellFaults(this.#server, this.#broker)
    this.#note(this.#server.address())
  }

  /** Takes a socket that the server has accepted. */
  accept(socket: Socket): void {
    this.#departures.closeNext()
    this.#connections.add(connect(this.#broker, socket, this.#sockets))
  }

  /** Tells a socket why it may not come in; or `why` tells it. */
  turnAway(socket: Socket, why: StompError | NonNullable<SocketSettings['refuseTls']>): void {
    this.#departures.closeNext()
    const connection = connect(this.#broker, socket, this.#sockets)
    this.#connections.turnAway(connection, typeof why === 'function' ? () => why(socket, connection) : why)
  }

  stop(): void {
    this.#stopped ??= this.#stop()
  }

  async close(): Promise<void> {
    this.stop()
    this.#connections.end()
    await this.#stopped
    this.#forget?.()
  }

  async #stop(): Promise<void> {
    // A server that is closed before it listens would listen all the same.
    await this.#opening?.catch(() => undefined)
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    // Node tells of the server's end before it has told the last sockets of theirs.
    await this.#connections.gone()
  }

  #note(bound: ReturnType<Server['address']>): void {
    if (typeof bound === 'string') this.#address = bound
    else if (bound !== null) {
      this.#port = bound.port
      this.#address = bound.address
      if (!isAnyAddress(bound.address))
        this.#sockets = { ...this.#sockets, localEnd: { localAddress: bound.address, localPort: bound.port } }
    }
  }
}

/** Whether it stands for every address of the machine: then each socket has its own. */
function isAnyAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}
