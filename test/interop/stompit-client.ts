/** stompit, as the interop table speaks to it. */

import type { Readable } from 'node:stream'
import type { AckMode, Version } from '@xtomp/core'
import stompit, { type Client } from 'stompit'
import { Inbox, type NodeClient, type Received } from './node-client.js'

type Message = Client.Message & { readonly headers: Received['headers'] }

/** A message that was read to its end, and what stompit wants back for an ACK. */
interface Taken extends Received {
  readonly message: Message
}

const SUBSCRIPTION = 1
/** Unless told, it gives up after three seconds, and on a beat that is late by a tenth: little for a busy machine. */
const PATIENCE = { timeout: 10_000, heartbeatDelayMargin: 1_000 }
const ONLY_BEATS = /^\n+$/

/** Connects as stompit's documentation says, in one version only. */
export function connectStompit(port: number, version: Version, beatMs = 0): Promise<NodeClient<Taken>> {
  const connectHeaders = { host: '/', 'accept-version': version, 'heart-beat': `${beatMs},${beatMs}` }
  return new Promise((resolve, reject) => {
    stompit.connect({ ...PATIENCE, host: '127.0.0.1', port, connectHeaders }, (error, client) => {
      if (error === null) resolve(new StompitClient(client))
      else reject(error)
    })
  })
}

class StompitClient implements NodeClient<Taken> {
  beats = 0
  readonly #client: Client & { readonly headers?: Received['headers'] }
  readonly #inbox = new Inbox<Taken>()

  constructor(client: Client) {
    this.#client = client
    client.on('error', (error: Error) => this.#inbox.fail(error))
    client.getTransportSocket().on('data', (octets: Buffer) => {
      if (ONLY_BEATS.test(octets.toString('latin1'))) this.beats++
    })
  }

  get version(): string | undefined {
    return this.#client.headers?.version
  }

  next(): Promise<Taken> {
    return this.#inbox.take()
  }

  subscribe(destination: string, ack: AckMode): Promise<void> {
    // `subscribe` itself can ask for no receipt.
    this.#client.setImplicitSubscription(SUBSCRIPTION, ack, (error, message) => {
      if (error === null) void this.#read(message as Message)
      else this.#inbox.fail(error)
    })
    return this.#confirmed((options) => {
      this.#client.sendFrame('SUBSCRIBE', { id: SUBSCRIPTION, destination, ack }, options).end()
    })
  }

  unsubscribe(): Promise<void> {
    return this.#confirmed((options) => {
      this.#client.sendFrame('UNSUBSCRIBE', { id: SUBSCRIPTION }, options).end()
    })
  }

  send(destination: string, body: string | Uint8Array, transaction?: string): void {
    this.#client.send({ ...sizeOf(body), destination, transaction }).end(body)
  }

  sendConfirmed(destination: string, body: string): Promise<void> {
    return this.#confirmed((options) => this.#client.send({ ...sizeOf(body), destination }, options).end(body))
  }

  ack({ message }: Taken, transaction?: string): Promise<void> {
    return this.#confirmed((options) => this.#client.ack(message, { transaction }, options))
  }

  nack({ message }: Taken): void {
    this.#client.nack(message)
  }

  begin(transaction: string): void {
    this.#client.begin({ transaction })
  }

  commit(transaction: string): void {
    this.#client.sendFrame('COMMIT', { transaction }).end()
  }

  abort(transaction: string): void {
    this.#client.sendFrame('ABORT', { transaction }).end()
  }

  disconnect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.disconnect((error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  #confirmed(send: (options: Client.SendOptions) => void): Promise<void> {
    return new Promise((resolve, reject) => send({ onReceipt: resolve, onError: reject }))
  }

  async #read(message: Message): Promise<void> {
    const chunks: Uint8Array[] = []
    for await (const chunk of message as Readable) chunks.push(chunk as Uint8Array)
    this.#inbox.put({ headers: message.headers, body: Buffer.concat(chunks), message })
  }
}

/** stompit adds none by itself. */
function sizeOf(body: string | Uint8Array): { 'content-length': number } {
  return { 'content-length': Buffer.byteLength(body) }
}
