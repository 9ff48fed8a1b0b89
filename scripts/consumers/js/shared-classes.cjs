/** In CommonJS, too, the entry points of a package share their classes: `instanceof` says what it should. */

const assert = require('node:assert/strict')
const { Headers, ProtocolError } = require('@xtomp/core')
const { CLIENT_COMMANDS, Decoder, FRAME_LIMITS, Interner } = require('@xtomp/core/codec')

const decoder = new Decoder({
  limits: FRAME_LIMITS,
  account: { bound: 1_000, take: () => true, give: () => {} },
  interner: new Interner(),
  commands: CLIENT_COMMANDS,
})
decoder.receive(Buffer.from('SEND\ndestination:/topic/a\n\nhello\0NONSENSE\n\n\0'))
assert.ok(decoder.next().headers instanceof Headers)
assert.throws(() => decoder.next(), ProtocolError)
