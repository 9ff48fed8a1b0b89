/** Patterns by their segments, so that a name finds those that match it without trying each. */

import { segmentsOf } from './name.js'

class Node<T> {
  /** Whether `**` leads here: then any further segment stays here. */
  readonly isOpen: boolean
  readonly children = new Map<string, Node<T>>()
  readonly values = new Set<T>()

  constructor(segment: string) {
    this.isOpen = segment === '**'
  }

  get isEmpty(): boolean {
    return this.children.size === 0 && this.values.size === 0
  }
}

/** A set of values under patterns; `*` is one whole segment, `**` any number of them. */
export class PatternTrie<T> {
  readonly #root = new Node<T>('')
  /** How many values there are. */
  size = 0

  /** Adds a value under a pattern. */
  add(pattern: string, value: T): void {
    let node = this.#root
    for (const segment of segmentsOf(pattern)) {
      let child = node.children.get(segment)
      if (child === undefined) {
        child = new Node(segment)
        node.children.set(segment, child)
      }
      node = child
    }
    if (node.values.has(value)) return
    node.values.add(value)
    this.size++
  }

  /** Takes a value out from under its pattern. */
  delete(pattern: string, value: T): void {
    const path: [Node<T>, string][] = []
    let node = this.#root
    for (const segment of segmentsOf(pattern)) {
      const child = node.children.get(segment)
      if (child === undefined) return
      path.push([node, segment])
      node = child
    }
    if (!node.values.delete(value)) return
    this.size--

    for (const [parent, segment] of path.reverse()) {
      if (!parent.children.get(segment)?.isEmpty) break
      parent.children.delete(segment)
    }
  }

  /** All values whose pattern matches `name`, each once. */
  match(name: string): T[] {
    // All nodes that can be reached, segment by segment: a pattern with several `**` is walked once, not once for each way.
    let reached = withOpen([this.#root])
    for (const segment of segmentsOf(name)) {
      const next = new Set<Node<T>>()
      for (const node of reached) {
        if (node.isOpen) next.add(node)
        const exact = node.children.get(segment)
        if (exact !== undefined) next.add(exact)
        const any = node.children.get('*')
        if (any !== undefined) next.add(any)
      }
      reached = withOpen(next)
    }
    return [...new Set([...reached].flatMap((node) => [...node.values]))]
  }
}

/** Nodes, and those that `**` reaches from them with no segment at all. */
function withOpen<T>(nodes: Iterable<Node<T>>): Set<Node<T>> {
  const all = new Set(nodes)
  for (const node of all) {
    const open = node.children.get('**')
    if (open !== undefined) all.add(open)
  }
  return all
}
