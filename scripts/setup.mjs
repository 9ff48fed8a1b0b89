/**
 * What `npm start` and `npm test` do on a machine with nothing but Node and npm: install what is not installed, build
 * what has changed, then run. Done again, the first two take no time.
 *
 *   node scripts/setup.mjs            installs and builds
 *   node scripts/setup.mjs start …    then runs the broker, with the arguments given
 *   node scripts/setup.mjs test …     then runs the tests, with the arguments given
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamps = join(root, 'node_modules', '.cache', 'xtomp')
/** In the order in which they need each other. */
const BUILT = ['core', 'testing', 'net', 'tls', 'ws', 'mux', 'fastify', 'cli']
/** How often the broker looks whether it has been left alone. */
const LOOK_MS = 200

const [task, ...args] = process.argv.slice(2)
install()
for (const name of BUILT) build(name)
if (task === 'start') await start()
else if (task === 'test') run(process.execPath, [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...args])

/** pnpm comes through npm: nobody needs to have it. */
function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const manifests = ['packages', 'examples', 'test'].flatMap((folder) =>
    filesBelow(folder, (name) => name === 'package.json'),
  )
  const state = hashOf(['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests])
  if (isDone('install', state)) return
  console.log('xtomp: installing')
  run('npm', [
    'exec',
    '--yes',
    `--package=${packageManager}`,
    '--',
    'pnpm',
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
  ])
  done('install', state)
}

function build(name) {
  const folder = join('packages', name)
  const own = [
    join(folder, 'package.json'),
    join(folder, 'tsup.config.ts'),
    ...filesBelow(join(folder, 'src'), isSource),
  ]
  // A package holds the types of those that it imports.
  const known = BUILT.slice(0, BUILT.indexOf(name)).flatMap((other) =>
    filesBelow(join('packages', other, 'src'), isSource),
  )
  const state = hashOf(['tsconfig.json', ...own, ...known])
  if (isDone(name, state) && existsSync(join(root, folder, 'dist'))) return
  console.log(`xtomp: building ${name}`)
  run(process.execPath, [join(root, 'node_modules', 'tsup', 'dist', 'cli-default.js'), '--silent'], folder)
  done(name, state)
}

/** The broker runs in this process: npm and its shell stand above it already, and each process would have to pass signals on. */
async function start() {
  subscribe('xtomp.serving', sayWhatToTry)
  process.argv.splice(2, Number.POSITIVE_INFINITY, 'serve', ...args)
  await import('../packages/cli/bin/xtomp.js')
  stopWithShell()
}

/** Once the doors are open: an option, a variable or a file may have said where they are. */
function sayWhatToTry({ listeners, isOpen }) {
  const login = isOpen ? '' : 'login:LOGIN\\npasscode:PASSCODE\\n'
  const frames = [
    `CONNECT\\naccept-version:1.2\\nhost:/\\n${login}\\n`,
    'SUBSCRIBE\\nid:0\\ndestination:/topic/a\\n\\n',
    'SEND\\ndestination:/topic/a\\n\\nhello',
  ]
  const { address, port } = listeners.find((listener) => listener.port !== undefined) ?? listeners[0]
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address
  const place = port === undefined ? `-U ${address}` : `${host} ${port}`
  console.log(`xtomp: to try it, in another terminal:
  printf '${frames.map((frame) => `${frame}\\0`).join('')}' | nc -q 1 ${place}
  README.md has a line for Python and for Node. Ctrl-C ends it.`)
}

/** npm passes SIGTERM to its shell, which ends and tells nobody: that another process is the parent now is all that shows. */
function stopWithShell() {
  const shell = process.ppid
  const look = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(look)
    process.kill(process.pid, 'SIGTERM')
  }, LOOK_MS)
  look.unref()
}

function run(command, parameters, folder = '.') {
  const { status } = spawnSync(command, parameters, { cwd: join(root, folder), stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function isDone(step, state) {
  const stamp = join(stamps, step)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === state
}

function done(step, state) {
  mkdirSync(stamps, { recursive: true })
  writeFileSync(join(stamps, step), state)
}

function isSource(name) {
  return name.endsWith('.ts') && !name.endsWith('.test.ts')
}

function filesBelow(folder, isWanted) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules' && entry.name !== 'dist')
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesBelow(path, isWanted)
      return isWanted(entry.name) ? [path] : []
    })
    .sort()
}

function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths)
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(root, path)))
      .update('\0')
  return hash.digest('hex')
}
