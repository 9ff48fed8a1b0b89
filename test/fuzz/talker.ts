/** A client that means well: it says what a real one might say next, from what it was told so far. */

import type { WireFrame } from '../support/server-frames.js'
import { frameText } from '../support/wire-client.js'
import type { Random } from './random.js'

/** Where everybody meets: names with a rule of their own, names without one, and names that are refused. */
export const DESTINATIONS = [
  '/queue/plain',
  '/queue/hold-a',
  '/queue/hold-b',
  '/queue/drop',
  '/queue/few',
  '/queue/rest',
  '/queue/short',
  '/queue/dead',
  '/queue/discard',
  '/queue/dead-letter',
  '/topic/plain',
  '/topic/drop-oldest',
  '/topic/drop-newest',
  '/topic/short',
  '/topic/a.b',
  'no slash',
] as const
/** Names without a rule, and one that is refused. */
const ODD = ['/queue/other', '/topic/other', '/temp-queue/x', `/queue/${'long'.repeat(20)}`]
const PATTERNS = ['/topic/*', '/topic/**', '/topic/a.*', '**', '/queue/*', '/topic/**/b/**']
const ACK_MODES = ['auto', 'client', 'client-individual']
const LEGAL_NAMES = ['', 'x', 'content-type', 'äö', 'a\\cb', 'persistent']

type Pair = [string, string | number]

/** Keeps in mind what it was told: versions, ids of deliveries, subscriptions and transactions. */
export class Talker {
  readonly #random: Random
  readonly #version: string
  /** By what a MESSAGE names: the subscription's id, or its destination where it has none. */
  readonly #subscriptions = new Map<string, { readonly named: Pair; readonly isAuto: boolean }>()
  readonly #transactions: string[] = []
  /** What it asked for and was not told yet. */
  readonly #receipts: string[] = []
  #deliveries: WireFrame[] = []
  #hasConnected = false
  #numbered = 0

  constructor(random: Random) {
    this.#random = random
    this.#version = random.pick(['1.0', '1.1', '1.2', '1.2', '1.0,1.1,1.2'])
  }

