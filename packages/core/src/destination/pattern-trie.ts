/** Patterns by their segments, so that a name finds those that match it without trying each. */

import { segmentsOf } from './name.js'

class Node<T> {
  /** Whether `**` leads here: then any further segment stays here. */
  readonly isOpen: boolean
  readonly parent: Node<T> | undefined
  /** What leads here from the parent. */
  readonly segment: string
  /** Most nodes have one child, or none: there is a map only where one is needed. */
  #children: Map<string, Node<T>> | undefined
  /** The child under `*`. */
  any: Node<T> | undefined
  /** The child under `**`. */
  open: Node<T> | undefined
  values: Set<T> | undefined
  /** The step that has reached it last: no list of those reached has it twice. */
  reachedAt = 0

  constructor(segment: string, parent: Node<T> | undefined) {
    this.segment = segment
    this.parent = parent
    this.isOpen = segment === '**'
  }

  get isEmpty(): boolean {
    const hasChildren = this.any !== undefined || this.open !== undefined || this.#children !== undefined
    return !hasChildren && this.values === undefined
  }

  /** The child under a segment of a name. */
  exact(segment: string): Node<T> | undefined {
    return this.#children?.get(segment)
  }

  /** The child under a segment of a pattern. */
  child(segment: string): Node<T> | undefined {
    if (segment === '*') return this.any
    return segment === '**' ? this.open : this.exact(segment)
  }

  /** Makes the child under a segment of a pattern. */
  add(segment: string): Node<T> {
    const child = new Node(segment, this)
    if (segment === '*') this.any = child
    else if (segment === '**') this.open = child
    else {
      this.#children ??= new Map()
      this.#children.set(segment, child)
    }
    return child
  }

  /** Takes the child under a segment of a pattern out. */
  delete(segment: string): void {
    if (segment === '*') this.any = undefined
    else if (segment === '**') this.open = undefined
    else if (this.#children?.size === 1) this.#children = undefined
    else this.#children?.delete(segment)
  }
}

/** A set of values under patterns; `*` is one whole segment, `**` any number of them. */
export class PatternTrie<T> {
  readonly #root = new Node<T>('', undefined)
  #steps = 0
  /** How many values there are. */
  size = 0
  /** How many nodes there are for them. */
  nodes = 0

  /** Adds a value under a pattern, and answers how many there are now. */
  add(pattern: string, value: T): number {
    let node = this.#root
    for (const segment of segmentsOf(pattern)) {
      const child = node.child(segment)
      if (child === undefined) this.nodes++
      node = child ?? node.add(segment)
    }
    node.values ??= new Set()
    if (!node.values.has(value)) this.size++
    return node.values.add(value).size
  }

  /** Takes a value out from under its pattern, and answers how many are left there. */
  delete(pattern: string, value: T): number {
    let node: Node<T> | undefined = this.#root
    for (const segment of segmentsOf(pattern)) node = node?.child(segment)
    if (node?.values?.delete(value) !== true) return 0
    this.size--
    const { size } = node.values
    if (size === 0) node.values = undefined
    for (; node.isEmpty && node.parent !== undefined; node = node.parent) {
      node.parent.delete(node.segment)
      this.nodes--
    }
    return size
  }

  /** All values whose pattern matches `name`, each once. */
  match(name: string): T[] {
    // All nodes that can be reached, segment by segment: a pattern with several `**` is walked once, not once for each way.
    let reached: Node<T>[] = []
    this.#steps++
    this.#reach(this.#root, reached)
    for (const segment of segmentsOf(name)) {
      const next: Node<T>[] = []
      this.#steps++
      for (const node of reached) {
        if (node.isOpen) this.#reach(node, next)
        this.#reach(node.exact(segment), next)
        this.#reach(node.any, next)
      }
      reached = next
    }
    const values = new Set<T>()
    for (const node of reached) for (const value of node.values ?? []) values.add(value)
    return [...values]
  }

  /** Adds a node, and those that `**` reaches from it with no segment at all. */
  #reach(first: Node<T> | undefined, reached: Node<T>[]): void {
    for (let node = first; node !== undefined && node.reachedAt !== this.#steps; node = node.open) {
      node.reachedAt = this.#steps
      reached.push(node)
    }
  }
}
