/** Destination names: their segments, patterns over them, and what is reserved. */

/** Prefixes that are refused until they mean something. */
export const RESERVED_PREFIXES: readonly string[] = [
  '/temp-queue/',
  '/temp-topic/',
  '/reply-queue/',
  '/user/',
  '/session/',
  '/xtomp/',
]

/** Whether a name starts with a reserved prefix. */
export function isReserved(name: string): boolean {
  // Only these letters begin a reserved prefix: most names are done after one comparison.
  switch (name.charCodeAt(1)) {
    case 0x74: // t
    case 0x72: // r
    case 0x75: // u
    case 0x73: // s
    case 0x78: // x
      return RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix))
    default:
      return false
  }
}

/** The segments of a name or pattern: they end at `/` or `.`. */
export function segmentsOf(name: string): string[] {
  return name.split(/[/.]/)
}

/** How many segments a name has. */
export function segmentCount(name: string): number {
  let count = 1
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at)
    if (code === SLASH || code === DOT) count++
  }
  return count
}

const SLASH = 0x2f
const DOT = 0x2e

/** Whether a name is a pattern: one of its segments is `*` or `**`. A `*` inside a segment is an ordinary character. */
export function isPattern(name: string): boolean {
  return name.includes('*') && segmentsOf(name).some((segment) => segment === '*' || segment === '**')
}

/** Whether `pattern` matches `name`: `*` is one whole segment, `**` any number of them, none included. */
export function matches(pattern: string, name: string): boolean {
  return matchSegments(segmentsOf(pattern), segmentsOf(name))
}

function matchSegments(pattern: readonly string[], name: readonly string[]): boolean {
  // The classic walk with one point to come back to, so that a hostile pattern costs no more than the product of lengths.
  let at = 0
  let from = 0
  let starAt = -1
  let starFrom = 0
  while (from < name.length) {
    if (pattern[at] === '**') {
      starAt = at++
      starFrom = from
    } else if (at < pattern.length && (pattern[at] === '*' || pattern[at] === name[from])) {
      at++
      from++
    } else if (starAt >= 0) {
      at = starAt + 1
      from = ++starFrom
    } else {
      return false
    }
  }
  while (pattern[at] === '**') at++
  return at === pattern.length
}
