/** Whose word about others is taken. */

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { checkNames, TrustedAddresses } from '@xtomp/net/socket'
import type { Peer } from './proxy-header.js'

/** What proxies may tell of who is behind them. */
export interface ProxyOptions {
  /**
   * The proxies whose PROXY headers and `X-Forwarded-For` are believed: addresses (`10.0.0.7`, `::1`), networks
   * (`10.0.0.0/8`), `loopback`, and `unix` for whoever comes through a UNIX socket.
   */
  readonly trust: readonly string[]
  /** Whether each connection must begin with a PROXY header. @defaultValue false */
  readonly required?: boolean | undefined
}

/** Tells the trusted from the others. */
export class Trust {
  readonly isRequired: boolean
  readonly #trusted: TrustedAddresses | undefined

  /** @throws TypeError where an option makes no sense */
  constructor(options: ProxyOptions | undefined) {
    this.isRequired = options !== undefined && requiredIn(options)
    this.#trusted = options === undefined ? undefined : new TrustedAddresses(options.trust, 'proxy.trust')
  }

  /** Whether an address is a trusted proxy's; undefined is that of a UNIX socket. */
  trusts(address: string | undefined): boolean {
    return this.#trusted?.has(address) ?? false
  }

  /** Who is behind `nearest`, as the proxies on the way say; undefined where `nearest` itself is the peer. */
  forwardedFor({ headers }: IncomingMessage, nearest: string | undefined): string | undefined {
    return this.#trusted?.forwardedFor(headers['x-forwarded-for'], nearest)
  }
}

/** Who sockets' peers truly are, where a trusted proxy has told. */
export class TruePeers {
  readonly #told = new WeakMap<Socket, Peer>()

  tell(socket: Socket, peer: Peer): void {
    this.#told.set(socket, peer)
  }

  /** What was told of one is true of the other, which is secured above it. */
  move(from: Socket, to: Socket): void {
    const peer = this.#told.get(from)
    if (peer !== undefined) this.#told.set(to, peer)
  }

  /** What is known of a connection beyond its socket: nothing, where no proxy stands before it. */
  factsOf(socket: Socket): Partial<Peer & { proxyAddress: string | undefined }> {
    const peer = this.#told.get(socket)
    return peer === undefined ? {} : { ...peer, proxyAddress: socket.remoteAddress }
  }
}

function requiredIn(options: ProxyOptions): boolean {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`proxy must be an object with trust; given ${inspect(options)}`)
  checkNames(options, ['trust', 'required'])
  const { required = false } = options
  if (typeof required !== 'boolean')
    throw new TypeError(`proxy.required must be true or false; given ${inspect(required)}`)
  return required
}
