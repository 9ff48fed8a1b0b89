/** Reads what Linux tells in files, below a root: that of the machine, or a copy. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Nothing here throws: what cannot be read is undefined. */
export class Tree {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  text(path: string): string | undefined {
    try {
      return readFileSync(join(this.#root, path), 'utf8')
    } catch {
      return undefined
    }
  }

  /** The names in a folder; none where it cannot be read. */
  names(path: string): string[] {
    try {
      return readdirSync(join(this.#root, path)).sort()
    } catch {
      return []
    }
  }

  /** All numbers of a file with so many of them. */
  numbers(path: string, count: number): readonly number[] | undefined {
    const words = this.text(path)?.trim().split(/\s+/) ?? []
    const numbers = words.map(numberOf).filter((number) => number !== undefined)
    return words.length === count && numbers.length === count ? numbers : undefined
  }

  number(path: string): number | undefined {
    return this.numbers(path, 1)?.[0]
  }

  /** The number that stands behind a name at the beginning of a line, the first such. */
  numberBehind(path: string, name: string): number | undefined {
    const line = this.text(path)
      ?.split('\n')
      .find((line) => line.startsWith(name))
    return numberOf(line?.slice(name.length).trim().split(/\s+/)[0] ?? '')
  }
}

/** A number as the kernel and systemd write them; some have a word for none. */
export function numberOf(text: string): number | undefined {
  if (['max', 'unlimited', 'infinity'].includes(text)) return Number.POSITIVE_INFINITY
  if (!/^-?\d+$/.test(text)) return undefined
  // Beyond what counts exactly, it is the kernel's way to say that there is no limit.
  return Number.isSafeInteger(Number(text)) ? Number(text) : Number.POSITIVE_INFINITY
}
