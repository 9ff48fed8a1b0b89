/** Who answers a request: health, the host's own handler, or a text that says what there is. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Broker } from '@xtomp/core'
import { pathOf } from '@xtomp/net/socket'
import { answerHealth } from './health.js'
import type { MuxSettings } from './options.js'

/** What answers are made of. */
export interface AnswerOptions extends Pick<MuxSettings, 'health' | 'http' | 'ws'> {
  readonly broker: Broker
  readonly isDraining: () => boolean
}

/** Answers the requests of a door. */
export function answersOf(options: AnswerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const { broker, health, http } = options
  const notFound = `There is nothing here. There is: ${servedBy(options).join('; ')}.`
  return (request, response) => {
    const path = pathOf(request)
    if (path !== health.path) {
      if (http === undefined) answerText(response, 404, notFound)
      else ask(broker, () => http(request, response), response)
    } else if (request.method === 'GET' || request.method === 'HEAD')
      answerHealth(response, { broker, facts: health.facts, isDraining: options.isDraining() })
    else answerText(response, 405, 'Ask with GET or HEAD.', { allow: 'GET, HEAD' })
  }
}

function servedBy({ health, ws }: AnswerOptions): string[] {
  const served = ['STOMP on this very port']
  if (ws !== false) {
    const { path } = ws
    served.push(typeof path === 'function' ? 'WebSockets' : `WebSockets at ${[path].flat().join(' and ')}`)
  }
  if (health.path !== undefined) served.push(`GET ${health.path}`)
  return served
}

/** The handler's fault is its request's end, not the process's. */
async function ask(broker: Broker, handler: () => unknown, response: ServerResponse): Promise<void> {
  try {
    await handler()
  } catch (err) {
    broker.logger.error({ err }, 'the handler of HTTP requests (option http) has failed')
    if (response.headersSent) response.destroy()
    else answerText(response, 500, 'The application has failed.')
  }
}

function answerText(
  response: ServerResponse,
  code: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const length = { 'content-length': Buffer.byteLength(text) + 1 }
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', ...length, ...headers }).end(`${text}\n`)
}
