/** PROXY headers of both versions: what is read, what is refused, and that it makes no difference in which pieces they come. */

import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { proxyHeaderOf } from '../../packages/mux/src/proxy-header.js'
import { binaryHeader, textHeader } from '../support/proxy-headers.js'

const REST = 'CONNECT\n'

const whole: [name: string, header: Buffer, peer: object | undefined][] = [
  [
    'TCP4',
    textHeader('PROXY TCP4 192.0.2.7 198.51.100.1 5555 61613'),
    { remoteAddress: '192.0.2.7', remotePort: 5555 },
  ],
  ['TCP6', textHeader('PROXY TCP6 2001:db8::7 ::1 5555 61613'), { remoteAddress: '2001:db8::7', remotePort: 5555 }],
  ['UNKNOWN', textHeader('PROXY UNKNOWN'), undefined],
  ['UNKNOWN with what it knows', textHeader('PROXY UNKNOWN ffff::1 ffff::2 1 2'), undefined],
  ['the longest line', textHeader(`PROXY UNKNOWN ${'f'.repeat(91)}`), undefined],
  [
    'IPv4',
    binaryHeader({ family: 0x11, addresses: [192, 0, 2, 7, 198, 51, 100, 1, 0x15, 0xb3, 0xf0, 0xad] }),
    { remoteAddress: '192.0.2.7', remotePort: 5555 },
  ],
  [
    'IPv6',
    binaryHeader({
      family: 0x21,
      addresses: [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 7, ...Array(16).fill(0), 0x15, 0xb3, 0, 1],
    }),
    { remoteAddress: '2001:db8::7', remotePort: 5555 },
  ],
  [
    'a UNIX socket',
    binaryHeader({ family: 0x31, addresses: [...Buffer.from('/run/a'), ...Array(210).fill(0)] }),
    { remoteAddress: '/run/a', remotePort: undefined },
  ],
  ['LOCAL', binaryHeader({ command: 0x20, family: 0 }), undefined],
  ['LOCAL with whatever it likes', binaryHeader({ command: 0x20, family: 0xee, addresses: [1, 2, 3] }), undefined],
  ['no addresses', binaryHeader({ family: 0 }), undefined],
  [
    'additions behind the addresses, as long as may be',
    binaryHeader({ family: 0x11, addresses: [1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 0, 10, ...Array(508).fill(0xee)] }),
    { remoteAddress: '1.2.3.4', remotePort: 9 },
  ],
]

const malformed: [name: string, header: Buffer, fault: string][] = [
  ['a line too long', textHeader(`PROXY UNKNOWN ${'f'.repeat(92)}`), 'a line of more than 107 octets'],
  ['a line that does not end', Buffer.from(`PROXY ${'f'.repeat(101)}`), 'a line of more than 107 octets'],
  ['a line that ends with LF', Buffer.from('PROXY UNKNOWN\n'), 'a line that is not of its form'],
  ['no family', textHeader('PROXY '), 'a line that is not of its form'],
  ['another family', textHeader('PROXY UDP4 1.2.3.4 1.2.3.4 1 2'), 'a line that is not of its form'],
  ['too few parts', textHeader('PROXY TCP4 1.2.3.4 1.2.3.4 1'), 'a line that is not of its form'],
  ['too many parts', textHeader('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3'), 'a line that is not of its form'],
  ['two spaces', textHeader('PROXY TCP4  1.2.3.4 1.2.3.4 1 2'), 'a line that is not of its form'],
  ['a port with a zero before it', textHeader('PROXY TCP4 1.2.3.4 1.2.3.4 01 2'), 'a line that is not of its form'],
  ['a negative port', textHeader('PROXY TCP4 1.2.3.4 1.2.3.4 -1 2'), 'a line that is not of its form'],
  ['a port that is too high', textHeader('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2'), 'a port above 65535'],
  ['an address that is none', textHeader('PROXY TCP4 1.2.3.256 1.2.3.4 1 2'), 'an address that is not TCP4'],
  ['an address of the other family', textHeader('PROXY TCP6 1.2.3.4 ::1 1 2'), 'an address that is not TCP6'],
  ['our own address that is none', textHeader('PROXY TCP4 1.2.3.4 x 1 2'), 'an address that is not TCP4'],
  ['version 1', binaryHeader({ command: 0x11, family: 0 }), 'a version or a command that is not known'],
  ['another command', binaryHeader({ command: 0x22, family: 0 }), 'a version or a command that is not known'],
  ['datagrams', binaryHeader({ family: 0x12, addresses: Array(12).fill(1) }), 'addresses that are of no stream'],
  ['another family of addresses', binaryHeader({ family: 0x41 }), 'addresses that are of no stream'],
  ['too few addresses', binaryHeader({ family: 0x11, addresses: Array(11).fill(1) }), 'addresses that are cut short'],
  [
    'too much',
    binaryHeader({ family: 0x11, addresses: Array(521).fill(1) }),
    '537 octets, more than the 536 that are read',
  ],
]

describe('a PROXY header', () => {
  test.each(whole)('of %s is read, whatever comes behind it', (_, header, peer) => {
    expect(proxyHeaderOf(header)).toEqual({ length: header.length, peer })
    expect(proxyHeaderOf(Buffer.concat([header, Buffer.from(REST)]))).toEqual({ length: header.length, peer })
  })

  test.each(malformed)('with %s is refused', (_, header, fault) => {
    expect(proxyHeaderOf(header)).toEqual({ fault })
  })

  test.each(whole)('of %s is waited for until its last octet', (_, header) => {
    for (let length = signatureOf(header); length < header.length; length++)
      expect(proxyHeaderOf(header.subarray(0, length)), `after ${length} octets`).toBeUndefined()
  })

  test.each(malformed)('with %s is not taken for a whole one at any octet', (_, header, fault) => {
    for (let length = signatureOf(header); length < header.length; length++)
      expect([undefined, { fault }], `after ${length} octets`).toContainEqual(proxyHeaderOf(header.subarray(0, length)))
  })

  test('of any peer is read back', () => {
    const port = fc.nat(65_535)
    const line = fc
      .record({ source: fc.ipV4(), target: fc.ipV4(), from: port, to: port })
      .map(({ source, target, from, to }) => ({
        remoteAddress: source,
        remotePort: from,
        header: textHeader(`PROXY TCP4 ${source} ${target} ${from} ${to}`),
      }))
    fc.assert(
      fc.property(line, ({ remoteAddress, remotePort, header }) => {
        expect(proxyHeaderOf(header)).toEqual({ length: header.length, peer: { remoteAddress, remotePort } })
      }),
    )
  })

  test('of octets at random is whole, awaited or refused, and never names who is nobody', () => {
    const octets = fc.uint8Array({ maxLength: 600 })
    const signature = fc.constantFrom(textHeader('PROXY ').subarray(0, 6), binaryHeader({}).subarray(0, 12))
    fc.assert(
      fc.property(signature, octets, (first, rest) => {
        const header = proxyHeaderOf(Buffer.concat([first, rest]))
        if (header === undefined || 'fault' in header || header.peer?.remotePort === undefined) return
        expect(isIP(header.peer.remoteAddress)).toBeGreaterThan(0)
        expect(header.length).toBeLessThanOrEqual(first.length + rest.length)
      }),
      { numRuns: 2_000 },
    )
  })
})

function signatureOf(header: Buffer): number {
  return header[0] === 0x50 ? 6 : 12
}
