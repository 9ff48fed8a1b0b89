/**
 * Tries the packages as a stranger does: packs them, installs the tarballs with npm in an empty folder, and there
 * compiles and runs what the READMEs and the guide to testing print, as ES modules, as CommonJS and as TypeScript, with
 * node, jest and vitest. One line a case; exit code 1 where one failed.
 *
 *   node scripts/try-packages.mjs                     under this Node
 *   node scripts/try-packages.mjs 20 22 24 latest     under these; npm brings those that this one is not
 */

import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { programsIn } from './printed-programs.mjs'
import { execute, prints } from './processes.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** What the programs use beside our packages is linked from this workspace: npm installs what we pack, and no more. */
const LINKED = [
  ...['@types/node', 'vitest'].map((name) => `node_modules/${name}`),
  ...['@jest/globals', '@types/stompit', '@stomp/stompjs', 'expect', 'jest', 'stompit'].map(
    (name) => `test/node_modules/${name}`,
  ),
]
/** Each way in which TypeScript finds a package, and the folders of programs that it can compile. */
const RESOLUTIONS = [
  { module: 'node16', moduleResolution: 'node16', include: ['esm', 'cjs'] },
  { module: 'nodenext', moduleResolution: 'nodenext', include: ['esm', 'cjs', 'cjs-of-esm'] },
  { module: 'preserve', moduleResolution: 'bundler', include: ['esm'] },
  { module: 'commonjs', moduleResolution: 'node10', include: ['cjs', 'cjs-of-esm'] },
]
/** The one whose output is run. */
const EMITTED = 'nodenext'
/** What Node is told to run a program that is there for one of these. */
const RUNNERS = {
  node: (path) => [path],
  vitest: (path) => ['node_modules/vitest/vitest.mjs', 'run', path],
  jest: (path) => [
    // As jest says; for CommonJS it needs nothing.
    ...(path.endsWith('.mjs') ? ['--experimental-vm-modules'] : []),
    ...['node_modules/jest/bin/jest.js', '--runTestsByPath', path],
  ],
}
/** No more than Node has, and our declarations are checked, too. */
const COMPILER_OPTIONS = {
  strict: true,
  target: 'ES2022',
  lib: ['ES2022'],
  types: ['node'],
  skipLibCheck: false,
  esModuleInterop: true,
}

const manifests = readdirSync(join(root, 'packages'))
  .map((name) => ({ folder: `packages/${name}`, ...readJson(join(root, 'packages', name, 'package.json')) }))
  .filter((manifest) => manifest.private !== true)
/** Every entry point that can be imported. */
const entries = manifests.flatMap(({ name, exports = {} }) =>
  Object.keys(exports)
    .filter((path) => !path.endsWith('.json'))
    .map((path) => name + path.slice(1)),
)
const folder = mkdtempSync(join(tmpdir(), 'xtomp-packages-'))
let passed = 0
let failed = 0

await attempt('the packages can be tried', async () => {
  const tarballs = await pack()
  for (const tarball of tarballs) await lint(tarball)
  await install(tarballs)
  const programs = await writePrograms()
  for (const how of RESOLUTIONS) await compile(how)
  for (const version of process.argv.length > 2 ? process.argv.slice(2) : [major()]) await runUnder(version, programs)
})
rmSync(folder, { recursive: true, force: true })
console.log(`${passed} of ${passed + failed} cases passed`)
process.exitCode = failed === 0 ? 0 : 1

async function attempt(name, run) {
  try {
    await run()
    passed++
    console.log(`ok      ${name}`)
  } catch (error) {
    failed++
    console.log(`FAILED  ${name}\n${error.message.replace(/^/gm, '        ')}`)
  }
}

