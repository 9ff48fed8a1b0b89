/**
 * Prints how large each entry point is, minified and compressed, by itself and with all that it imports, in octets; exit
 * code 1 where the core is too large.
 * `node scripts/setup.mjs` builds what is measured.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** What an entry point may have after brotli, with all that it imports. */
const MOST_OCTETS = { '@xtomp/core': 30_000 }

const rows = []
for (const name of readdirSync(join(root, 'packages'))) {
  const folder = join(root, 'packages', name)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const [path, { import: module }] of Object.entries(manifest.exports ?? {})) {
    if (module !== undefined) rows.push(await measured(manifest.name + path.slice(1), join(folder, module.default)))
  }
}

const columns = ['entry point', 'minified', 'gzip', 'brotli', 'with imports: gzip', 'brotli']
const table = [
  columns,
  ...rows.map(({ entry, sizes }) => [entry, ...sizes.map((size) => size.toLocaleString('en-US'))]),
]
const widths = columns.map((_, at) => Math.max(...table.map((cells) => cells[at].length)))
for (const cells of table) {
  console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  '))
}
for (const { entry, sizes } of rows) {
  const octets = sizes.at(-1)
  if (!(octets >= MOST_OCTETS[entry])) continue
  console.error(
    `${entry} has ${octets} octets with what it imports, minified, with brotli; ${MOST_OCTETS[entry]} are the most`,
  )
  process.exitCode = 1
}

async function measured(entry, file) {
  const own = await bundled(file, { packages: 'external' })
  const all = await bundled(file, {})
  return { entry, sizes: [own.length, ...compressed(own), ...compressed(all)] }
}

async function bundled(file, options) {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    write: false,
    // Of other packages, too, what was built: this workspace's paths lead to sources.
    tsconfigRaw: {},
    ...options,
  })
  return outputFiles[0].contents
}

/** With gzip, and with brotli, each at its best. */
function compressed(octets) {
  return [gzipSync(octets, { level: 9 }).length, brotliCompressSync(octets).length]
}
