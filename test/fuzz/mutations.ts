/** What can go wrong with octets on their way: a valid frame goes in, something almost like it comes out. */

import type { Random } from './random.js'

type Mutation = (octets: Buffer, random: Random) => Buffer

const HUGE = [
  '0',
  '1',
  '-1',
  '00',
  '1e3',
  '0x10',
  ' 7 ',
  '2147483647',
  '4294967296',
  '9007199254740993',
  '99999999999999999999',
  'NaN',
  'Infinity',
  '1,1',
  '',
]
const NUMBERED = ['content-length', 'heart-beat', 'prefetch-count', 'expires', 'accept-version', 'ack', 'id', 'receipt']
const TROUBLE = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\n\n',
  ':',
  '\\',
  '\\c',
  '\\t',
  '\\r',
  '\t',
  ' ',
  '\x1b',
  'é',
  '\ufeff',
  '*',
  '/',
]
const NOT_UTF8 = [[0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff, 0xfe], [0xe2, 0x82]]

function cut(octets: Buffer, random: Random): [start: number, end: number] {
  const start = random.below(octets.length + 1)
  return [start, Math.min(octets.length, start + 1 + random.size(64))]
}

function splice(octets: Buffer, start: number, end: number, between: Uint8Array): Buffer {
  return Buffer.concat([octets.subarray(0, start), between, octets.subarray(end)])
}

function inLines(change: (lines: string[], random: Random) => void): Mutation {
  return (octets, random) => {
    const lines = octets.toString('latin1').split('\n')
    change(lines, random)
    return Buffer.from(lines.join('\n'), 'latin1')
  }
}

const MUTATIONS: readonly Mutation[] = [
  // Octets.
  (octets, random) => {
    const changed = Buffer.from(octets)
    for (let count = 1 + random.size(8); count > 0; count--) {
      const at = random.below(Math.max(1, changed.length))
      changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
    }
    return changed
  },
  (octets, random) => splice(octets, ...cut(octets, random), Buffer.alloc(0)),
  (octets, random) => {
    const at = random.below(octets.length + 1)
    return splice(octets, at, at, Buffer.from(random.pick(TROUBLE)))
  },
  (octets, random) => {
    const at = random.below(octets.length + 1)
    return splice(octets, at, at, Buffer.from(random.pick(NOT_UTF8)))
  },
  (octets, random) => {
    const at = random.below(octets.length + 1)
    return splice(octets, at, at, random.octets(1 + random.size(200)))
  },
  (octets, random) => {
    const [start, end] = cut(octets, random)
    return splice(octets, end, end, octets.subarray(start, end))
  },
  (octets, random) => octets.subarray(0, random.below(octets.length + 1)),
  (octets, random) => {
    const at = random.below(octets.length + 1)
    return Buffer.concat([octets.subarray(at), octets.subarray(0, at)])
  },
  // Lines and headers.
  inLines((lines, random) => lines.splice(random.below(lines.length), 1)),
  inLines((lines, random) => {
    const at = random.below(lines.length)
    for (let count = 1 + random.size(40); count > 0; count--) lines.splice(at, 0, lines[at] as string)
  }),
  inLines((lines, random) => {
    const [one, other] = [random.below(lines.length), random.below(lines.length)]
    ;[lines[one], lines[other]] = [lines[other] as string, lines[one] as string]
  }),
  inLines((lines, random) => lines.splice(1, 0, `${random.pick(NUMBERED)}:${random.pick(HUGE)}`)),
  inLines((lines, random) => {
    const at = random.below(lines.length)
    lines[at] = `${(lines[at] as string).split(':')[0]}:${random.pick(HUGE)}`
  }),
  inLines((lines, random) => lines.splice(1, 0, `x:${'v'.repeat(random.size(3_000))}`)),
  inLines((lines, random) => {
    for (let at = 0; at < lines.length; at++) if (random.chance(0.5)) lines[at] += '\r'
  }),
]

/** The octets with one thing wrong with them, or a few. */
export function mutated(octets: Buffer, random: Random): Buffer {
  let changed = octets
  for (let count = 1 + random.size(4); count > 0; count--) changed = random.pick(MUTATIONS)(changed, random)
  return changed
}
