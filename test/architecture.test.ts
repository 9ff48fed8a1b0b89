/** Holds the rules of the house, which no compiler holds: who may import what, and that core does no I/O and keeps no state. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import {
  importsOf,
  packages,
  parse,
  placeOf,
  resolveFrom,
  root,
  type Source,
  sourcesIn,
  walk,
} from './support/sources.js'

/** Files at the top of core's sources. They know nothing but each other. */
const GROUND = [
  'account',
  'ack-mode',
  'body',
  'brand',
  'clock',
  'crowd',
  'errors',
  'header-names',
  'headers',
  'logger',
  'message',
  'reentry',
  'turn',
  'wheel',
]

/** The column "Knows": a room imports from itself and from these. */
const KNOWS: Readonly<Record<string, readonly string[]>> = {
  ground: [],
  ports: ['ground'],
  codec: ['ground'],
  command: ['ground', 'codec'],
  destination: ['ground', 'ports'],
  session: ['ground', 'ports', 'codec', 'command', 'destination'],
  broker: ['ground', 'ports', 'codec', 'command', 'destination', 'session'],
  entry: ['ground', 'ports', 'codec', 'command', 'destination', 'session', 'broker'],
}

/** The column "May import", among ourselves. Who is not named may import any but those in NEVER. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  net: ['core'],
  cluster: ['core', 'net'],
  tls: ['core', 'net'],
  ws: ['core', 'net'],
  mux: ['core', 'net', 'tls', 'ws'],
  fastify: ['core', 'ws'],
  testing: ['core'],
}
const NEVER = ['bench']
/** Who may load one of those after all, and only by `import()`, where it is asked for: decision 0019. */
const LATE: Readonly<Record<string, readonly string[]>> = { cli: ['bench'] }

/** Programs: one process is all theirs. */
const PROGRAMS = /^packages\/(bench|cli)\//

const TIMERS = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
]
const CLOCKS = ['Date', 'performance', 'Temporal']

/** Names from the surroundings that core does not use, and the one place where it may. */
const FORBIDDEN: readonly { readonly names: readonly string[]; readonly except: RegExp | undefined }[] = [
  { names: ['process', 'globalThis', 'global', 'window', 'self', 'require', 'fetch', 'navigator'], except: undefined },
  { names: ['console'], except: /\/logger\.ts$/ },
  { names: ['Buffer'], except: /\/core\/src\/(codec\/|body\.ts)/ },
  { names: [...TIMERS, ...CLOCKS], except: /\/core\/src\/clock\.ts$/ },
]

/** Classes of which a module may hold an instance: nothing that they do is remembered. */
const STATELESS = ['Headers', 'Map', 'RegExp', 'Set', 'TextDecoder', 'TextEncoder', 'Uint8Array']

const MUTATORS = [
  ...['add', 'clear', 'copyWithin', 'delete', 'fill', 'pop', 'push', 'reverse'],
  ...['set', 'shift', 'sort', 'splice', 'unshift'],
]

const SUPPRESSIONS = [
  ['@ts', 'ignore'],
  ['@ts', 'expect', 'error'],
  ['@ts', 'nocheck'],
  ['biome', 'ignore'],
  ['eslint', 'disable'],
].map((parts) => parts.join('-'))

const core = sourcesIn('packages/core/src')
const all = packages.flatMap((name) => sourcesIn(`packages/${name}/src`))

/** Which room a file of core is in; undefined for none. */
function roomOf(path: string): string | undefined {
  const [first = '', ...rest] = path.replace('packages/core/src/', '').split('/')
  if (rest.length > 0) return first in KNOWS && first !== 'ground' && first !== 'entry' ? first : undefined
  if (first === 'index.ts') return 'entry'
  return GROUND.includes(first.replace(/\.ts$/, '')) ? 'ground' : undefined
}