/** The tarballs, by their paths: built before, if need be. */
async function pack() {
  await execute(process.execPath, [join('scripts', 'setup.mjs')], root)
  const pnpm = ['exec', '--yes', `--package=${readJson(join(root, 'package.json')).packageManager}`, '--', 'pnpm']
  const filters = manifests.flatMap(({ name }) => ['--filter', name])
  await execute('npm', [...pnpm, '--recursive', ...filters, 'pack', '--pack-destination', folder], root)
  return manifests.map(({ name, version }) => join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`))
}

async function lint(tarball) {
  const name = tarball.slice(folder.length + 1)
  await attempt(`${name}: publint has nothing to say`, () => tool('publint', '--strict', tarball))
  await attempt(`${name}: its types are right`, () => tool('attw', '--no-color', tarball))
}

/** An empty folder, but for what npm installs, and what is linked. */
async function install(tarballs) {
  writeJson('package.json', { private: true })
  await execute('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], folder)
  for (const { name, version } of manifests)
    await attempt(`${name} is installed, with its dependencies`, () => {
      const installed = readJson(join(folder, 'node_modules', name, 'package.json'))
      if (installed.version !== version) throw new Error(`it is ${installed.version}, not ${version}`)
      const others = manifests.filter((other) => other.name in (installed.dependencies ?? {}))
      const wrong = others.filter((other) => installed.dependencies[other.name] !== other.version)
      if (wrong.length > 0) throw new Error(`it depends on ${JSON.stringify(installed.dependencies)}`)
    })
  for (const from of LINKED) {
    const to = join(folder, from.replace(/^test\//, ''))
    if (existsSync(to)) continue
    mkdirSync(dirname(to), { recursive: true })
    symlinkSync(join(root, from), to)
  }
}

/** Writes what is compiled and run; answers the programs of the documents. */
async function writePrograms() {
  const port = String(await freePort())
  const readmes = manifests.map((manifest) => `${manifest.folder}/README.md`)
  const documents = ['README.md', ...readmes, 'docs/testing-your-application.md']
  const programs = documents.flatMap((document) =>
    programsIn(document, readFileSync(join(root, document), 'utf8'), port),
  )
  for (const { path, text } of programs.flatMap(({ files }) => files)) write(path, text)
  for (const entry of entries) {
    const types = `export type { ${publicNames(entry).join(', ')} } from '${entry}'\n`
    const name = `types-of-${entry.replace(/\W+/g, '-')}`
    write(`esm/${name}.mts`, types)
    write(`cjs/${name}.cts`, types)
  }
  cpSync(join(root, 'scripts', 'consumers'), folder, { recursive: true })
  return programs
}

/** What an entry point exports, types included, as its declarations for ES modules say. */
function publicNames(entry) {
  const options = { module: ts.ModuleKind.NodeNext, types: [] }
  const from = join(folder, 'esm', 'any.mts')
  const { resolvedModule } = ts.resolveModuleName(
    entry,
    from,
    options,
    ts.sys,
    undefined,
    undefined,
    ts.ModuleKind.ESNext,
  )
  const program = ts.createProgram([resolvedModule.resolvedFileName], options)
  const checker = program.getTypeChecker()
  const symbol = checker.getSymbolAtLocation(program.getSourceFile(resolvedModule.resolvedFileName))
  return checker.getExportsOfModule(symbol).map(({ name }) => name)
}

async function compile({ include, ...how }) {
  const noEmit = how.moduleResolution !== EMITTED
  for (const exactOptionalPropertyTypes of [false, true]) {
    const options = { ...COMPILER_OPTIONS, ...how, exactOptionalPropertyTypes, noEmit, outDir: 'compiled' }
    writeJson('tsconfig.json', { compilerOptions: options, include })
    const exactly = exactOptionalPropertyTypes ? ', with exactOptionalPropertyTypes' : ''
    await attempt(`TypeScript compiles, moduleResolution ${how.moduleResolution}${exactly}`, () =>
      tool('tsc', '-p', folder),
    )
  }
}

async function runUnder(version, programs) {
  await attempt(`Node ${version} is here`, async () => {
    const node = await nodeOf(version)
    const name = `Node ${(await execute(node, ['--version'], folder)).trim().slice(1)}`
    const start = (...args) => execute(node, args, folder)
    await attempt(`${name}: entry points have the same names for both`, () => start('js/entry-points.mjs', ...entries))
    await attempt(`${name}: CommonJS entry points share classes`, () => start('js/shared-classes.cjs'))
    await attempt(`${name}: an ES module takes a broker of CommonJS`, () =>
      start('compiled/esm/doors-for-commonjs.mjs'),
    )
    await attempt(`${name}: the command`, () => {
      return prints('STOMP on 127.0.0.1:', node, ['node_modules/.bin/xtomp', 'serve', '--port', '0'], folder)
    })
    for (const { title, runner, output = '', files } of programs.filter(({ runner }) => runner in RUNNERS)) {
      for (const path of files.map(({ path }) => runnable(path))) {
        const args = RUNNERS[runner](path)
        await attempt(`${name}: ${title}, ${runner === 'node' ? '' : `${runner}, `}${extname(path)}`, () =>
          output === '' ? start(...args) : prints(output, node, args, folder),
        )
      }
    }
  })
}

/** Where a program is run from: TypeScript's is what became of it. */
function runnable(path) {
  const compiled = path.replace(/\.([mc])ts$/, '.$1js')
  return compiled === path ? path : join('compiled', compiled)
}

/** The path of a Node of this version, as npm's package `node` has it. */
async function nodeOf(version) {
  if (version === major()) return process.execPath
  const node = ['exec', '--yes', `--package=node@${version}`, '--', 'node']
  return execute('npm', [...node, '--print', 'process.execPath'], folder).then((path) => path.trim())
}

function major() {
  return process.versions.node.split('.')[0]
}

function tool(name, ...args) {
  return execute(join(root, 'node_modules', '.bin', name), args, folder)
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function writeJson(path, value) {
  write(path, JSON.stringify(value))
}

function write(path, text) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