  /** Takes a frame into account; answers what is wrong with it, as far as one can tell who was heard as he spoke. */
  hear(frame: WireFrame): string | undefined {
    const { command, headers } = frame
    if (command === 'RECEIPT') {
      const due = this.#receipts.shift()
      return headers['receipt-id'] === due ? undefined : `the RECEIPT ${due} was due, not ${headers['receipt-id']}`
    }
    if (command !== 'MESSAGE') return undefined
    this.#deliveries.push(frame)
    if (this.#deliveries.length > 20) this.#deliveries = this.#deliveries.slice(10)
    return undefined
  }

  /** The next frame. */
  next(): Buffer {
    return Buffer.from(this.#text())
  }

  #text(): string {
    const random = this.#random
    if (!this.#hasConnected) return this.#connect()
    const draw = random.below(100)
    if (draw < 34) return this.#send()
    if (draw < 50) return this.#subscribe()
    if (draw < 74) return this.#settle()
    if (draw < 80) return this.#unsubscribe()
    if (draw < 87) return this.#begin()
    if (draw < 95) return this.#end()
    if (draw < 97) return random.pick(['\n', '\r\n', '\n\n\n'])
    if (draw < 98) return this.#connect()
    return this.#frame('DISCONNECT')
  }

  #connect(): string {
    this.#hasConnected = true
    const random = this.#random
    const headers: Pair[] = [['host', random.chance(0.95) ? random.pick(['a', 'b']) : 'elsewhere']]
    if (this.#version !== '1.0' || random.chance(0.5)) headers.unshift(['accept-version', this.#version])
    if (random.chance(0.4)) headers.push(['heart-beat', random.pick(['0,0', '1000,1000', '0,500', '1,1', '500,0'])])
    if (random.chance(0.3)) headers.push(['login', random.chance(0.9) ? 'anybody' : 'nobody'], ['passcode', 'secret'])
    return this.#frame(random.pick(['CONNECT', 'CONNECT', 'STOMP']), headers, { receipt: 0 })
  }

  #send(): string {
    const random = this.#random
    const headers: Pair[] = [['destination', this.#destination()]]
    const body = random.chance(0.1) ? 'ü'.repeat(random.size(3_000)) : 'b'.repeat(random.size(600))
    if (random.chance(0.3)) headers.push(['content-length', Buffer.byteLength(body)])
    if (random.chance(0.2)) headers.push([random.pick(LEGAL_NAMES), 'v\\n'])
    if (random.chance(0.05)) headers.push(['expires', random.pick([0, 1, 1_893_456_001_500, 1_893_456_030_000])])
    this.#inTransaction(headers, 0.25)
    return this.#frame('SEND', headers, { body, receipt: 0.3 })
  }

  #destination(): string {
    return this.#random.chance(0.02) ? this.#random.pick(ODD) : this.#random.pick(DESTINATIONS)
  }

  #subscribe(): string {
    const random = this.#random
    if (this.#subscriptions.size > 2 && random.chance(0.6)) return this.#send()
    const id = random.chance(0.95) ? `s${++this.#numbered}` : 's1'
    const destination = random.chance(0.1) ? random.pick(PATTERNS) : this.#destination()
    const isNamed = this.#version !== '1.0' || random.chance(0.7)
    const ack = random.pick(ACK_MODES)
    const headers: Pair[] = [['destination', destination]]
    if (isNamed) headers.push(['id', id])
    if (ack !== 'auto' || random.chance(0.5)) headers.push(['ack', ack])
    if (random.chance(0.4)) headers.push(['prefetch-count', random.pick([0, 1, 2, 3])])
    const named: Pair = isNamed ? ['id', id] : ['destination', destination]
    this.#subscriptions.set(String(named[1]), { named, isAuto: ack === 'auto' })
    return this.#frame('SUBSCRIBE', headers, { receipt: 0.4 })
  }

  #unsubscribe(): string {
    if (this.#subscriptions.size === 0) return this.#send()
    const key = this.#random.pick([...this.#subscriptions.keys()])
    const named = this.#subscriptions.get(key)?.named as Pair
    this.#subscriptions.delete(key)
    return this.#frame('UNSUBSCRIBE', [named])
  }

  #settle(): string {
    const random = this.#random
    const delivery = this.#takeDelivery()
    if (delivery === undefined) return this.#send()
    const { ack, subscription } = delivery.headers
    const headers: Pair[] = [ack === undefined ? ['message-id', delivery.headers['message-id'] ?? ''] : ['id', ack]]
    if (subscription !== undefined) headers.push(['subscription', subscription])
    if (random.chance(0.02)) headers.unshift([random.pick(['id', 'message-id', 'subscription']), random.below(9)])
    this.#inTransaction(headers, 0.2)
    const isNack = this.#version !== '1.0' && random.chance(0.3)
    if (isNack && random.chance(0.3)) headers.push(['requeue', random.pick(['false', 'true'])])
    return this.#frame(isNack ? 'NACK' : 'ACK', headers)
  }

  /** One that waits to be settled, and now and then one that does not. */
  #takeDelivery(): WireFrame | undefined {
    const random = this.#random
    const isOpen = ({ headers: { subscription, destination = '' } }: WireFrame): boolean =>
      this.#subscriptions.get(subscription ?? destination)?.isAuto === false
    const open = random.chance(0.97) ? this.#deliveries.filter(isOpen) : this.#deliveries
    if (open.length === 0) return undefined
    const taken = random.pick(open)
    // In mode `client` those before it are settled, too; in transactions they are, for now, not.
    if (random.chance(0.98)) this.#deliveries = this.#deliveries.slice(this.#deliveries.indexOf(taken) + 1)
    return taken
  }

  #begin(): string {
    const transaction = `t${++this.#numbered}`
    this.#transactions.push(transaction)
    return this.#frame('BEGIN', [['transaction', transaction]])
  }

  #end(): string {
    const random = this.#random
    if (this.#transactions.length === 0) return this.#begin()
    const [transaction = ''] = this.#transactions.splice(random.below(this.#transactions.length), 1)
    return this.#frame(random.pick(['COMMIT', 'COMMIT', 'ABORT']), [['transaction', transaction]])
  }

  #inTransaction(headers: Pair[], probability: number): void {
    if (this.#transactions.length > 0 && this.#random.chance(probability * 2))
      headers.push(['transaction', this.#random.pick(this.#transactions)])
    else if (this.#random.chance(0.005)) headers.push(['transaction', 'unknown'])
  }

  #frame(command: string, headers: Pair[] = [], { body = '', receipt = 0.3 } = {}): string {
    if (!this.#random.chance(receipt)) return frameText(command, headers, body)
    const id = `r${++this.#numbered}`
    this.#receipts.push(id)
    return frameText(command, [...headers, ['receipt', id]], body)
  }
}
