/** What those say who come in number and mean no good, to a door for all or to another. */

import { binaryHeader, textHeader } from './proxy-headers.js'

/** How long a door may let peers keep a closing connection, in these tests. */
export const LINGER_MS = 50

/** How a TLS client begins: the head of a record, and the beginning of what is in it. */
export const HELLO = new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
const KEY = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'

/** In every way there is to begin. */
export const said: [name: string, octets: string | Uint8Array][] = [
  ['nothing', ''],
  ['half a word', 'CONN'],
  ['garbage', new Uint8Array(1_000).fill(0xee)],
  ['a method and no more', 'GET '],
  ['half a request', 'GET /health HTTP/1.1\r\nHost: x\r\n'],
  ['a request, and half another', 'GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /he'],
  ['a request for what is not there', 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a header without an end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}`],
  ['half an upgrade', UPGRADE],
  ['an upgrade, and no more', `${UPGRADE}${KEY}\r\n`],
  ['an upgrade to nowhere', `${UPGRADE.replace('/', '/nowhere')}${KEY}\r\n`],
  ['an upgrade by HTTP/1.0', `${UPGRADE.replace('HTTP/1.1', 'HTTP/1.0')}${KEY}\r\n`],
  ['an upgrade by POST', `${UPGRADE.replace('GET', 'POST')}${KEY}\r\n`],
  ['an upgrade without a key', `${UPGRADE}\r\n`],
  ['CONNECT to elsewhere', 'CONNECT elsewhere:80 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['half a hello', HELLO],
  ['a hello and garbage', Buffer.concat([HELLO, Buffer.alloc(2_000, 0xee)])],
  ['half a PROXY header', 'PROXY TCP4 192.0.2.7'],
  ['a PROXY header, and no more', textHeader('PROXY TCP4 192.0.2.7 192.0.2.8 1 2')],
  ['a malformed one', textHeader('PROXY TCP5 192.0.2.7 192.0.2.8 1 2')],
  ['half a binary one', binaryHeader({ addresses: Array(12).fill(1) }).subarray(0, 20)],
  ['a binary one, and half a hello', Buffer.concat([binaryHeader({ command: 0x20, family: 0 }), HELLO])],
]

/** As long as any of them may stay. */
export const WAITS_MS = [10_000, LINGER_MS, 10_000, LINGER_MS]
