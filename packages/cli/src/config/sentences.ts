/** What the schema finds, as sentences: what was given, what is allowed, and what may have been meant. */

import { meant } from '@xtomp/net/socket'
import type { Path, Problem } from './document.js'
import { placeOfName, written } from './names.js'
import { type Fault, resolved, type Schema, schema } from './schema.js'

/** What only a module can give to the broker: code, for which the schema has no words. */
export const CODE: readonly string[] = ['hooks', 'store', 'backplane']

/** The problems behind the schema's faults: one for each place, the plainest. */
export function problemsOf(faults: readonly Fault[]): Problem[] {
  const problems = new Map<string, Problem>()
  for (const fault of faults) {
    // `if` only says that what stands in `then` is broken; that says more itself.
    if (fault.keyword === 'if') continue
    const problem = problemOf(fault)
    const key = `${written(problem.path)} ${problem.isName}`
    // Of alternatives, each says that it is not met, and then one says that none is.
    if (!problems.has(key) || fault.keyword === 'anyOf') problems.set(key, problem)
  }
  return [...problems.values()]
}

function problemOf(fault: Fault): Problem {
  const path = pathOf(fault.instancePath)
  if (fault.keyword === 'additionalProperties') return unknownName(path, fault)
  if (fault.keyword === 'required') {
    const name = String(fault.params.missingProperty)
    // What only some must have is described where it is defined.
    const { description } = resolved(fault.parentSchema?.properties?.[name] ?? schema.definitions?.[name] ?? {})
    const message = `${written([...path, name])} is missing: ${description}`
    return { path: [...path, name], isName: false, message }
  }
  if (fault.keyword === 'false schema')
    return { path, isName: true, message: `${written(path)} ${misplaced(String(path.at(-1)), fault.schemaPath)}` }
  if (fault.keyword === 'minItems')
    return { path, isName: false, message: `${written(path)} is empty; leave it out for the default` }
  const name = path.length === 0 ? 'the configuration' : written(path)
  const message = `${name} must be ${allowedBy(fault.parentSchema ?? {})}; given ${given(fault, path)}`
  return { path, isName: false, message: message + suggestion(fault) }
}

/** Why an option may not stand where it does. */
function misplaced(name: string, schemaPath: string): string {
  const doors = schema.definitions?.listener?.allOf ?? []
  const [, at] = /\/allOf\/(\d+)\/then\//.exec(schemaPath) ?? []
  const door = doors[Number(at)]
  if (door === undefined) {
    if (name.endsWith('File')) return 'cannot stand beside pfxFile, which holds both'
    return 'cannot stand beside path: a UNIX socket has neither'
  }
  const others = doors.filter(({ then }) => !(name in then.properties)).map(transportOf)
  return `is not for transport ${transportOf(door)}, but for ${others.join(', ')}`
}

function transportOf(door: NonNullable<Schema['allOf']>[number]): string {
  return door.if.properties.transport.const
}

function unknownName(path: Path, { params, parentSchema }: Fault): Problem {
  const name = String(params.additionalProperty)
  const names = Object.keys(parentSchema?.properties ?? {}).filter((known) => !known.startsWith('$'))
  const full = [...path, name]
  if (path.join() === 'broker' && CODE.includes(name))
    return { path: full, isName: true, message: `${written(full)} is code: only a module can give it` }
  return noSuchOption(full, names)
}

/** A name that there is not, beside those that there are. */
export function noSuchOption(path: Path, names: readonly string[]): Problem {
  const name = String(path.at(-1))
  const near = meant(name, names) ?? placeOfName(name)
  const question = near === undefined ? '' : ` (did you mean ${near}?)`
  return {
    path,
    isName: true,
    message: `there is no option ${written(path)}${question}; there are ${names.join(', ')}`,
  }
}

function suggestion({ data, parentSchema }: Fault): string {
  const words = (parentSchema?.enum ?? []).filter((word) => typeof word === 'string')
  const near = typeof data === 'string' ? meant(data, words) : undefined
  return near === undefined ? '' : ` (did you mean ${near}?)`
}

/** What a part of the schema allows, in words. */
export function allowedBy(part: Schema): string {
  const { type, minimum, maximum, pattern } = part
  if (part.anyOf !== undefined) return part.anyOf.map((one) => allowedBy(resolved(one))).join(', or ')
  if (part.enum !== undefined) return `one of ${part.enum.join(', ')}`
  if ('const' in part) return String(part.const)
  if (type === 'integer' || type === 'number') {
    const kind = type === 'integer' ? 'a whole number' : 'a number'
    return maximum === undefined ? `${kind}, ${minimum} or more` : `${kind} from ${minimum} to ${maximum}`
  }
  if (type === 'string' && pattern?.startsWith('^/')) return 'a path that begins with /'
  if (type === 'string') return pattern?.includes('(?!') ? 'a name in one line, not a pattern' : 'a line of text'
  return (
    { array: 'a list', object: 'an object with names and values', boolean: 'true or false' }[type ?? ''] ?? 'allowed'
  )
}

/** What was given; never what may be a passcode, or opens a key. */
function given({ data }: Fault, path: Path): string {
  if (data === undefined || data === null) return 'nothing'
  if (Array.isArray(data)) return 'a list'
  if (typeof data === 'object') return 'an object'
  if (typeof data === 'function') return 'a function'
  if (path[0] === 'users' || path.at(-1) === 'passphrase')
    return data === '' ? 'an empty text' : `a ${typeof data === 'string' ? 'text' : typeof data}`
  return typeof data === 'string' ? JSON.stringify(data) : String(data)
}

/** ajv's paths are JSON pointers. */
function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}

/** A problem in one line: file, line, column, and the sentence; `mark` makes the place stand out. */
export function lineOf(file: string, { place, message }: Problem, mark = (text: string) => text): string {
  return `${mark(place === undefined ? `${file}:` : `${file}:${place.line}:${place.column}:`)} ${message}`
}
