/** Whose pages may open a WebSocket here: any page of the web could try, for whoever looks at it. */

import type { OriginRule } from '@xtomp/ws'
import type { WebSocketConfig } from '../config/listener.js'
import { isLoopback } from './address.js'

/** What the door is told. */
export function originsFor(origins: WebSocketConfig['origins'], host: string): OriginRule {
  const rule = origins ?? (isLoopback(host) ? 'local' : 'same-origin')
  return rule === 'local' ? isLocal : rule
}

/**
 * Pages that this machine serves, at whatever port: those of somebody who writes a page. By name or address alone:
 * `same-origin` would let a stranger's page in whose name leads to this machine.
 */
function isLocal(origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const name = new URL(origin).hostname.replace(/^\[|\]$/g, '')
  return isLoopback(name) || name.endsWith('.localhost')
}
