/** Names of options: how a path is written, and which one was meant. */

import { closest, distance } from 'fastest-levenshtein'
import type { Path } from './document.js'
import { resolved, type Schema, schema } from './schema.js'

/** A path as people write it: `listeners[0].port`. */
export function written(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

const MOST_SLIPS = 3

/** Which of the words that there are was meant, if one is near. */
export function meant(word: string, words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined
  const nearest = closest(word, words)
  // Half of a short word, two letters that changed places; more than that is another word.
  const most = Math.min(MOST_SLIPS, Math.max(1, Math.floor(word.length / 2)))
  return distance(word.toLowerCase(), nearest.toLowerCase()) <= most ? nearest : undefined
}

/** Where an option of this name does stand, if it is in the wrong place. */
export function placeOfName(name: string, part: Schema = schema, above = ''): string | undefined {
  const { properties = {}, items } = resolved(part)
  if (items !== undefined) return placeOfName(name, items, `${above}[]`)
  for (const key of Object.keys(properties)) if (key === name) return above === '' ? key : `${above}.${key}`
  for (const [key, value] of Object.entries(properties)) {
    const found = placeOfName(name, value, above === '' ? key : `${above}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}
