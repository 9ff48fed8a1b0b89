/** Addresses of proxies whose word about others is taken. */

import { BlockList, isIP, isIPv4 } from 'node:net'
import { inspect } from 'node:util'

/** What may be named, in words. */
const NAMEABLE = "an IP address, a network such as '10.0.0.0/8', 'loopback' or 'unix'"

const ALIASES: Readonly<Record<string, readonly string[]>> = { loopback: ['127.0.0.0/8', '::1'] }

/** Tells those that are trusted from others. */
export class TrustedAddresses {
  readonly #networks = new BlockList()
  readonly #isUnixTrusted: boolean

  /**
   * @param given - addresses, networks, `loopback`, and `unix` for whoever comes through a UNIX socket
   * @param option - what the list is called, for the message
   * @throws TypeError where it is no such list
   */
  constructor(given: readonly string[], option: string) {
    if (!Array.isArray(given) || given.length === 0)
      throw new TypeError(`${option} must be a list of addresses that is not empty; given ${inspect(given)}`)
    for (const text of given as readonly unknown[])
      if (typeof text !== 'string') throw new TypeError(`${option} must hold ${NAMEABLE}; given ${inspect(text)}`)
    this.#isUnixTrusted = given.includes('unix')
    for (const text of given.filter((text) => text !== 'unix')) {
      if (!(ALIASES[text] ?? [text]).every((network) => this.#add(network)))
        throw new TypeError(`${option} must hold ${NAMEABLE}; given ${inspect(text)}`)
    }
  }

  /** Whether an address is one of them; undefined is that of a UNIX socket. */
  has(address: string | undefined): boolean {
    if (address === undefined) return this.#isUnixTrusted
    // Where a socket of both families is bound an IPv4 address comes as a mapped one, which is looked up as both.
    return isIP(address) !== 0 && this.#networks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }

  /**
   * Who is behind `nearest`, as an `X-Forwarded-For` says: its last address that is not one of these. Undefined where
   * `nearest` itself is the peer.
   */
  forwardedFor(header: string | readonly string[] | undefined, nearest: string | undefined): string | undefined {
    const told = String(header ?? '')
      .split(',')
      .reverse()
    let peer: string | undefined
    for (const text of told) {
      const address = text.trim()
      // What a trusted one has not checked, and cannot be an address, is nobody's.
      if (!this.has(peer ?? nearest) || isIP(address) === 0) break
      peer = address
    }
    return peer
  }

  /** Answers whether it is an address or a network. */
  #add(text: string): boolean {
    const [address = '', bits, ...rest] = text.split('/')
    const most = { 4: 32, 6: 128 }[isIP(address)]
    const length = bits === undefined ? most : /^[0-9]{1,3}$/.test(bits) ? Number(bits) : undefined
    if (most === undefined || length === undefined || length > most || rest.length > 0) return false
    this.#networks.addSubnet(address, length, isIPv4(address) ? 'ipv4' : 'ipv6')
    return true
  }
}