function wrongRooms(source: Source): string[] {
  const room = roomOf(source.path)
  if (room === undefined) return [`${source.path} is in no room`]
  return importsOf(source).flatMap(({ specifier, line }) => {
    if (!specifier.startsWith('.'))
      return specifier === 'eventemitter3' ? [] : [`${source.path}:${line} imports ${specifier}`]
    const other = roomOf(resolveFrom(source.path, specifier))
    if (other === room || (other !== undefined && KNOWS[room]?.includes(other))) return []
    return [`${source.path}:${line}: ${room} does not know ${other ?? specifier}`]
  })
}

function wrongPackages(source: Source, exported: (specifier: string) => boolean): string[] {
  const [, name = ''] = source.path.split('/')
  return importsOf(source).flatMap(({ specifier, line, isLate }) => {
    const place = `${source.path}:${line}`
    if (specifier.startsWith('.')) {
      const inside = resolveFrom(source.path, specifier).startsWith(`packages/${name}/src/`)
      return inside ? [] : [`${place} reaches out of its package: ${specifier}`]
    }
    const [, other] = /^@xtomp\/([^/]+)/.exec(specifier) ?? []
    if (other === undefined) return []
    if (!exported(specifier)) return [`${place} reaches into a package: ${specifier}`]
    const isNever = NEVER.includes(other) && !(isLate && LATE[name]?.includes(other))
    const isAllowed = other !== name && !isNever && (MAY_IMPORT[name]?.includes(other) ?? true)
    return isAllowed ? [] : [`${place}: ${name} may not import ${other}`]
  })
}

/** Whether a package exports what a specifier names. */
function isExported(specifier: string): boolean {
  const [, name = '', path = ''] = /^@xtomp\/([^/]+)(\/.*)?$/.exec(specifier) ?? []
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as { exports: object }
  return `.${path}` in manifest.exports
}

/** Files that need themselves, each as the way round. */
function cyclesIn(sources: readonly Source[]): string[] {
  const needs = new Map(
    sources.map((source) => [
      source.path,
      importsOf(source)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => resolveFrom(source.path, specifier)),
    ]),
  )
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(' -> '))
    if (done.has(path) || way.includes(path)) return
    for (const next of needs.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  return cycles
}

/** Whether an identifier stands for what it names, rather than for a member or a label of that name. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name !== node
  if (ts.isQualifiedName(parent)) return parent.right !== node
  if (ts.isBindingElement(parent)) return parent.propertyName !== node
  const isMember =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isGetAccessorDeclaration(parent) ||
    ts.isEnumMember(parent)
  return !(isMember && parent.name === node)
}

function surroundings(source: Source): string[] {
  const names = FORBIDDEN.filter(({ except }) => !except?.test(source.path)).flatMap((group) => group.names)
  const found: string[] = []
  walk(source.tree, (node) => {
    if (ts.isIdentifier(node) && names.includes(node.text) && isReference(node))
      found.push(`${placeOf(source, node)} uses ${node.text}`)
  })
  return found
}

/** Names that a module binds once for all who use it: constants, classes, and what it imports. */
function moduleNames({ tree }: Source): Set<string> {
  const names = new Set<string>()
  for (const statement of tree.statements) {
    if (ts.isClassDeclaration(statement) && statement.name !== undefined) names.add(statement.name.text)
    if (!ts.isVariableStatement(statement)) continue
    for (const { name } of statement.declarationList.declarations) if (ts.isIdentifier(name)) names.add(name.text)
  }
  return names
}

/** The name that a chain of members begins with: `A` of `A.b[c].d`. */
function rootOf(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node)) return node.text
  if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) return rootOf(node.expression)
  if (ts.isNonNullExpression(node) || ts.isParenthesizedExpression(node) || ts.isAsExpression(node))
    return rootOf(node.expression)
  return undefined
}

