/** Connects to a broker by its URL. */

import type { Client, Target } from './client.js'

/** Where a broker is, unless another place is given. */
export const DEFAULT_URL = 'stomp://127.0.0.1:61613'

/** A broker's URL. @throws TypeError where it is none; nothing of what was given is in it, which may hold a passcode */
export function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || !['stomp:', 'ws:', 'wss:'].includes(url.protocol))
    throw new TypeError("a broker's URL must be stomp://host:port, ws://host:port/path or wss://host:port/path")
  if (url.protocol === 'stomp:' && !['', '/'].includes(url.pathname))
    throw new TypeError("a broker's URL stomp://host:port has no path; --vhost NAME names a virtual host")
  try {
    decodeURIComponent(url.username + url.password)
  } catch {
    throw new TypeError("in a broker's URL a % of login or passcode must be written %25")
  }
  return url
}

/** A URL without login and passcode, for people to read. */
export function shownUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

/** Connects. @throws Error that says in one line why not */
export async function connect(target: Target): Promise<Client> {
  try {
    target.stop.throwIfAborted()
    // Whoever speaks TCP need not load what WebSockets want.
    if (target.url.protocol === 'stomp:') return await (await import('./tcp-client.js')).connectTcp(target)
    return await (await import('./web-socket-client.js')).connectWebSocket(target)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`${shownUrl(target.url)}: ${message}`, { cause: error })
  }
}

/** How long a broker may take to confirm the end, in milliseconds. */
const CLOSE_MS = 5_000

/** Ends a session; one that the broker does not confirm in time is cut. */
export async function end(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the broker does not confirm the end')), CLOSE_MS)
  })
  try {
    await Promise.race([client.close(), late])
  } finally {
    clearTimeout(timer)
    client.abort()
  }
}
