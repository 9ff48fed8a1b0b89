/** Names of options: how a path is written, and where one does stand. */

import type { Path } from './document.js'
import { resolved, type Schema, schema } from './schema.js'

/** A path as people write it: `listeners[0].port`. */
export function written(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
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
