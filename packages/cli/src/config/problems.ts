/** Everything that is wrong with a configuration: what the schema says, and what no schema can. */

import { createBroker } from '@xtomp/core'
import type { Config } from './config.js'
import type { Path, Problem, ReadConfig } from './document.js'
import { written } from './names.js'
import { isHashed, parsePasscodeHash } from './passcode-hash.js'
import { faultsIn } from './schema.js'
import { CODE, problemsOf } from './sentences.js'

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
  if (faults.length > 0) return faults
  const config = data as Config
  return [...userProblems(config), ...brokerProblems(config), ...twice(config)]
}

/** What a module gives in code is judged by the broker itself. */
function withoutCode(data: unknown): unknown {
  const { broker } = Object(data) as { broker?: unknown }
  if (typeof broker !== 'object' || broker === null || Array.isArray(broker)) return data
  return {
    ...Object(data),
    broker: Object.fromEntries(Object.entries(broker).filter(([name]) => !CODE.includes(name))),
  }
}

function userProblems({ users = [], broker }: Config): Problem[] {
  const problems: Problem[] = []
  for (const [at, { passcode }] of users.entries()) {
    if (isHashed(passcode) && parsePasscodeHash(passcode) === undefined)
      problems.push(problem(['users', at, 'passcode'], 'is no hash that can be checked; xtomp passcode prints one'))
  }
  if (users.length > 0 && broker?.hooks?.authenticate !== undefined)
    problems.push(problem(['users'], 'cannot stand beside broker.hooks.authenticate: both say who may connect'))
  return problems
}

/** What the broker itself says, of hooks and stores, and of whatever a schema cannot express. */
function brokerProblems({ broker = {} }: Config): Problem[] {
  try {
    // It opens nothing and keeps nothing alive; a store would be asked for what it kept.
    const { store: _, ...options } = broker
    void createBroker(options).close()
    return []
  } catch (error) {
    return [problem(['broker'], `is refused: ${error instanceof Error ? error.message : String(error)}`)]
  }
}

/** What is given twice, of which only the first would count. */
function twice({ users = [], broker, listeners = [] }: Config): Problem[] {
  const rules = broker?.destinations ?? []
  return [
    ...repeated(
      users.map(({ login }) => login),
      (at) => ['users', at, 'login'],
    ),
    ...repeated(
      rules.map(({ match }) => match),
      (at) => ['broker', 'destinations', at, 'match'],
    ),
    ...repeated(
      listeners.map(({ path }) => path),
      (at) => ['listeners', at, 'path'],
    ),
    ...repeated(
      listeners.map(({ path, port = 61613, host = '127.0.0.1' }) =>
        path === undefined && port !== 0 ? `${host} ${port}` : undefined,
      ),
      (at) => ['listeners', at],
    ),
  ]
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
