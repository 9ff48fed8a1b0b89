/** @stomp/stompjs, as the interop table speaks to it. */

import { Client, type IMessage, type StompHeaders, Versions } from '@stomp/stompjs'
import type { AckMode, Version } from '@xtomp/core'
import { Inbox, type NodeClient, type Received } from './node-client.js'
import { TcpWebSocket } from './tcp-web-socket.js'

/** A message, and what can be done with it. */
interface Taken extends Received {
  readonly message: IMessage
}

const SUBSCRIPTION = 'sub-0'

/** Connects as its documentation says, over TCP instead of a WebSocket, in one version only. */
export async function connectStompjs(port: number, version: Version, beatMs = 0): Promise<NodeClient<Taken>> {
  const client = new StompjsClient(port, version, beatMs)
  await client.connected
  return client
}

class StompjsClient implements NodeClient<Taken> {
  readonly connected: Promise<void>
  beats = 0
  readonly #client: Client
  readonly #inbox = new Inbox<Taken>()
  #receipts = 0

  constructor(port: number, version: Version, beatMs: number) {
    this.#client = new Client({
      webSocketFactory: () => new TcpWebSocket(port),
      stompVersions: new Versions([version]),
      reconnectDelay: 0,
      heartbeatOutgoing: beatMs,
      heartbeatIncoming: beatMs,
    })
    this.connected = new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        this.#inbox.fail(error)
        reject(error)
      }
      this.#client.onConnect = () => resolve()
      this.#client.onStompError = ({ headers, body }) => fail(new Error(`${headers.message}: ${body}`))
      this.#client.onHeartbeatLost = () => fail(new Error('it heard no beats'))
      this.#client.onWebSocketClose = () => fail(new Error('the connection is closed'))
      this.#client.onWebSocketError = (event: { readonly error: Error }) => fail(event.error)
    })
    this.#client.onHeartbeatReceived = () => this.beats++
    this.#client.activate()
  }

  get version(): string | undefined {
    return this.#client.connectedVersion
  }

  next(): Promise<Taken> {
    return this.#inbox.take()
  }

  subscribe(destination: string, ack: AckMode): Promise<void> {
    const take = (message: IMessage): void => {
      this.#inbox.put({ headers: message.headers, body: message.binaryBody, message })
    }
    return this.#confirmed((receipt) => {
      this.#client.subscribe(destination, take, { ...receipt, id: SUBSCRIPTION, ack })
    })
  }

  unsubscribe(): Promise<void> {
    return this.#confirmed((receipt) => this.#client.unsubscribe(SUBSCRIPTION, receipt))
  }

  send(destination: string, body: string | Uint8Array, transaction?: string): void {
    const headers: StompHeaders = transaction === undefined ? {} : { transaction }
    if (typeof body === 'string') this.#client.publish({ destination, body, headers })
    else this.#client.publish({ destination, binaryBody: body, headers })
  }

  sendConfirmed(destination: string, body: string): Promise<void> {
    return this.#confirmed((headers) => this.#client.publish({ destination, body, headers }))
  }

  ack({ message }: Taken, transaction?: string): Promise<void> {
    return this.#confirmed((receipt) => {
      message.ack(transaction === undefined ? receipt : { ...receipt, transaction })
    })
  }

  nack({ message }: Taken): void {
    message.nack()
  }

  begin(transaction: string): void {
    this.#client.begin(transaction)
  }

  commit(transaction: string): void {
    this.#client.commit(transaction)
  }

  abort(transaction: string): void {
    this.#client.abort(transaction)
  }

  async disconnect(): Promise<void> {
    const told = new Promise<void>((resolve) => {
      this.#client.onDisconnect = () => resolve()
    })
    await this.#client.deactivate()
    await told
  }

  #confirmed(send: (headers: StompHeaders) => void): Promise<void> {
    const receipt = `receipt-${++this.#receipts}`
    return new Promise((resolve) => {
      this.#client.watchForReceipt(receipt, () => resolve())
      send({ receipt })
    })
  }
}
