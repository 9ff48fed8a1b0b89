/** The project's own sources, parsed, for tests that read code. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** A parsed file. */
export interface Source {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
  readonly tree: ts.SourceFile
}

/** One file asking for another. */
export interface Import {
  /** What stands in the quotes. */
  readonly specifier: string
  /** The local names that it binds, with the names that they have there; none for a re-export. */
  readonly names: ReadonlyMap<string, string>
  readonly line: number
  /** Whether it happens when it is come to, and not when the file is loaded. */
  readonly isLate: boolean
}

/** The root of the repository. */
export const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '..', '..'))

/** The folders of `packages/`. */
export const packages: readonly string[] = readdirSync(join(root, 'packages'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(root, 'packages', entry.name, 'src')))
  .map(({ name }) => name)

/** A source of this text, as if it stood at this path. */
export function parse(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) }
}

/** All TypeScript files under a folder. */
export function sourcesIn(folder: string): Source[] {
  const from = join(root, folder)
  if (!existsSync(from)) return []
  return readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => parse(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8')))
}

/** Calls `look` for each node of a tree. */
export function walk(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  node.forEachChild((child) => walk(child, look))
}

/** Where a node stands, for a failure's message. */
export function placeOf({ path, tree }: Source, node: ts.Node): string {
  return `${path}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`
}

/** Everything a source imports: values and types, re-exports, `import()` and `import('…')` in a type. */
export function importsOf({ tree }: Source): Import[] {
  const imports: Import[] = []
  const add = (
    literal: ts.Node | undefined,
    { names = new Map(), isLate = false }: { names?: ReadonlyMap<string, string>; isLate?: boolean } = {},
  ) => {
    if (literal === undefined || !ts.isStringLiteralLike(literal)) return
    const line = tree.getLineAndCharacterOfPosition(literal.getStart(tree)).line + 1
    imports.push({ specifier: literal.text, names, line, isLate })
  }
  walk(tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, { names: boundBy(node) })
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node.moduleReference.expression)
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal)
    else if (ts.isCallExpression(node) && isImportCall(node)) add(node.arguments[0], { isLate: true })
  })
  return imports
}

function isImportCall({ expression }: ts.CallExpression): boolean {
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === 'require')
  )
}

function boundBy({ importClause }: ts.ImportDeclaration): Map<string, string> {
  const names = new Map<string, string>()
  if (importClause?.name !== undefined) names.set(importClause.name.text, 'default')
  const bindings = importClause?.namedBindings
  if (bindings === undefined) return names
  if (ts.isNamespaceImport(bindings)) names.set(bindings.name.text, '*')
  else for (const { name, propertyName } of bindings.elements) names.set(name.text, (propertyName ?? name).text)
  return names
}

/** The path that a relative specifier means, as a source's `path` is written. */
export function resolveFrom(path: string, specifier: string): string {
  const target = join(dirname(path), specifier).split(sep).join('/')
  return target.replace(/\.js$/, '.ts')
}