/** What a node changes, if it changes anything: the target of an assignment, or of a call that mutates. */
function changedBy(node: ts.Node): ts.Node | undefined {
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken
    return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment ? node.left : undefined
  }
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const changes = node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken
    return changes ? node.operand : undefined
  }
  if (ts.isDeleteExpression(node)) return node.expression
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined
  const { expression, name } = node.expression
  if (rootOf(expression) === 'Object' && name.text === 'assign') return node.arguments[0]
  return MUTATORS.includes(name.text) ? expression : undefined
}

function sharedState(source: Source): string[] {
  const found: string[] = []
  const declared = moduleNames(source)
  const imported = new Set(importsOf(source).flatMap(({ names }) => [...names.keys()]))
  walk(source.tree, (node) => {
    if (ts.isPropertyDeclaration(node) && isStatic(node) && !isReadonly(node))
      found.push(`${placeOf(source, node)} is static and not readonly`)
    const target = changedBy(node)
    if (target === undefined) return
    const name = rootOf(target)
    if (name === undefined || isLocal(node, name)) return
    if (declared.has(name) || imported.has(name)) found.push(`${placeOf(source, node)} changes ${name}`)
  })
  for (const statement of source.tree.statements)
    if (ts.isVariableStatement(statement)) found.push(...heldBy(source, statement))
  return found
}

function isStatic(node: ts.PropertyDeclaration): boolean {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false
}

function isReadonly(node: ts.PropertyDeclaration): boolean {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword) ?? false
}

/** Whether a function around the node binds the name for itself. */
function isLocal(node: ts.Node, name: string): boolean {
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    let binds = false
    if (ts.isFunctionLike(at))
      for (const parameter of at.parameters) walk(parameter.name, (part) => (binds ||= isNamed(part, name)))
    if (ts.isBlock(at) || ts.isForStatement(at) || ts.isForOfStatement(at) || ts.isForInStatement(at)) {
      at.forEachChild((child) => {
        const list = ts.isVariableStatement(child) ? child.declarationList : child
        if (ts.isVariableDeclarationList(list)) {
          for (const declaration of list.declarations) walk(declaration.name, (part) => (binds ||= isNamed(part, name)))
        }
      })
    }
    if (binds) return true
  }
  return false
}

function isNamed(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name
}

function heldBy(source: Source, { declarationList }: ts.VariableStatement): string[] {
  const place = placeOf(source, declarationList)
  if ((declarationList.flags & ts.NodeFlags.Const) === 0) return [`${place} is not const`]
  const found: string[] = []
  for (const { initializer } of declarationList.declarations) {
    if (initializer === undefined || !ts.isNewExpression(initializer)) continue
    const name = initializer.expression.getText(source.tree)
    if (!STATELESS.includes(name)) found.push(`${place} holds a ${name}`)
  }
  return found
}

function wrongExports(source: Source): string[] {
  const found: string[] = []
  const isIndex = source.path.endsWith('/index.ts')
  const imported = new Set(importsOf(source).flatMap(({ names }) => [...names.keys()]))
  walk(source.tree, (node) => {
    if (!ts.isExportDeclaration(node)) return
    const place = placeOf(source, node)
    const { exportClause, moduleSpecifier } = node
    if (exportClause === undefined || ts.isNamespaceExport(exportClause)) found.push(`${place} exports without names`)
    else if (!isIndex && moduleSpecifier !== undefined) found.push(`${place} re-exports`)
    else if (!isIndex) {
      for (const { name, propertyName } of exportClause.elements) {
        const local = (propertyName ?? name).text
        if (imported.has(local)) found.push(`${place} re-exports ${local}`)
      }
    }
  })
  return found
}

function looseTypes(source: Source): string[] {
  const found: string[] = []
  walk(source.tree, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(`${placeOf(source, node)} says any`)
    if (ts.isNonNullExpression(node)) found.push(`${placeOf(source, node)} asserts that something is there`)
    const isAssured =
      (ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node)) && node.exclamationToken !== undefined
    if (isAssured) found.push(`${placeOf(source, node)} asserts that something is assigned`)
  })
  source.text.split('\n').forEach((line, at) => {
    for (const suppression of SUPPRESSIONS)
      if (line.includes(suppression)) found.push(`${source.path}:${at + 1} has ${suppression}`)
  })
  return found
}

