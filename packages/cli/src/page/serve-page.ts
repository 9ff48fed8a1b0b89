/** Answers requests for the page and its files; for nothing else. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { pathOf, printable } from '@xtomp/net/socket'
import { type PageFile, pageFiles } from './page-files.js'

/** Answers a request that is no upgrade. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** Whatever a name may be made of, beside a port. */
const HOST = /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i

/** Makes a handler of the page, which finds the broker's WebSockets at `stompPath` of the same host and port. */
export function servePage(stompPath: string): RequestHandler {
  const files = pageFiles(stompPath)
  return (request, response) => {
    const path = pathOf(request)
    const file = files.get(path)
    if (file === undefined)
      refuse(response, 404, `nothing at ${printable(path)}; there is ${[...files.keys()].join(', ')}`)
    else if (request.method !== 'GET' && request.method !== 'HEAD')
      refuse(response.setHeader('allow', 'GET, HEAD'), 405, `${path} is there for GET and HEAD`)
    else send(request, response, file)
  }
}

function send(request: IncomingMessage, response: ServerResponse, { type, body, etag }: PageFile): void {
  response.setHeaders(securityHeaders(request.headers.host))
  // Kept, but asked for each time whether it is still the same.
  response.setHeader('cache-control', 'no-cache')
  response.setHeader('etag', etag)
  const known = request.headers['if-none-match']?.split(/\s*,\s*/)
  if (known?.includes(etag)) {
    response.writeHead(304).end()
    return
  }
  response.writeHead(200, { 'content-type': type, 'content-length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.setHeaders(securityHeaders(undefined))
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}

/** What the page may do: load its own files, speak with its own host, and be shown in no other page. */
function securityHeaders(host: string | undefined): Map<string, string> {
  // Not every browser takes 'self' to mean its WebSockets, too.
  const sockets = host !== undefined && HOST.test(host) ? ` ws://${host} wss://${host}` : ''
  const policy = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'connect-src': `'self'${sockets}`,
    // stompjs makes one of a text, for its heart-beats.
    'worker-src': 'blob:',
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  }
  return new Map([
    [
      'content-security-policy',
      Object.entries(policy)
        .map((rule) => rule.join(' '))
        .join('; '),
    ],
    ['x-content-type-options', 'nosniff'],
    // The page's own tabs are to know each other, and nobody else is to be told.
    ['referrer-policy', 'same-origin'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
  ])
}
