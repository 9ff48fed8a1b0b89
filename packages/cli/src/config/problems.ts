/** Everything that is wrong with a configuration: what the schema says, and what no schema can. */

import { type BrokerOptions, createBroker, type Hooks } from '@xtomp/core'
import type { Config } from './config.js'
import type { Path, Problem, ReadConfig } from './document.js'
import { doorProblems } from './door-problems.js'
import { DEFAULT_PORTS, type ListenerConfig, type Transport } from './listener.js'
import { written } from './names.js'
import { isHashed, parsePasscodeHash } from './passcode-hash.js'
import { faultsIn } from './schema.js'
import { CODE, noSuchOption, problemsOf } from './sentences.js'

/** A configuration that may be used, or everything that is wrong with it. */
export type Checked =
  | { readonly config: Config; readonly problems: readonly [] }
  | { readonly config: undefined; readonly problems: readonly Problem[] }

/** Checks what was read; each problem with its place, in the order of the text. */
export function check(read: ReadConfig): Checked {
  const problems = read.problems.length > 0 ? read.problems : problemsIn(read)
  if (problems.length === 0) return { config: (read.data ?? {}) as Config, problems: [] }
  const placed = problems.map((problem) => ({
    ...problem,
    place: problem.place ?? read.placeOf(problem.path, problem.isName),
  }))
  return { config: undefined, problems: placed.sort(inOrder) }
}

function inOrder({ place: a }: Problem, { place: b }: Problem): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0)
}

function problemsIn({ data, isModule }: ReadConfig): readonly Problem[] {
  // An empty file asks for nothing: all defaults.
  if (data === undefined || data === null) return []
  const faults = problemsOf(faultsIn(isModule ? withoutCode(data) : data))
  // All at once: what follows looks at what is well-formed, whatever else is not.
  return [
    ...faults,
    ...userProblems(data),
    ...doorProblems(listIn(data, 'listeners')),
    ...(isModule ? hookProblems(data) : []),
    ...brokerProblems(isModule ? data : withoutCode(data), faults),
    ...twice(data),
  ]
}

/** What a module gives in code is judged by the broker itself. */
function withoutCode(data: unknown): unknown {
  const broker = field(data, 'broker')
  if (typeof broker !== 'object' || broker === null || Array.isArray(broker)) return data
  return {
    ...Object(data),
    broker: Object.fromEntries(Object.entries(broker).filter(([name]) => !CODE.includes(name))),
  }
}

function userProblems(data: unknown): Problem[] {
  const users = listIn(data, 'users')
  const problems: Problem[] = []
  for (const [at, passcode] of textsIn(users, 'passcode').entries()) {
    if (passcode !== undefined && isHashed(passcode) && parsePasscodeHash(passcode) === undefined)
      problems.push(problem(['users', at, 'passcode'], 'is no hash that can be checked; xtomp passcode prints one'))
  }
  if (users.length > 0 && field(field(field(data, 'broker'), 'hooks'), 'authenticate') !== undefined)
    problems.push(problem(['users'], 'cannot stand beside broker.hooks.authenticate: both say who may connect'))
  return problems
}

/** Every hook that there is; the compiler sees to it that none is missing. */
const HOOKS = Object.keys({
  authenticate: true,
  connect: true,
  authorize: true,
  subscribe: true,
  send: true,
  deliver: true,
} satisfies Record<keyof Hooks, true>)

/** Functions among the hooks, under a name that no hook has. */
function hookProblems(data: unknown): Problem[] {
  return Object.entries(Object(field(field(data, 'broker'), 'hooks')))
    .filter(isMisnamed)
    .map(([name]) => noSuchOption(['broker', 'hooks', name], HOOKS))
}

function isMisnamed([name, given]: [string, unknown]): boolean {
  return typeof given === 'function' && !HOOKS.includes(name)
}

/** What the broker itself says, of hooks and stores, and of whatever a schema cannot express. */
function brokerProblems(data: unknown, faults: readonly Problem[]): Problem[] {
  try {
    // It opens nothing and keeps nothing alive; a store would be asked for what it kept.
    const { store: _, hooks, ...options } = Object(field(data, 'broker')) as BrokerOptions
    // Of a fault that the schema has found, it would say the same; and what hooks are called is judged here.
    const sound = faults.some(({ path: [top] }) => top === 'broker' || top === undefined) ? {} : options
    void createBroker(hooks === undefined ? sound : { ...sound, hooks: wellNamed(hooks) }).close()
    return []
  } catch (error) {
    return [problem(['broker'], `is refused: ${error instanceof Error ? error.message : String(error)}`)]
  }
}

/** Those that are judged by the broker, which looks at an object's own only. */
function wellNamed(hooks: Hooks): Hooks {
  if (typeof hooks !== 'object' || hooks === null) return hooks
  return Object.fromEntries(Object.entries(hooks).filter((entry) => !isMisnamed(entry)))
}

/** What is given twice, of which only the first would count. */
function twice(data: unknown): Problem[] {
  const listeners = listIn(data, 'listeners')
  return [
    ...repeated(textsIn(listIn(data, 'users'), 'login'), (at) => ['users', at, 'login']),
    ...repeated(textsIn(listIn(field(data, 'broker'), 'destinations'), 'match'), (at) => [
      'broker',
      'destinations',
      at,
      'match',
    ]),
    ...repeated(textsIn(listeners, 'path'), (at) => ['listeners', at, 'path']),
    ...repeated(listeners.map(placeOf), (at) => ['listeners', at]),
  ]
}

/** Where a TCP door would be; none for a UNIX socket's, for any free port, and for what is no door. */
function placeOf(listener: unknown): string | undefined {
  if (typeof listener !== 'object' || listener === null) return undefined
  const { transport = 'tcp', path, host = '127.0.0.1' } = listener as { [name in keyof ListenerConfig]: unknown }
  const { port = DEFAULT_PORTS[transport as Transport] } = listener as ListenerConfig
  return path === undefined && port !== 0 ? `${host} ${port}` : undefined
}

function field(value: unknown, name: string): unknown {
  return (Object(value) as Record<string, unknown>)[name]
}

function listIn(value: unknown, name: string): readonly unknown[] {
  const list = field(value, name)
  return Array.isArray(list) ? list : []
}

function textsIn(list: readonly unknown[], name: string): (string | undefined)[] {
  return list.map((member) => {
    const text = field(member, name)
    return typeof text === 'string' ? text : undefined
  })
}

function repeated(values: readonly (string | undefined)[], pathOf: (at: number) => Path): Problem[] {
  return values.flatMap((value, at) => {
    const first = values.indexOf(value)
    return value === undefined || first === at ? [] : [problem(pathOf(at), `is the same as ${written(pathOf(first))}`)]
  })
}

function problem(path: Path, says: string): Problem {
  return { path, isName: false, message: `${written(path)} ${says}` }
}
