/** A client that gets back what it sends: the shortest way to see what became of a frame. */

import type { Env } from './suite.js'
import type { WireClient, WireFrame } from './wire-client.js'

/** A client, CONNECTED, and the topic that it listens to with the subscription id `echo`. */
export interface Echo {
  readonly client: WireClient
  readonly topic: string
  /** Writes one SEND with these header lines, literally, and takes the MESSAGE. */
  send(lines?: string, body?: string): Promise<WireFrame>
}

/** Connects a client and subscribes it to a topic of its own. */
export async function echo(env: Env, version = '1.2'): Promise<Echo> {
  const client = await env.connect({}, version)
  const topic = env.topic('echo')
  await client.confirm('SUBSCRIBE', { id: 'echo', destination: topic })
  return {
    client,
    topic,
    send: (lines = '', body = '') => {
      client.write(`SEND\ndestination:${topic}\n${lines}\n${body}\0`)
      return client.frame('MESSAGE')
    },
  }
}