describe('core', () => {
  it('has its rooms, each with sources', () => {
    const rooms = new Set(core.map(({ path }) => roomOf(path)))
    expect([...rooms].sort()).toEqual(Object.keys(KNOWS).sort())
  })

  it('imports in each room only from the rooms that it knows, types too', () => {
    expect(core.flatMap(wrongRooms)).toEqual([])
  })

  it('does no I/O, reads no clock, sets no timer, and writes to no console', () => {
    expect(core.flatMap(surroundings)).toEqual([])
  })

  it('keeps no state in modules', () => {
    expect(core.flatMap(sharedState)).toEqual([])
  })

  it('needs one library at most', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8')) as {
      dependencies?: object
    }
    expect(Object.keys(manifest.dependencies ?? {})).toEqual(['eventemitter3'])
  })
})

describe('every package', () => {
  it('has no import cycle, types included', () => {
    expect(all.length).toBeGreaterThan(core.length)
    expect(cyclesIn(all)).toEqual([])
  })

  it('imports only the packages that it may, and never a part of one that is not exported', () => {
    expect(all.flatMap((source) => wrongPackages(source, isExported))).toEqual([])
  })

  it('keeps no state in modules', () => {
    expect(all.filter(({ path }) => !PROGRAMS.test(path)).flatMap(sharedState)).toEqual([])
  })

  it('re-exports in index.ts only, by explicit names', () => {
    expect(all.flatMap(wrongExports)).toEqual([])
  })

  it('has no any and no suppressions, tests included', () => {
    expect([...all, ...sourcesIn('test'), ...sourcesIn('examples')].flatMap(looseTypes)).toEqual([])
  })
})

