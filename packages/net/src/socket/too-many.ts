/** What a client is told that finds a door full. */

import { StompError } from '@xtomp/core'

/** The refusal of one connection more than `maxConnections`. */
export function tooMany(limit: number): StompError {
  const text = `this door takes ${limit} connections, and has them (option maxConnections)`
  const excess = { what: 'this door', limit, seen: limit + 1, unit: 'connections', option: 'maxConnections' }
  return new StompError('connections-too-many', text, { excess })
}
