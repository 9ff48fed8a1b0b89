/** Escapes in header names and values, by version (STOMP 1.2, Value Encoding; STOMP 1.1, Value Encoding). */

import { ProtocolError, printable } from '../errors.js'
import type { OctetWriter } from './octets.js'
import type { Version } from './version.js'

/** What stands for what. 1.0 has no escapes; 1.1 has no `\r`. */
const UNESCAPED: Readonly<Record<Version, Readonly<Record<string, string>>>> = {
  '1.0': {},
  '1.1': { n: '\n', c: ':', '\\': '\\' },
  '1.2': { r: '\r', n: '\n', c: ':', '\\': '\\' },
}

/** Reads a name or a value. @throws ProtocolError `bad-escape` on any escape that the version does not define. */
export function unescapeText(text: string, version: Version): string {
  const known = UNESCAPED[version]
  return text.replace(/\\(.?)/gs, (written, letter: string) => {
    const meant = known[letter]
    if (meant === undefined) {
      throw new ProtocolError(
        'bad-escape',
        `${printable(written)} is not an escape of STOMP ${version}; write a backslash as \\\\`,
      )
    }
    return meant
  })
}

const ESCAPED: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', ':': '\\c', '\\': '\\\\' }

/**
 * What is written as an escape. 1.0 has none, so there only what would break the frame is: never raw. 1.1 has none for
 * a CR, and must take any that it does not define for fatal; its grammar allows a raw one.
 */
const SPECIAL: Readonly<Record<Version, { readonly name: RegExp; readonly value: RegExp }>> = {
  '1.0': { name: /[\r\n:]/g, value: /[\r\n]/g },
  '1.1': { name: /[\n:\\]/g, value: /[\n:\\]/g },
  '1.2': { name: /[\r\n:\\]/g, value: /[\r\n:\\]/g },
}

/** Writes a header's name. */
export function writeName(to: OctetWriter, name: string, version: Version): void {
  write(to, name, SPECIAL[version].name)
}

/** Writes a header's value. */
export function writeValue(to: OctetWriter, value: string, version: Version): void {
  write(to, value, SPECIAL[version].value)
}

function write(to: OctetWriter, text: string, special: RegExp): void {
  // Nearly all text is plain: it is written while it is looked at, and written anew where it turns out not to be.
  const { octets, at } = to
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit > 0x7e || unit < 0x20 || unit === 0x3a || unit === 0x5c) {
      to.utf8(text.replace(special, (octet) => ESCAPED[octet] as string))
      return
    }
    octets[at + index] = unit
  }
  to.at = at + text.length
}
