/** Reads what V8 writes of a heap, and adds it up by class. */

import { readFileSync } from 'node:fs'

/** How many objects of a class there are, and the octets that they take themselves. */
export interface ClassWeight {
  count: number
  bytes: number
}

interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[]
      readonly node_types: readonly [readonly string[], ...unknown[]]
    }
  }
  readonly nodes: readonly number[]
  readonly strings: readonly string[]
}

/** Kinds of nodes whose names say nothing of a class: their kind is the class. */
const NAMELESS = [
  'string',
  'concatenated string',
  'sliced string',
  'number',
  'bigint',
  'symbol',
  'code',
  'array',
  'regexp',
]

/** The weight of each class in a snapshot's file. */
export function weightByClass(file: string): Map<string, ClassWeight> {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, 'utf8')) as Snapshot
  const { node_fields: fields, node_types } = snapshot.meta
  const [kinds] = node_types
  const [kindAt, nameAt, sizeAt] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ]
  const weights = new Map<string, ClassWeight>()
  for (let node = 0; node < nodes.length; node += fields.length) {
    const className = classOf(kinds[nodes[node + kindAt] ?? 0] ?? '', strings[nodes[node + nameAt] ?? 0] ?? '')
    const weight = weights.get(className) ?? { count: 0, bytes: 0 }
    weight.count++
    weight.bytes += nodes[node + sizeAt] ?? 0
    weights.set(className, weight)
  }
  return weights
}

function classOf(kind: string, name: string): string {
  if (NAMELESS.includes(kind)) return `(${kind})`
  return kind === 'closure' ? `function ${name}` : name
}
