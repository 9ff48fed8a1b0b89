/** `xtomp pub`: sends messages, one that is given or one for each line that is read. */

import { createInterface } from 'node:readline'
import type { Client } from './client/client.js'
import { connect, end } from './client/connect.js'
import { messageOf } from './client/header.js'
import { EXIT } from './exit-codes.js'
import { type Streams, say } from './streams.js'

/** What to send, and where. */
export interface PubRequest {
  readonly url: URL
  readonly vhost: string
  readonly destination: string
  /** Default: stdin. */
  readonly body?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Each line is an object with headers and body. */
  readonly isJson: boolean
  /** All of stdin is one message, rather than each line. */
  readonly isWhole: boolean
  /** Whether to wait for the RECEIPT of each message; that of the end is always waited for. */
  readonly isConfirmed: boolean
}

/** Sends, and answers the exit code; `stop` ends it early. */
export async function pub(request: PubRequest, streams: Streams, stop: AbortSignal): Promise<number> {
  let sent = 0
  let client: Client | undefined
  try {
    if (!request.destination.startsWith('/') && streams.stderr.isTTY === true)
      say(streams, hintFor(request.destination))
    client = await connect({ url: request.url, host: request.vhost, stop })
    for await (const text of textsOf(request, streams, ended(client, stop))) {
      await client.send(outgoing(request, text, sent))
      sent++
      if (stop.aborted) break
    }
    // Nothing that waits: it only asks whether the session is lost.
    await Promise.race([client.lost, undefined])
    await end(client)
    if (!stop.aborted) return EXIT.fine
    say(streams, `stopped after ${sent} messages`)
    return EXIT.failed
  } catch (error) {
    say(streams, error instanceof Error ? error.message : String(error))
    client?.abort()
    return EXIT.failed
  } finally {
    // Whoever still writes into it need not: nobody reads any more.
    streams.stdin.destroy()
  }
}

/** For people only, who may have meant a queue: in a script it would be noise. */
function hintFor(destination: string): string {
  return `in xtomp ${destination} is a topic, which reaches only those who are subscribed now; /queue/${destination} is a queue`
}

function outgoing(request: PubRequest, text: string | Uint8Array, sent: number) {
  const { headers, destination, isJson, isConfirmed } = request
  try {
    const message = isJson ? messageOf(String(text)) : { headers: {}, body: Buffer.from(text) }
    return { headers: { ...message.headers, ...headers, destination }, body: message.body, isConfirmed }
  } catch (error) {
    throw new Error(`message ${sent + 1}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Aborted when there is no more reason to read: the session is lost, or we are told to stop. */
function ended(client: Client, stop: AbortSignal): AbortSignal {
  const lost = new AbortController()
  client.lost.catch(() => lost.abort())
  return AbortSignal.any([lost.signal, stop])
}

async function* textsOf(
  request: PubRequest,
  { stdin }: Streams,
  ended: AbortSignal,
): AsyncIterable<string | Uint8Array> {
  if (request.body !== undefined) {
    yield request.body
    return
  }
  if (request.isWhole) {
    const octets = await wholeOf(stdin, ended)
    if (!ended.aborted) yield octets
    return
  }
  const lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY, signal: ended })
  for await (const line of lines) if (!request.isJson || line.trim() !== '') yield line
}

async function wholeOf(stdin: Streams['stdin'], ended: AbortSignal): Promise<Uint8Array> {
  const cut = (): void => void stdin.destroy()
  ended.addEventListener('abort', cut)
  try {
    const chunks: Buffer[] = []
    for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Buffer))
    return Buffer.concat(chunks)
  } catch (error) {
    if (ended.aborted) return Buffer.alloc(0)
    throw error
  } finally {
    ended.removeEventListener('abort', cut)
  }
}
