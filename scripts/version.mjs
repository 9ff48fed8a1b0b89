/**
 * One version over all packages, and what changed in it.
 *
 *   node scripts/version.mjs                        says which it is; exit code 1 where not all packages have it
 *   node scripts/version.mjs major|minor|patch      moves all packages to the next, and in CHANGELOG.md what stands
 *                                                   under "Unreleased" to a heading of its own
 *
 * Then `pnpm -r publish`, which writes the version into what packages want of each other.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const changelog = join(root, 'CHANGELOG.md')
const UNRELEASED = '## Unreleased\n'
const PARTS = ['major', 'minor', 'patch']

const manifests = ['.', 'test', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))]
  .map((folder) => join(root, folder, 'package.json'))
  .filter((path) => existsSync(path))
const [part] = process.argv.slice(2)

try {
  const version = part === undefined ? common() : moveOn(common(), PARTS.indexOf(part))
  console.log(version)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

/** The version that all packages have. */
function common() {
  const versions = manifests.map((path) => JSON.parse(readFileSync(path, 'utf8')).version)
  if (new Set(versions).size > 1) throw new Error(`the versions differ: ${versions.join(', ')}`)
  return versions[0]
}

function moveOn(version, at) {
  if (at === -1) throw new Error(`the next version is one of ${PARTS.join(', ')}; given ${part}`)
  const next = version
    .split('.')
    .map((number, place) => (place < at ? number : place === at ? Number(number) + 1 : 0))
    .join('.')
  const changes = readFileSync(changelog, 'utf8')
  const [, unreleased] = changes.split(/^## .*\n/m)
  if (!changes.includes(UNRELEASED) || unreleased.trim() === '')
    throw new Error('CHANGELOG.md says nothing under Unreleased')
  const date = new Date().toISOString().slice(0, 10)
  writeFileSync(changelog, changes.replace(UNRELEASED, `${UNRELEASED}\n## ${next}, ${date}\n`))
  for (const path of manifests) {
    writeFileSync(path, readFileSync(path, 'utf8').replace(`"version": "${version}"`, `"version": "${next}"`))
  }
  return next
}
