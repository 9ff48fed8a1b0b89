/** A configuration as text: what it says, and where in the text each part of it stands. */

import { isMap, isNode, isScalar, LineCounter, type Pair, parseDocument, visit } from 'yaml'
import { jsonFaultIn } from './json-fault.js'

/** Names and positions in lists, from the top: `['listeners', 0, 'port']`. */
export type Path = readonly (string | number)[]

/** Where something stands; both count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** What is wrong with a configuration. */
export interface Problem {
  /** What it is about. */
  readonly path: Path
  /** Whether it is about the name itself, rather than about what is given under it. */
  readonly isName: boolean
  /** A sentence that says what was given and what is allowed. */
  readonly message: string
  /** Where, if its text is known. */
  readonly place?: Place | undefined
}

/** What was read: a text's data with its places, or a module's, which has none. */
export interface ReadConfig {
  readonly data: unknown
  /** Whether it may hold code: hooks and a store. */
  readonly isModule: boolean
  /** Faults of the text itself; with one of them there is no data. */
  readonly problems: readonly Problem[]
  placeOf(path: Path, isName: boolean): Place | undefined
}

const MOST_ALIASES = 100

/** Reads YAML, or JSON, which is YAML too. */
export function documentOf(text: string, kind: 'json' | 'yaml'): ReadConfig {
  const lines = new LineCounter()
  // Prettier errors would show the line itself, and with it a passcode.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const problems: Problem[] = []
  const found = (message: string, offset: number): void => {
    problems.push({ path: [], isName: false, message: withoutSource(message), place: at(offset) })
  }
  const fault = kind === 'json' ? jsonFaultIn(text) : undefined
  if (fault !== undefined) {
    const { message, offset } = fault
    return {
      data: undefined,
      isModule: false,
      problems: [{ path: [], isName: false, message, place: at(offset) }],
      placeOf: () => undefined,
    }
  }
  // A tag that nobody knows is a warning to the library; to us, `passcode: !x` is not what was meant.
  for (const { message, pos } of [...document.errors, ...document.warnings]) found(message, pos[0])
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined) found('there is no anchor of this name', alias.range?.[0] ?? 0)
    },
  })
  return {
    // Throws where aliases would unfold into more than memory holds.
    data: problems.length > 0 ? undefined : document.toJS({ maxAliasCount: MOST_ALIASES }),
    isModule: false,
    problems,
    placeOf: (path, isName) => {
      // What is missing has no place: what it is missing from has.
      for (let length = path.length; length >= 0; length--) {
        const offset = offsetOf(document, path.slice(0, length), isName && length === path.length)
        if (offset !== undefined) return at(offset)
      }
      return { line: 1, column: 1 }
    },
  }
}

function offsetOf(document: ReturnType<typeof parseDocument>, path: Path, isName: boolean): number | undefined {
  if (!isName) return startOf(path.length === 0 ? document.contents : document.getIn(path, true))
  const above = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (!isMap(above)) return undefined
  const pair = above.items.find(({ key }: Pair) => isScalar(key) && key.value === path.at(-1))
  return startOf(pair?.key)
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

/** The library quotes what it stumbled over, which may be a passcode: the place says enough. */
function withoutSource(message: string): string {
  return (message.split(/: |\\|`/)[0] ?? '').trim()
}
