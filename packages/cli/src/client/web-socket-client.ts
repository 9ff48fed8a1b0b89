/** A client over WebSocket: @stomp/stompjs, on the WebSocket of ws. */

import { type IFrame, type IMessage, Client as Stompjs, type StompSubscription } from '@stomp/stompjs'
import { WebSocket } from 'ws'
import {
  BEAT_MS,
  BrokerError,
  type Client,
  CONNECT_MS,
  credentialsOf,
  type Outgoing,
  type SubscribeRequest,
  type Target,
} from './client.js'
import { Lifeline } from './lifeline.js'

const PROTOCOLS = ['v12.stomp', 'v11.stomp', 'v10.stomp']
/** Octets that may wait to be sent before a message is confirmed, so that no more is read than is taken. */
const MOST_UNSENT = 256 * 1024

/** Connects. @throws Error where nobody answers, or the broker refuses */
export async function connectWebSocket(target: Target): Promise<Client> {
  const client = new WebSocketClient(target)
  const cut = () => client.fail(new Error('stopped while connecting'))
  target.stop.addEventListener('abort', cut, { once: true })
  try {
    await client.connect()
    return client
  } catch (error) {
    client.abort()
    throw error
  } finally {
    target.stop.removeEventListener('abort', cut)
  }
}

class WebSocketClient implements Client {
  readonly #client: Stompjs
  readonly #line = new Lifeline()
  #socket: WebSocket | undefined
  #subscription: StompSubscription | undefined
  #receipts = 0
  #isClosing = false
  #waiting = 0
  #taken: Promise<void> = Promise.resolve()

  constructor(target: Target) {
    this.#client = new Stompjs({
      webSocketFactory: () => this.#open(target),
      connectHeaders: credentialsOf(target),
      connectionTimeout: CONNECT_MS,
      reconnectDelay: 0,
      heartbeatIncoming: 0,
      heartbeatOutgoing: BEAT_MS,
      onStompError: ({ headers, body }: IFrame) => this.#line.fail(new BrokerError(headers.message ?? 'ERROR', body)),
      onWebSocketError: (event: { readonly message?: string }) =>
        this.#line.fail(new Error(event.message || 'the connection failed')),
      onWebSocketClose: () => this.#line.fail(new Error('the connection ended unexpectedly')),
    })
  }

  get lost(): Promise<never> {
    return this.#line.lost
  }

  /** Gives up: everything that waits fails. */
  fail(error: Error): void {
    this.#line.fail(error)
  }

  connect(): Promise<void> {
    return this.#line.until((done) => {
      this.#client.onConnect = () => done()
      this.#client.activate()
    })
  }

  send({ headers, body, isConfirmed }: Outgoing): Promise<void> {
    const { destination = '', ...others } = headers
    return this.#line.until((done) => {
      const waits = isConfirmed || (this.#socket?.bufferedAmount ?? 0) > MOST_UNSENT
      const receipt = waits ? this.#receipt(done) : {}
      this.#client.publish({ destination, binaryBody: body, headers: { ...others, ...receipt } })
      if (!waits) done()
    })
  }

  subscribe({ headers, isConfirmed, take }: SubscribeRequest): Promise<void> {
    const { destination = '', ...others } = headers
    const isAuto = headers.ack === undefined || headers.ack === 'auto'
    return this.#line.until((done) => {
      const receipt = isConfirmed ? this.#receipt(done) : {}
      const taking = (message: IMessage) => {
        this.#waiting++
        this.#socket?.pause()
        this.#taken = this.#taken.then(() => this.#take(message, isAuto, take))
      }
      this.#subscription = this.#client.subscribe(destination, taking, { ...others, ...receipt })
      if (!isConfirmed) done()
    })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    this.#socket?.resume()
    this.#subscription?.unsubscribe()
    // It waits for the RECEIPT of its DISCONNECT, or for an end without it.
    await this.#line.until((done) => {
      this.#client.onDisconnect = () => done()
      void this.#client.deactivate()
    })
  }

  abort(): void {
    void this.#client.deactivate({ force: true })
    this.#socket?.terminate()
  }

  #open({ url }: Target): WebSocket {
    const bare = new URL(url)
    // They are for CONNECT; here they would go into a header of HTTP.
    bare.username = ''
    bare.password = ''
    this.#socket = new WebSocket(bare, PROTOCOLS)
    return this.#socket
  }

  #receipt(done: () => void): { receipt: string } {
    const receipt = `receipt-${++this.#receipts}`
    this.#client.watchForReceipt(receipt, done)
    return { receipt }
  }

  async #take(message: IMessage, isAuto: boolean, take: SubscribeRequest['take']): Promise<void> {
    if (!this.#isClosing) {
      const acknowledge = (): void => {
        if (!isAuto) message.ack()
      }
      await take({ headers: message.headers, body: message.binaryBody, acknowledge })
    }
    if (--this.#waiting === 0) this.#socket?.resume()
  }
}
