/** The set-up behind `npm start` and `npm test`, in a copy with stand-ins for npm and for the builder: what is done when. */

import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../support/sources.js'

/** In the order in which the set-up builds them. */
const PACKAGES = /BUILT = \[(.*)\]/
  .exec(readFileSync(join(root, 'scripts', 'setup.mjs'), 'utf8'))?.[1]
  ?.replaceAll(/[' ]/g, '')
  .split(',') as string[]

/** A repository in which nothing is installed or built, and what its set-up does. */
interface Copy {
  readonly folder: string
  /** Runs the set-up, and answers what it had done, in order. */
  run(...args: string[]): string[]
}

function copy(): Copy {
  const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'tsconfig.json', 'scripts'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  for (const name of PACKAGES) {
    const from = join('packages', name)
    for (const part of ['package.json', 'tsup.config.ts', 'src'])
      cpSync(join(root, from, part), join(folder, from, part), { recursive: true })
  }
  const log = join(folder, 'log')
  const note = `require('node:fs').appendFileSync(${JSON.stringify(log)},`
  const builder = `${note} 'build ' + require('node:path').basename(process.cwd()) + '\\n'); require('node:fs').mkdirSync('dist', { recursive: true })`
  const tests = `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(log)}, ['vitest', ...process.argv.slice(2)].join(' ') + '\\n')`
  // What npm is asked to do, and what it then leaves behind.
  const npm = `#!/usr/bin/env node
const { mkdirSync, writeFileSync } = require('node:fs')
${note} 'npm ' + process.argv.slice(2).join(' ') + '\\n')
mkdirSync('node_modules/tsup/dist', { recursive: true })
mkdirSync('node_modules/vitest', { recursive: true })
writeFileSync('node_modules/tsup/dist/cli-default.js', ${JSON.stringify(builder)})
writeFileSync('node_modules/vitest/vitest.mjs', ${JSON.stringify(tests)})
`
  const tools = join(folder, 'tools')
  mkdirSync(tools)
  // No package.json above it may make it a module of the other kind.
  writeFileSync(join(tools, 'package.json'), '{}')
  writeFileSync(join(tools, 'npm'), npm)
  chmodSync(join(tools, 'npm'), 0o755)
  return {
    folder,
    run: (...args) => {
      writeFileSync(log, '')
      const env = { ...process.env, PATH: [tools, process.env.PATH].join(delimiter) }
      execFileSync(process.execPath, ['scripts/setup.mjs', ...args], { cwd: folder, env, stdio: 'pipe' })
      return readFileSync(log, 'utf8').split('\n').slice(0, -1)
    },
  }
}

const BUILDS = PACKAGES.map((name) => `build ${name}`)

test('installs with the pnpm that package.json names, builds in order, and does neither again', () => {
  const { run } = copy()
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [install, ...builds] = run()
  expect(install).toContain(`--package=${packageManager} -- pnpm install --frozen-lockfile`)
  expect(builds).toEqual(BUILDS)
  expect(run()).toEqual([])
})

test('hands arguments on to the tests, and a second run only tests', () => {
  const { run } = copy()
  expect(run('test', '--watch').at(-1)).toBe('vitest run --watch')
  expect(run('test', 'test/net')).toEqual(['vitest run test/net'])
})

test('builds what has changed and whatever holds it, and does not install for that', () => {
  const { folder, run } = copy()
  run()
  const change = (file: string) => appendFileSync(join(folder, file), '\n')
  change('packages/cli/src/main.ts')
  expect(run()).toEqual(['build cli'])
  change('packages/net/src/index.ts')
  expect(run()).toEqual(BUILDS.slice(PACKAGES.indexOf('net')))
  change('packages/core/src/index.ts')
  expect(run()).toEqual(BUILDS)
  rmSync(join(folder, 'packages', 'net', 'dist'), { recursive: true })
  expect(run()).toEqual(['build net'])
  expect(run()).toEqual([])
})

test('tells what is not built from the sources as they are, and does nothing about it', () => {
  const { folder, run } = copy()
  expect(() => run('check')).toThrow(`not built from the sources as they are: ${PACKAGES.join(', ')}; run node`)
  run()
  expect(run('check')).toEqual([])
  appendFileSync(join(folder, 'packages/cli/src/main.ts'), '\n')
  expect(() => run('check')).toThrow('not built from the sources as they are: cli; run node scripts/setup.mjs')
  expect(run()).toEqual(['build cli'])
})

test('installs again when what is to be installed has changed, or is gone', () => {
  const { folder, run } = copy()
  run()
  appendFileSync(join(folder, 'pnpm-lock.yaml'), '\n')
  expect(run()).toEqual([expect.stringContaining('pnpm install')])
  rmSync(join(folder, 'node_modules'), { recursive: true })
  expect(run()).toEqual([expect.stringContaining('pnpm install'), ...BUILDS])
})
