/** A frame as it went over the wire, and how it reads. */

const ESCAPED = { n: '\n', r: '\r', c: ':', '\\': '\\' }
/** STOMP 1.2, Value Encoding: not in these. */
const PLAIN = ['CONNECT', 'STOMP', 'CONNECTED']

/**
 * @typedef {object} Frame
 * @property {Date} at when it went by
 * @property {'in' | 'out' | 'note'} way
 * @property {string} command
 * @property {readonly (readonly [string, string])[]} headers in their order, repeats included
 * @property {Uint8Array} body
 */

/** Makes a frame of what the parser of stompjs found. A passcode is forgotten here: what goes by may be shown to others. */
export function frameOf(way, { command, headers, binaryBody }) {
  const read = PLAIN.includes(command) ? (text) => text : unescaped
  const shown = headers.map(([name, value]) => [read(name), name === 'passcode' ? '***' : read(value)])
  return { at: new Date(), way, command, headers: shown, body: binaryBody }
}

/** Something else that happened between frames. */
export function noteOf(command, about) {
  return { at: new Date(), way: 'note', command, headers: [['', about]], body: new Uint8Array(0) }
}

function unescaped(text) {
  return text.replace(/\\(.)/g, (whole, letter) => ESCAPED[letter] ?? whole)
}

/** The first header of a name, as the specification says. */
export function header(frame, name) {
  return frame.headers.find(([own]) => own === name)?.[1]
}

/** What a frame is about, in a few words. */
export function aboutOf(frame) {
  const of = (name) => header(frame, name)
  switch (frame.command) {
    case 'CONNECTED':
      return `${of('server') ?? ''} STOMP ${of('version') ?? '1.0'}`.trim()
    case 'CONNECT':
      return `${of('host') ?? ''} ${of('login') ?? ''}`.trim()
    case 'ERROR':
      return [of('code'), of('message')].filter(Boolean).join(': ')
    case 'RECEIPT':
      return of('receipt-id') ?? ''
    default:
      return of('destination') ?? of('id') ?? of('receipt') ?? of('') ?? ''
  }
}

/** The text of a body; undefined where it is none. */
export function textOf(body) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return /[\0-\x08\x0e-\x1f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** The beginning of a body, in one line. */
export function previewOf(body) {
  const start = body.subarray(0, 200)
  // Cut in the middle of a character, it is a text all the same.
  const text = textOf(body.length > start.length ? withoutLast(start) : start)
  return text === undefined ? `${body.length} octets` : text.replace(/\s+/g, ' ')
}

function withoutLast(octets) {
  let end = octets.length
  while (end > 0 && (octets[end - 1] & 0xc0) === 0x80) end--
  return octets.subarray(0, Math.max(0, end - 1))
}

/** How much of a body is shown, in octets. */
const MOST_SHOWN = 65_536

/** All of a body: JSON in lines, other text as it is, anything else in hex. */
export function bodyOf(body) {
  const text = textOf(body)
  if (text === undefined) return hexOf(body.subarray(0, MOST_SHOWN / 16)) + restOf(body.length - MOST_SHOWN / 16)
  if (text.length > MOST_SHOWN) return text.slice(0, MOST_SHOWN) + restOf(text.length - MOST_SHOWN)
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return text
  }
}

function restOf(count) {
  return count > 0 ? `\n… and ${count} more` : ''
}

function hexOf(octets) {
  const lines = []
  for (let at = 0; at < octets.length; at += 16) {
    const row = [...octets.subarray(at, at + 16)]
    const hex = row.map((octet) => octet.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((octet) => (octet > 31 && octet < 127 ? String.fromCharCode(octet) : '·')).join('')
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`)
  }
  return lines.join('\n')
}
