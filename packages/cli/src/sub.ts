/** `xtomp sub`: writes what comes, until it has enough, is told to stop, or nobody reads it any more. */

import { BrokerError, type Client, type Received } from './client/client.js'
import { connect, end } from './client/connect.js'
import { lineOf } from './client/header.js'
import { EXIT } from './exit-codes.js'
import { coloursOf, type Output, type Streams, say } from './streams.js'

/** What to hear, and how much. */
export interface SubRequest {
  readonly url: URL
  readonly vhost: string
  readonly destination: string
  readonly headers: Readonly<Record<string, string>>
  readonly ack: string
  /** How many messages; default: whatever comes. */
  readonly count?: number | undefined
  /** Each message as a line of JSON, with its headers. */
  readonly isJson: boolean
  /** Whether to wait for the RECEIPT of the subscription, and to say so. */
  readonly isConfirmed: boolean
}

/** Writes, and answers the exit code; `stop` ends it early. */
export async function sub(request: SubRequest, streams: Streams, stop: AbortSignal): Promise<number> {
  let client: Client | undefined
  try {
    client = await connect({ url: request.url, host: request.vhost, stop })
    const hearing = new Hearing(request, streams.stdout, stop)
    await client.subscribe({
      headers: headersOf(request),
      isConfirmed: request.isConfirmed,
      take: (message) => hearing.take(message),
    })
    if (request.isConfirmed) say(streams, `subscribed to ${request.destination}`)
    await Promise.race([hearing.over, client.lost.catch(unexplained)])
    await end(client)
    if (request.count === undefined || hearing.heard >= request.count) return EXIT.fine
    say(streams, `${hearing.heard} of ${request.count} messages came`)
    return EXIT.failed
  } catch (error) {
    say(streams, error instanceof Error ? error.message : String(error))
    client?.abort()
    return EXIT.failed
  }
}

/** The ERROR of a broker that cuts who does not read stands behind what was not read, and may never come. */
function unexplained(error: Error): never {
  if (error instanceof BrokerError) throw error
  const message = `${error.message}; no ERROR came: a broker that has cut a slow consumer says so in its log`
  throw new Error(message, { cause: error })
}

function headersOf({ headers, destination, ack, count }: SubRequest): Record<string, string> {
  // Whoever wants five is not given a hundred, which others would have to wait for.
  const prefetch = count === undefined || ack === 'auto' ? {} : { 'prefetch-count': '1' }
  return { ...prefetch, ...headers, destination, ack }
}

/** Writes messages, one after the other, and acknowledges each when it is written. */
class Hearing {
  /** Resolves when there is nothing more to hear. */
  readonly over: Promise<void>
  heard = 0
  readonly #request: SubRequest
  readonly #stdout: Output
  #isOver = false
  #end: () => void = () => undefined

  constructor(request: SubRequest, stdout: Output, stop: AbortSignal) {
    this.#request = request
    this.#stdout = stdout
    this.over = new Promise((resolve) => {
      this.#end = () => {
        this.#isOver = true
        resolve()
      }
    })
    if (stop.aborted) this.#end()
    else stop.addEventListener('abort', this.#end, { once: true })
    // Nobody reads: that is as good an end as any.
    stdout.once('close', this.#end)
  }

  async take(message: Received): Promise<void> {
    if (this.#isOver) return
    if (!(await this.#write(message))) return this.#end()
    message.acknowledge()
    this.heard++
    if (this.heard === this.#request.count) this.#end()
  }

  /** Whether somebody has it: a pipe's reader may have gone. */
  #write({ headers, body }: Received): Promise<boolean> {
    const line = this.#request.isJson ? Buffer.from(lineOf(headers, body)) : shown(headers, body, this.#stdout)
    return new Promise((resolve) => {
      this.#stdout.write(Buffer.concat([line, LF]), (error) => resolve(!error))
    })
  }
}

const LF = Buffer.from('\n')

/** The body as it is; on a terminal with its destination, and nothing in it that would move the cursor. */
function shown(headers: Readonly<Record<string, string>>, body: Uint8Array, stdout: Output): Uint8Array {
  if (stdout.isTTY !== true) return body
  const { cyan, dim } = coloursOf(stdout)
  const text = Buffer.from(body).toString('utf8')
  return Buffer.from(`${cyan(visible(headers.destination ?? ''))}  ${text === '' ? dim('(no body)') : visible(text)}`)
}

function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
