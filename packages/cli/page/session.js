/** A session with the broker: @stomp/stompjs, watched at its WebSocket so that each frame is seen as it went by. */

import { frameOf, noteOf } from './frame.js'

const { Client, Parser, ReconnectionTimeMode, TickerStrategy } = globalThis.StompJs

/** The first wait after a session was lost, in milliseconds; each that follows is twice as long, up to the longest. */
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000
/** What may be otherwise the next time; any other refusal of a CONNECT would only be repeated. */
const PASSING = ['broker-closing', 'connections-too-many', 'connect-timeout', 'memory-full']

/**
 * Comes back by itself after a loss, with its subscriptions.
 * `told.state(state, until)`: off, opening, on, waiting (until when), refused; `told.frame(frame)`: one went by;
 * `told.dropped(id)`: the broker will not have this subscription.
 */
export class Session {
  #told
  #client
  #losses = 0
  #isRefused = false
  #isKnown = false
  /** @type {Map<string, { destination: string, ack: string }>} */
  #subscriptions = new Map()
  #lastId = 0

  constructor(url, told) {
    this.#told = told
    this.#client = new Client({
      webSocketFactory: () => this.#open(url),
      reconnectDelay: FIRST_WAIT_MS,
      maxReconnectDelay: LONGEST_WAIT_MS,
      reconnectTimeMode: ReconnectionTimeMode.EXPONENTIAL,
      connectionTimeout: 10_000,
      // Timers of a tab in the background sleep, those of a worker do not: the broker would miss our beats.
      heartbeatStrategy: TickerStrategy.Worker,
      onConnect: () => this.#opened(),
      onStompError: ({ headers }) => this.#failed(headers.code, headers['receipt-id']),
      onWebSocketClose: (event) => this.#lost(event),
      // All that comes is seen at the socket.
      onUnhandledMessage: () => undefined,
      onUnhandledReceipt: () => undefined,
    })
  }

  get isOpen() {
    return this.#client.connected
  }

  /** Connects, anew if need be. */
  async connect({ login, passcode, host }) {
    await this.#client.deactivate({ force: true })
    this.#client.connectHeaders = { host: host || '/', ...(login === '' ? {} : { login, passcode }) }
    this.#losses = 0
    this.#activate()
  }

  /** Does not wait any longer. */
  async now() {
    await this.#client.deactivate({ force: true })
    this.#activate()
  }

  async disconnect() {
    const leaving = this.#client.deactivate()
    this.#told.state('off')
    await leaving
  }

  /** Answers the id of the subscription, which is asked for again whenever a session was lost. */
  subscribe(destination, ack) {
    const id = `sub-${++this.#lastId}`
    this.#subscriptions.set(id, { destination, ack })
    if (this.isOpen) this.#subscribe(id)
    return id
  }

  unsubscribe(id) {
    this.#subscriptions.delete(id)
    if (this.isOpen) this.#client.unsubscribe(id)
  }

  send(destination, headers, body) {
    this.#client.publish({ destination, headers, body })
  }

  /** @param {'ack' | 'nack'} verb */
  settle(verb, ackId, subscription) {
    this.#client[verb](ackId, subscription)
  }

  #activate() {
    this.#isRefused = false
    this.#told.state('opening')
    this.#client.activate()
  }

  #open(url) {
    this.#told.state('opening')
    this.#isKnown = false
    const socket = new WebSocket(url, this.#client.stompVersions.protocolVersions())
    const [incoming, outgoing] = ['in', 'out'].map(
      (way) =>
        new Parser(
          (raw) => this.#told.frame(frameOf(way, raw)),
          () => undefined,
        ),
    )
    socket.addEventListener('message', ({ data }) => incoming.parseChunk(data))
    const send = socket.send
    socket.send = (data) => {
      outgoing.parseChunk(data)
      send.call(socket, data)
    }
    return socket
  }

  #opened() {
    this.#losses = 0
    this.#isKnown = true
    this.#told.state('on')
    for (const id of this.#subscriptions.keys()) this.#subscribe(id)
  }

  #subscribe(id) {
    const { destination, ack } = this.#subscriptions.get(id)
    // Nobody presses buttons for more than so many at a time.
    const prefetch = ack === 'auto' ? {} : { 'prefetch-count': '100' }
    // Its receipt says which SUBSCRIBE an ERROR is about.
    this.#client.subscribe(destination, () => undefined, { id, ack, ...prefetch, receipt: id })
  }

  #failed(code, receipt) {
    if (this.#isKnown) {
      // Asked for again after each loss, it would be refused, and the session lost, without end.
      if (this.#subscriptions.delete(receipt)) this.#told.dropped(receipt)
    } else if (!PASSING.includes(code)) {
      this.#isRefused = true
      void this.#client.deactivate()
    }
  }

  #lost({ code, reason }) {
    this.#told.frame(noteOf('closed', `${code} ${reason}`.trim()))
    if (this.#isRefused) this.#told.state('refused')
    else if (this.#client.active)
      this.#told.state('waiting', Date.now() + Math.min(FIRST_WAIT_MS * 2 ** this.#losses++, LONGEST_WAIT_MS))
    else this.#told.state('off')
  }
}