describe('the checks themselves', () => {
  const check = (rule: (source: Source) => string[], text: string, path = 'packages/core/src/session/send.ts') =>
    rule(parse(path, text))

  it.each([
    [`import { a } from '../broker/broker.js'`, 'session does not know broker'],
    [`import type { A } from '../broker/options.js'`, 'session does not know broker'],
    [`type A = import('../broker/options.js').A`, 'session does not know broker'],
    [`export { a } from '../broker/broker.js'`, 'session does not know broker'],
    [`const a = await import('../index.js')`, 'session does not know entry'],
    [`import { readFile } from 'node:fs'`, 'imports node:fs'],
    [`import { b } from '../stray.js'`, 'session does not know ../stray.js'],
  ])('find the import in %j', (text, message) => {
    expect(check(wrongRooms, text).join()).toContain(message)
  })

  it('let the imports of the table be', () => {
    const text = `import { a } from '../errors.js'; import { b } from '../destination/queue.js'; import c from './states.js'; import 'eventemitter3'`
    expect(check(wrongRooms, text)).toEqual([])
    expect(check(wrongRooms, '', 'packages/core/src/stray.ts')).toHaveLength(1)
    expect(check(wrongRooms, '', 'packages/core/src/utils/stray.ts')).toHaveLength(1)
  })

  it.each([
    'setTimeout(f, 1)',
    'const now = Date.now()',
    'const then = new Date(0)',
    'performance.now()',
    'queueMicrotask(f)',
    'process.exit()',
    'console.log(1)',
    'const b = Buffer.alloc(1)',
    'function f(b: Buffer) {}',
    'globalThis.setTimeout(f, 1)',
  ])('find what is used in %j', (text) => {
    expect(check(surroundings, text)).toHaveLength(1)
  })

  it('let each thing be in its own place', () => {
    expect(check(surroundings, 'clock.now(); const a = { process: 1, Date: 2 }; a.process; session.Buffer')).toEqual([])
    expect(check(surroundings, 'console.log(1)', 'packages/core/src/logger.ts')).toEqual([])
    expect(check(surroundings, 'Buffer.alloc(1)', 'packages/core/src/codec/octets.ts')).toEqual([])
    expect(check(surroundings, 'setTimeout(f, Date.now())', 'packages/core/src/clock.ts')).toEqual([])
  })

  it.each([
    'let a = 1',
    'export let a = 1',
    'var a = 1',
    'const a = new Map(); export function f() { a.set(1, 2) }',
    'const a: string[] = []; export const f = () => a.push("x")',
    'const a = { n: 0 }; export const f = () => a.n++',
    'const a = { n: { m: 0 } }; export const f = () => { a.n.m = 1 }',
    'const a = new Cache()',
    'import { a } from "./a.js"; export const f = () => a.clear()',
    'class A { static n = 0 }',
    'class A { static readonly all = new Set() }; export const f = () => A.all.add(1)',
    'const a = {}; Object.assign(a, { n: 1 })',
  ])('find the state in %j', (text) => {
    expect(check(sharedState, text)).toHaveLength(1)
  })

  it('let constants and locals be', () => {
    const text = `
      const names = new Set(['a']); const table = { a: 1 }; const text = new TextDecoder()
      export function f(list: string[]) { const names = []; names.push(1); list.push('x'); for (const table of list) { table.push(1) } }
      export class A { #n = 0; static readonly none = new A(); f() { this.#n++; const { text } = this; text.push(1) } }`
    expect(check(sharedState, text)).toEqual([])
  })

  it('find cycles of values and of types, and no others', () => {
    const file = (name: string, text: string) => parse(`packages/core/src/session/${name}.ts`, text)
    const a = file('a', `import type { B } from './b.js'`)
    const b = file('b', `import { c } from './c.js'`)
    expect(cyclesIn([a, b, file('c', `import { d } from './d.js'`)])).toEqual([])
    expect(cyclesIn([a, b, file('c', `type A = import('./a.js').A`)])).toHaveLength(1)
    expect(cyclesIn([file('a', `export { a } from './a.js'`)])).toHaveLength(1)
  })

  it('find imports across packages that the table does not name', () => {
    const rule = (source: Source) => wrongPackages(source, (specifier) => specifier.split('/').length === 2)
    expect(check(rule, `import '@xtomp/core'`, 'packages/net/src/a.ts')).toEqual([])
    expect(check(rule, `import '@xtomp/net'`, 'packages/core/src/a.ts')).toHaveLength(1)
    expect(check(rule, `import '@xtomp/bench'`, 'packages/cli/src/a.ts')).toHaveLength(1)
    expect(check(rule, `await import('@xtomp/bench')`, 'packages/cli/src/a.ts')).toEqual([])
    expect(check(rule, `await import('@xtomp/bench')`, 'packages/fastify/src/a.ts')).toHaveLength(1)
    expect(check(rule, `import '@xtomp/core/src/a.js'`, 'packages/net/src/a.ts')).toHaveLength(1)
    expect(check(rule, `import '../../core/src/a.js'`, 'packages/net/src/a.ts')).toHaveLength(1)
  })

  it('find re-exports', () => {
    expect(check(wrongExports, `export * from './a.js'`, 'packages/core/src/index.ts')).toHaveLength(1)
    expect(check(wrongExports, `export * as a from './a.js'`, 'packages/core/src/index.ts')).toHaveLength(1)
    expect(check(wrongExports, `export { a } from './a.js'`)).toHaveLength(1)
    expect(check(wrongExports, `import { a } from './a.js'; export { a }`)).toHaveLength(1)
    expect(check(wrongExports, `const a = 1; export { a }`)).toEqual([])
    expect(check(wrongExports, `export { a } from './a.js'`, 'packages/core/src/index.ts')).toEqual([])
  })

  it.each([
    'let a: any',
    'const a = b as any',
    'const a = b!',
    'class A { a!: string }',
    ...SUPPRESSIONS.map((word) => `// ${word}`),
  ])('find what is loose in %j', (text) => {
    expect(check(looseTypes, text)).toHaveLength(1)
  })
})
