/** The PROXY protocol, versions 1 and 2: who a proxy stands for, told before anything else. */

import { isIPv4, isIPv6 } from 'node:net'

/** Who is behind a proxy. */
export interface Peer {
  readonly remoteAddress: string
  readonly remotePort: number | undefined
}

/** A header that is whole. */
export interface ProxyHeader {
  /** How many octets it takes. */
  readonly length: number
  /** Undefined where the proxy speaks for itself, as it does to see whether we are there, or does not know. */
  readonly peer: Peer | undefined
}

/** What is wrong with one that is none. */
export interface Malformed {
  readonly fault: string
}

const TEXT_SIGNATURE = Buffer.from('PROXY ')
const BINARY_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n')

/** How a header begins, of each version. */
export const SIGNATURES: readonly Buffer[] = [TEXT_SIGNATURE, BINARY_SIGNATURE]

/** The longest line of version 1, its end included (PROXY protocol, 2.1). */
const MOST_TEXT_OCTETS = 107

/** What is read of version 2: the addresses, and as many additions as every receiver must be able to take (2.2). */
const MOST_BINARY_OCTETS = 536

/** Signature, version and command, family and protocol, length. */
const PREFIX_OCTETS = 16

/**
 * The header with which octets begin; undefined while more of it is to come. The octets begin with a whole one of
 * {@link SIGNATURES}.
 */
export function proxyHeaderOf(octets: Buffer): ProxyHeader | Malformed | undefined {
  return octets[0] === TEXT_SIGNATURE[0] ? textHeaderOf(octets) : binaryHeaderOf(octets)
}

const PORT = '(0|[1-9][0-9]{0,4})'
const LINE = new RegExp(`^PROXY (?:UNKNOWN(?: .*)?|(TCP4|TCP6) ([^ ]+) ([^ ]+) ${PORT} ${PORT})\r$`)
const IS_ADDRESS: Readonly<Record<string, (text: string) => boolean>> = { TCP4: isIPv4, TCP6: isIPv6 }

function textHeaderOf(octets: Buffer): ProxyHeader | Malformed | undefined {
  const end = octets.subarray(0, MOST_TEXT_OCTETS).indexOf('\n')
  if (end < 0) {
    if (octets.length < MOST_TEXT_OCTETS) return undefined
    return { fault: `a line of more than ${MOST_TEXT_OCTETS} octets` }
  }
  const parts = LINE.exec(octets.toString('latin1', 0, end))
  if (parts === null) return { fault: 'a line that is not of its form' }
  const [, family, source = '', target = '', sourcePort, targetPort] = parts
  if (family === undefined) return { length: end + 1, peer: undefined }
  if (![source, target].every((text) => IS_ADDRESS[family]?.(text)))
    return { fault: `an address that is not ${family}` }
  if (Math.max(Number(sourcePort), Number(targetPort)) > 65_535) return { fault: 'a port above 65535' }
  return { length: end + 1, peer: { remoteAddress: source, remotePort: Number(sourcePort) } }
}

/** What stands in the octet of family and protocol, how long its addresses are, and who they say the peer is. */
const FAMILIES: Readonly<Record<number, { octets: number; peerOf(addresses: Buffer): Peer | undefined }>> = {
  0: { octets: 0, peerOf: () => undefined },
  17: { octets: 12, peerOf: (at) => ({ remoteAddress: at.subarray(0, 4).join('.'), remotePort: at.readUInt16BE(8) }) },
  33: { octets: 36, peerOf: (at) => ({ remoteAddress: ipv6Of(at.subarray(0, 16)), remotePort: at.readUInt16BE(32) }) },
  49: { octets: 216, peerOf: (at) => ({ remoteAddress: pathOf(at.subarray(0, 108)), remotePort: undefined }) },
}

const LOCAL = 0x20
const PROXIED = 0x21

function binaryHeaderOf(octets: Buffer): ProxyHeader | Malformed | undefined {
  if (octets.length < PREFIX_OCTETS) return undefined
  const command = octets.readUInt8(12)
  const length = PREFIX_OCTETS + octets.readUInt16BE(14)
  if (command !== LOCAL && command !== PROXIED) return { fault: 'a version or a command that is not known' }
  if (length > MOST_BINARY_OCTETS)
    return { fault: `${length} octets, more than the ${MOST_BINARY_OCTETS} that are read` }
  const family = FAMILIES[octets.readUInt8(13)]
  // One that speaks for itself may leave there what it likes (2.2).
  if (command === PROXIED) {
    if (family === undefined) return { fault: 'addresses that are of no stream' }
    if (length < PREFIX_OCTETS + family.octets) return { fault: 'addresses that are cut short' }
  }
  if (octets.length < length) return undefined
  // What follows the addresses is of no use to us.
  return { length, peer: command === PROXIED ? family?.peerOf(octets.subarray(PREFIX_OCTETS, length)) : undefined }
}

/** As Node writes it: shortened as RFC 5952 says. */
function ipv6Of(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => octets.readUInt16BE(at * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function pathOf(octets: Buffer): string {
  const end = octets.indexOf(0)
  return octets.toString('utf8', 0, end < 0 ? octets.length : end)
}
