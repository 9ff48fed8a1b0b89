/** Addresses, as they are written and what they mean. */

import { isIPv4 } from 'node:net'

/** An address with its port, as in a URL. */
export function authorityOf(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** Whether only this machine reaches it. A name may begin as an address does: `127.0.0.1.example.org`. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost' || address === '::1') return true
  const ipv4 = address.replace(/^::ffff:/, '')
  return isIPv4(ipv4) && ipv4.startsWith('127.')
}

/** Where to reach on this machine what is bound to an address: to all of them, say. */
export function reachable(address: string): string {
  return { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address
}
