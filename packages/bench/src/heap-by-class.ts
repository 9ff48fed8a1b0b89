/** Run by hand: what an idle subscribed connection costs in memory, by class of object. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generatorFrom, hold } from './generator.js'
import { type ClassWeight, weightByClass } from './heap-snapshot.js'
import { memoryOf } from './process-figures.js'
import { type ServerKind, serverNamed, startServer } from './server-process.js'

const FEW = 1_000
const MANY = 19_000

const USAGE = `heap: the memory of an idle subscribed connection, by class of object, slope from ${FEW} to ${MANY}

  --stload FILE   the load generator, its C source or its binary (or the variable STLOAD)
  --server NAME   bare, xtomp, or silent: xtomp whose log is off   (default bare and xtomp)
  --top N         how many classes to print                      (default 30)
  --help          this text
`

const { values } = parseArgs({
  options: {
    stload: { type: 'string' },
    server: { type: 'string' },
    top: { type: 'string' },
    help: { type: 'boolean' },
  },
})

try {
  if (values.help) process.stdout.write(USAGE)
  else for (const kind of serversNamed(values.server)) await weighConnections(kind)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

function serversNamed(name: string | undefined): readonly ServerKind[] {
  return name === undefined ? ['bare', 'xtomp'] : [serverNamed(name)]
}

async function weighConnections(kind: ServerKind): Promise<void> {
  const generator = generatorFrom(values.stload ?? process.env.STLOAD)
  const few = await weigh(kind, FEW, generator)
  const many = await weigh(kind, MANY, generator)
  const each = (after: number, before: number): number => (after - before) / (MANY - FEW)
  const lines = [...many.classes].map(([className, weight]) => {
    const before: ClassWeight = few.classes.get(className) ?? { count: 0, bytes: 0 }
    return { className, count: each(weight.count, before.count), bytes: each(weight.bytes, before.bytes) }
  })
  lines.sort((one, other) => other.bytes - one.bytes)
  const heap = lines.reduce((sum, { bytes }) => sum + bytes, 0)
  const resident = each(many.memory, few.memory)
  process.stdout.write(
    `\n${kind}: ${resident.toFixed(0)} octets of memory a connection, ${heap.toFixed(0)} of them objects of the heap\n`,
  )
  process.stdout.write('   octets    count  class\n')
  for (const { className, count, bytes } of lines.slice(0, Number(values.top ?? 30))) {
    process.stdout.write(`${bytes.toFixed(1).padStart(9)}${count.toFixed(2).padStart(9)}  ${className}\n`)
  }
}

async function weigh(
  kind: ServerKind,
  connections: number,
  generator: string,
): Promise<{ memory: number; classes: Map<string, ClassWeight> }> {
  const folder = mkdtempSync(join(tmpdir(), 'xtomp-heap-'))
  const file = join(folder, `${kind}-${connections}.heapsnapshot`)
  const server = await startServer(kind, { probe: true })
  const release = await hold(generator, server, connections)
  await server.collect()
  const memory = memoryOf(server.pid)
  await server.snapshot(file)
  await release()
  await server.stop()
  const classes = weightByClass(file)
  rmSync(folder, { recursive: true })
  return { memory, classes }
}
