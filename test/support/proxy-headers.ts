/** PROXY headers, as proxies write them. */

/** Version 1: a line. */
export function textHeader(line: string): Buffer {
  return Buffer.from(`${line}\r\n`)
}

/** What stands in version 2. */
export interface BinaryHeader {
  /** The version in the upper four bits, the command in the lower. */
  readonly command?: number
  /** The family in the upper four bits, the protocol in the lower. */
  readonly family?: number
  /** The addresses, and whatever comes behind them. */
  readonly addresses?: readonly number[]
}

/** Version 2: octets. */
export function binaryHeader({ command = 0x21, family = 0x11, addresses = [] }: BinaryHeader): Buffer {
  const length = [addresses.length >> 8, addresses.length & 0xff]
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n'), Buffer.from([command, family, ...length, ...addresses])])
}
