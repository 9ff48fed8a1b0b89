/** One version over all packages: the repository has one, and moving it on moves all of them, with what changed. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { packages, root } from './support/sources.js'

const MANIFESTS = ['.', 'test', ...packages.map((name) => `packages/${name}`)].map((folder) => `${folder}/package.json`)

function run(folder: string, ...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/version.mjs', ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { status, said: `${stdout}${stderr}`.trim() }
}

/** The repository's manifests at version 1.2.3, with these changes. */
function copy(changes: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true })
  for (const path of MANIFESTS) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    const text = readFileSync(join(root, path), 'utf8')
    writeFileSync(join(folder, path), text.replace(/"version": ".*"/, '"version": "1.2.3"'))
  }
  writeFileSync(join(folder, 'CHANGELOG.md'), changes)
  return folder
}

function versionsIn(folder: string): unknown[] {
  return MANIFESTS.map((path) => JSON.parse(readFileSync(join(folder, path), 'utf8')).version)
}

test('the packages have one version', () => {
  const { status, said } = run(root)
  expect(said).toMatch(/^\d+\.\d+\.\d+$/)
  expect(status).toBe(0)
  expect(new Set(versionsIn(root))).toEqual(new Set([said]))
})

test('one package that has another is found', () => {
  const folder = copy('')
  const path = join(folder, 'packages/net/package.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace('1.2.3', '1.2.4'))
  expect(run(folder)).toEqual({ status: 1, said: expect.stringMatching(/^the versions differ: .*1\.2\.4/) })
})

test.each([
  ['major', '2.0.0'],
  ['minor', '1.3.0'],
  ['patch', '1.2.4'],
])('moves all packages on by a %s version, and what changed under its heading', (part, next) => {
  const folder = copy('# Changes\n\n## Unreleased\n\n- New.\n\n## 1.2.3, 2026-01-01\n\n- Old.\n')
  expect(run(folder, part)).toEqual({ status: 0, said: next })
  expect(new Set(versionsIn(folder))).toEqual(new Set([next]))
  expect(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8').replace(/(\d{4}-\d\d-\d\d)(?=\n\n- New)/, 'TODAY')).toBe(
    `# Changes\n\n## Unreleased\n\n## ${next}, TODAY\n\n- New.\n\n## 1.2.3, 2026-01-01\n\n- Old.\n`,
  )
})

test('releases nothing of which nothing is said', () => {
  const folder = copy('# Changes\n\n## Unreleased\n\n## 1.2.3, 2026-01-01\n\n- Old.\n')
  expect(run(folder, 'patch')).toEqual({ status: 1, said: 'CHANGELOG.md says nothing under Unreleased' })
  expect(new Set(versionsIn(folder))).toEqual(new Set(['1.2.3']))
})

test('takes no other word for the next version', () => {
  const folder = copy('# Changes\n\n## Unreleased\n\n- New.\n')
  expect(run(folder, 'bigger')).toEqual({
    status: 1,
    said: 'the next version is one of major, minor, patch; given bigger',
  })
})
