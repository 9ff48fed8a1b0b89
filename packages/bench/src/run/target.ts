/** Where a broker is, from a URL: resolved once, before anything is started. */

import { lookup } from 'node:dns/promises'
import type { Target } from '../load/plan.js'

const SCHEMES: Readonly<Record<string, { transport: Target['transport']; port: number }>> = {
  'stomp:': { transport: 'tcp', port: 61_613 },
  'stomps:': { transport: 'tls', port: 61_614 },
  'ws:': { transport: 'ws', port: 80 },
  'wss:': { transport: 'wss', port: 443 },
}

/** A broker's URL, taken apart. @throws TypeError where it is none; nothing of it is told, for it may hold a passcode */
export function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || !(url.protocol in SCHEMES))
    throw new TypeError(
      "a broker's URL must be stomp://host:port, stomps://host:port, ws://host:port/path or wss://host:port/path",
    )
  try {
    decodeURIComponent(url.username + url.password)
  } catch {
    throw new TypeError("in a broker's URL a % of login or passcode must be written %25")
  }
  return url
}

/** Another broker's URL: a whole one, or a host and a port that are spoken to as the first one is. */
export function otherUrl(text: string, first: string): string {
  if (text.includes('://')) return urlOf(text).href
  const [, host = '', port = ''] = /^(\[[\da-f:]+\]|[^:[\]/@]+):(\d{1,5})$/i.exec(text) ?? []
  if (host === '') throw new TypeError('the other broker must be host:port, or a URL')
  const url = new URL(urlOf(first).href)
  url.hostname = host
  url.port = port
  return url.href
}

/** A URL without login and passcode, for people to read. */
export function shownUrl(text: string): string {
  const { protocol, host, pathname } = new URL(text)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

/** Resolves the host. @throws Error where nobody has that name */
export async function targetOf(
  text: string,
  { ca, isInsecure }: { ca?: string | undefined; isInsecure: boolean },
): Promise<Target> {
  const url = urlOf(text)
  const { transport, port } = SCHEMES[url.protocol] ?? { transport: 'tcp', port: 0 }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // Who listens at 127.0.0.1 alone is found by the name localhost, too.
  const { address } = await lookup(host, { verbatim: false })
  return {
    transport,
    address,
    port: url.port === '' ? port : Number(url.port),
    host,
    path: `${url.pathname === '' ? '/' : url.pathname}${url.search}`,
    ca,
    isVerified: !isInsecure,
  }
}
