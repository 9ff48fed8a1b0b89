/** What is answered to whoever asks whether the broker is well. */

import type { ServerResponse } from 'node:http'
import type { Broker } from '@xtomp/core'

/** How `GET /health` is answered. */
export interface HealthOptions {
  /** Where. @defaultValue '/health' */
  readonly path?: string | undefined
  /**
   * Adds facts of the host's own to the answer. One that throws makes it 503, `failing`; what it threw goes to the log, and
   * to nobody else.
   */
  readonly facts?: (() => object) | undefined
}

/** 200 and how much there is; 503 where the broker is about to be gone, or the host's facts cannot be had. */
export function answerHealth(
  response: ServerResponse,
  { broker, facts, isDraining }: { broker: Broker; facts: HealthOptions['facts']; isDraining: boolean },
): void {
  const { sessions, messages } = broker.stats()
  const known = { sessions, messages }
  let [code, answer] = isDraining ? [503, { status: 'draining', ...known }] : [200, { status: 'ok', ...known }]
  try {
    answer = { ...answer, ...facts?.(), status: answer.status }
  } catch (err) {
    broker.logger.error({ err }, 'health.facts has thrown')
    if (!isDraining) [code, answer] = [503, { status: 'failing', ...known }]
  }
  const body = `${JSON.stringify(answer)}\n`
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  response.writeHead(code, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
