/** What becomes of an upgrade that is refused: an HTTP answer that says why, and what would be right. */

import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock, StompError } from '@xtomp/core'
import { Arrivals, isEncrypted, printable } from '@xtomp/net/socket'
import type { WebSocketSettings } from './options.js'
import { bestOf, SUBPROTOCOLS } from './subprotocol.js'

/** An HTTP answer. */
export interface Refusal {
  readonly status: number
  readonly text: string
}

/** Why an upgrade is not to be made; undefined where it may. What ws checks is left to ws. */
export function refusalOf(request: IncomingMessage, settings: WebSocketSettings): Refusal | undefined {
  const { origin, 'sec-websocket-protocol': offered } = request.headers
  if (request.httpVersion !== '1.1') return { status: 400, text: wrongVersion(request) }
  if (origin !== undefined && !isAllowed(origin, request, settings))
    return { status: 403, text: `pages of ${printable(origin)} may not connect here (option origins)` }
  if (offered === undefined ? settings.requireSubprotocol : bestOf(offered.split(/ *, */)) === '') {
    const asked = offered === undefined ? 'no subprotocol was asked for' : `${printable(offered)} is not spoken here`
    return { status: 400, text: `${asked}; these are: ${SUBPROTOCOLS.join(', ')}` }
  }
  return undefined
}

/** The answer to an upgrade at a path that nobody serves. */
export function unknownPath(path: string, served: readonly string[]): Refusal {
  const known = served.length === 0 ? '' : `; there is ${served.join(', ')}`
  return { status: 404, text: `nothing at ${printable(path)}${known}` }
}

/** The answer to an upgrade for which there are no files. */
export function noRoom({ message }: StompError): Refusal {
  return { status: 503, text: message }
}

/** Those who are refused, each until it has gone, or its time is up. */
export class Refused {
  readonly #leaving: Arrivals
  #isClosed = false

  /** @param lingerMs - how long one may keep its socket */
  constructor(clock: Clock, lingerMs: number) {
    this.#leaving = new Arrivals(clock, lingerMs)
  }

  /** Answers, and reads on, dropping it: a socket closed with unread octets is reset, and the answer is lost. */
  tell(socket: Socket, refusal: Refusal, headers: readonly string[] = []): void {
    // Where all is closed nobody is waited for.
    if (this.#isClosed) socket.once('finish', () => socket.destroy())
    else this.#leaving.add(socket)
    answer(socket, refusal, headers)
    socket.resume()
  }

  /** Cuts those that are still there. */
  close(): void {
    this.#isClosed = true
    this.#leaving.close()
  }
}

function answer(socket: Socket, { status, text }: Refusal, headers: readonly string[]): void {
  const body = `${text}\n`
  // A peer that has gone meanwhile needs no answer.
  socket.on('error', () => undefined)
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...headers,
      '',
      body,
    ].join('\r\n'),
  )
}

/** RFC 6455, 4.2.1. nginx asks with 1.0 unless it is told otherwise, and whoever set it up looks at this. */
function wrongVersion({ httpVersion }: IncomingMessage): string {
  return `a WebSocket begins with HTTP/1.1, and this was HTTP/${httpVersion} (behind nginx: proxy_http_version 1.1)`
}

function isAllowed(origin: string, request: IncomingMessage, { origins }: WebSocketSettings): boolean {
  if (typeof origins === 'function') return origins(origin)
  if (origins === 'same-origin') return isSame(origin, request)
  return origins === 'any' || origins.includes(origin)
}

/** Whether a page comes from where it connects to. A proxy that ends TLS leaves us without: then either scheme is right. */
function isSame(origin: string, { socket, headers: { host } }: IncomingMessage): boolean {
  if (host === undefined || !URL.canParse(origin)) return false
  const page = new URL(origin)
  if (page.protocol !== 'https:' && (page.protocol !== 'http:' || isEncrypted(socket))) return false
  // As an origin writes it: in lower case, and without the port that goes without saying.
  const url = `${page.protocol}//${host}`
  return URL.canParse(url) && new URL(url).host === page.host
}
