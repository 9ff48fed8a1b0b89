/**
 * What `npm start` and `npm test` do on a machine with nothing but Node and npm: install what is not installed, build
 * what has changed, then run. Done again, the first two take no time.
 *
 *   node scripts/setup.mjs            installs and builds
 *   node scripts/setup.mjs start …    then runs the broker, with the arguments given
 *   node scripts/setup.mjs test …     then runs the tests, with the arguments given
 *   node scripts/setup.mjs check      does nothing, and fails where something is not built from the sources as they are
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
const BUILT = ['core', 'testing', 'net', 'tls', 'ws', 'mux', 'cluster', 'fastify', 'bench', 'cli']
/** How often the broker looks whether it has been left alone. */
const LOOK_MS = 200

const [task, ...args] = process.argv.slice(2)
if (task === 'check') check()
else {
  install()
  for (const name of BUILT) build(name)
}
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
    '--no-update-notifier',
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
  const state = stateOf(name)
  if (isBuilt(name, state)) return
  console.log(`xtomp: building ${name}`)
  run(process.execPath, [join(root, 'node_modules', 'tsup', 'dist', 'cli-default.js'), '--silent'], folderOf(name))
  done(name, state)
}

function check() {
  const stale = BUILT.filter((name) => !isBuilt(name, stateOf(name)))
  if (stale.length === 0) return
  console.error(`xtomp: not built from the sources as they are: ${stale.join(', ')}; run node scripts/setup.mjs`)
  process.exitCode = 1
}

function isBuilt(name, state) {
  return isDone(name, state) && existsSync(join(root, folderOf(name), 'dist'))
}

/** All that a package is built from. */
function stateOf(name) {
  const folder = folderOf(name)
  const own = [
    join(folder, 'package.json'),
    join(folder, 'tsup.config.ts'),
    ...filesBelow(join(folder, 'src'), isSource),
  ]
  // A package holds the types of those that it imports.
  const known = BUILT.slice(0, BUILT.indexOf(name)).flatMap((other) =>
    filesBelow(join(folderOf(other), 'src'), isSource),
  )
  return hashOf(['tsconfig.json', ...own, ...known])
}

function folderOf(name) {
  return join('packages', name)
}

/** The broker runs in this process: npm and its shell stand above it already, and each process would have to pass signals on. */
async function start() {
  subscribe('xtomp.serving', sayWhatToTry)
  process.argv.splice(2, Number.POSITIVE_INFINITY, 'serve', ...args)
  await import('../packages/cli/bin/xtomp.js')
  stopWithShell()
}

/** Once the doors are open: an option, a variable or a file may have said where they are. */
function sayWhatToTry({ doors, isOpen }) {
  const page = doors.find((door) => door.page !== undefined)?.page
  const plain = doors.filter(({ transport, isTls }) => transport === 'tcp' || (transport === 'mux' && !isTls))
  const door = plain.find(({ port }) => port !== undefined) ?? plain[0]
  const lines = [
    ...(page === undefined ? [] : [`open ${page} in two tabs of a browser, and subscribe to /topic/hello`]),
    ...(door === undefined ? [] : linesFor(door, isOpen)),
  ]
  console.log(['xtomp: to try it:', ...lines].join('\n  '))
  console.log('xtomp: Ctrl-C ends it.')
}

/** A line for a shell, Python and Node each, which others may paste. */
function linesFor({ host, port }, isOpen) {
  const frames = [
    `CONNECT\\naccept-version:1.2\\nhost:/\\n${isOpen ? '' : 'login:LOGIN\\npasscode:PASSCODE\\n'}\\n`,
    'SUBSCRIBE\\nid:0\\ndestination:/topic/hello\\n\\n',
    'SEND\\ndestination:/topic/hello\\n\\nhello from nc',
  ]
  const nc = `printf '${frames.map((frame) => `${frame}\\0`).join('')}' | nc -q 1`
  if (port === undefined) return [`${nc} -U ${host}`]
  const connect = isOpen ? 'wait=True' : "'LOGIN', 'PASSCODE', wait=True"
  const headers = isOpen ? '' : ", connectHeaders: { login: 'LOGIN', passcode: 'PASSCODE' }"
  return [
    `${nc} ${host} ${port}`,
    '# after pip install stomp.py',
    `python3 -c "import stomp; c = stomp.Connection([('${host}', ${port})]); c.connect(${connect}); c.send('/topic/hello', 'hello from Python'); c.disconnect()"`,
    '# after npm install stompit',
    `node -e "require('stompit').connect({ host: '${host}', port: ${port}${headers} }, (e, c) => { c.send({ destination: '/topic/hello' }).end('hello from Node'); c.disconnect() })"`,
  ]
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
