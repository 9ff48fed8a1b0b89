/** Whose word about others is taken. */

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv4, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { checkNames } from '@xtomp/net/socket'
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

const ALIASES: Readonly<Record<string, readonly string[]>> = { loopback: ['127.0.0.0/8', '::1'] }

/** Tells the trusted from the others. */
export class Trust {
  readonly isRequired: boolean
  readonly #networks = new BlockList()
  readonly #isUnixTrusted: boolean

  /** @throws TypeError where an option makes no sense */
  constructor(options: ProxyOptions | undefined) {
    const { trust, required } = checked(options)
    this.isRequired = required ?? false
    this.#isUnixTrusted = trust.includes('unix')
    for (const text of trust.filter((given) => given !== 'unix').flatMap((given) => ALIASES[given] ?? given))
      this.#add(text)
  }

  /** Whether an address is a trusted proxy's; undefined is that of a UNIX socket. */
  trusts(address: string | undefined): boolean {
    if (address === undefined) return this.#isUnixTrusted
    // Where a socket of both families is bound an IPv4 address comes as a mapped one, which is looked up as both.
    return isIP(address) !== 0 && this.#networks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }

  /**
   * Who is behind `nearest`, as the proxies on the way say: the last address in `X-Forwarded-For` that is not a trusted
   * proxy's. Undefined where `nearest` itself is the peer.
   */
  forwardedFor(request: IncomingMessage, nearest: string | undefined): string | undefined {
    const { 'x-forwarded-for': header = '' } = request.headers
    const told = String(header).split(',').reverse()
    let peer: string | undefined
    for (const text of told) {
      const address = text.trim()
      // What a trusted one has not checked, and cannot be an address, is nobody's.
      if (!this.trusts(peer ?? nearest) || isIP(address) === 0) break
      peer = address
    }
    return peer
  }

  #add(text: string): void {
    const [address = '', bits, ...rest] = text.split('/')
    const most = { 4: 32, 6: 128 }[isIP(address)]
    const length = bits === undefined ? most : /^[0-9]{1,3}$/.test(bits) ? Number(bits) : undefined
    if (most === undefined || length === undefined || length > most || rest.length > 0) throw untrustable(text)
    this.#networks.addSubnet(address, length, isIPv4(address) ? 'ipv4' : 'ipv6')
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

function checked(options: ProxyOptions | undefined): ProxyOptions {
  if (options === undefined) return { trust: [] }
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`proxy must be an object with trust; given ${inspect(options)}`)
  checkNames(options, ['trust', 'required'])
  const { trust, required } = options
  if (!Array.isArray(trust) || trust.length === 0)
    throw new TypeError(`proxy.trust must be a list of addresses that is not empty; given ${inspect(trust)}`)
  for (const given of trust) if (typeof given !== 'string') throw untrustable(given)
  if (required !== undefined && typeof required !== 'boolean')
    throw new TypeError(`proxy.required must be true or false; given ${inspect(required)}`)
  return options
}

function untrustable(given: unknown): TypeError {
  const allowed = "an IP address, a network such as '10.0.0.0/8', 'loopback' or 'unix'"
  return new TypeError(`proxy.trust must hold ${allowed}; given ${inspect(given)}`)
}
