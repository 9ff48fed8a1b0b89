/** Client frames in every shape that the wire allows, for tests that cut them to pieces. */

/** A conversation after CONNECTED, told as what is written and what must come back. */
export interface Fixture {
  readonly name: string
  readonly version: '1.0' | '1.1' | '1.2'
  /** Octets of one frame or more; `DEST` stands for a topic that the client listens to. */
  readonly octets: Uint8Array
}

function fixture(name: string, version: Fixture['version'], text: string): Fixture {
  return { name, version, octets: new TextEncoder().encode(text) }
}

/** The name that stands for the topic. */
export const TOPIC = '/topic/fixture'

/** Every frame ends in something that is answered, so that the answers can be compared. */
export const fixtures: readonly Fixture[] = [
  fixture('plain', '1.2', `SEND\ndestination:${TOPIC}\ncolour:blue\n\nhello\0`),
  fixture('no body', '1.2', `SEND\ndestination:${TOPIC}\n\n\0`),
  fixture('content-length', '1.2', `SEND\ndestination:${TOPIC}\ncontent-length:7\n\na\0b\nc\0d\0`),
  fixture('content-length of nothing', '1.2', `SEND\ndestination:${TOPIC}\ncontent-length:0\n\n\0`),
  fixture('CRLF', '1.2', `\r\n\r\nSEND\r\ndestination:${TOPIC}\r\nempty:\r\n\r\nhello\r\nyou\0\r\n\r\n`),
  fixture('CRLF in 1.0', '1.0', `SEND\r\n destination : ${TOPIC} \r\nk : v \r\n\r\nhello\0\r\n`),
  fixture('escapes', '1.2', `SEND\ndestination:${TOPIC}\na\\cb\\n:c\\r\\\\d\\c\n\nhello\0`),
  fixture('escapes in 1.1', '1.1', `SEND\ndestination:${TOPIC}\na\\cb\\n:c\\\\d\\c\n\nhello\0`),
  fixture('no escapes in 1.0', '1.0', `SEND\ndestination:${TOPIC}\na:c\\t\\\\d\\c:\n\nhello\0`),
  fixture('UTF-8', '1.2', `SEND\ndestination:${TOPIC}\ngröße:äö\u0301ü\n😀:👩‍👧\n\nпривет 😀\0`),
  fixture('repeats', '1.2', `SEND\ndestination:${TOPIC}\nfoo:1\nfoo:2\ndestination:/topic/x\n\nhello\0`),
  fixture('colons', '1.1', `SEND\ndestination:${TOPIC}\ntime:12:30:45\n\nhello\0`),
  fixture('two frames', '1.2', `SEND\ndestination:${TOPIC}\n\none\0SEND\ndestination:${TOPIC}\n\ntwo\0`),
  fixture(
    'filled gaps',
    '1.2',
    `\n\0\0\n\r\nSEND\ndestination:${TOPIC}\n\none\0\n\0\nBEGIN\ntransaction:t\nreceipt:b\n\n\0`,
  ),
  fixture(
    'a transaction',
    '1.2',
    `BEGIN\ntransaction:t\n\n\0SEND\ndestination:${TOPIC}\ntransaction:t\n\nhello\0COMMIT\ntransaction:t\nreceipt:r\n\n\0`,
  ),
  fixture(
    'a subscription',
    '1.2',
    `SUBSCRIBE\nid:2\ndestination:${TOPIC}\nreceipt:s\n\n\0UNSUBSCRIBE\nid:2\nreceipt:u\n\n\0`,
  ),
  fixture('an end', '1.1', `SEND\ndestination:${TOPIC}\n\nlast\0DISCONNECT\nreceipt:bye\n\n\0`),
  fixture('an unknown command', '1.2', `SEND\ndestination:${TOPIC}\n\none\0HELLO\n\n\0`),
  fixture('a wrong escape', '1.2', `SEND\ndestination:${TOPIC}\nk:a\\tb\n\nhello\0`),
  fixture('no colon', '1.2', `SEND\ndestination:${TOPIC}\nnonsense\n\nhello\0`),
  fixture('a wrong content-length', '1.2', `SEND\ndestination:${TOPIC}\ncontent-length:3\n\nhello\0`),
  fixture('a lone CR in a header', '1.2', `SEND\ndestination:${TOPIC}\na:b\rc\n\nhello\0`),
  fixture(
    'a lone CR between frames',
    '1.2',
    `SEND\ndestination:${TOPIC}\n\none\0\r\rSEND\ndestination:${TOPIC}\n\ntwo\0`,
  ),
  fixture('a NUL in a header', '1.2', `SEND\ndestination:${TOPIC}\na\0:b\n\nhello\0`),
]
