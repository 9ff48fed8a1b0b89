/**
 * A producer or a consumer, to be killed: writes down what it has seen before it acts on it.
 *
 *   producer <port> <name>   sends as fast as receipts come; writes up to which number it has begun, and each whose RECEIPT came
 *   consumer <port> <name>   takes and settles; writes queue, message, whether redelivered, and whether it came whole
 */

import { writeSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { randomFrom } from '../support/random.js'
import { ServerFrames, type WireFrame } from '../support/server-frames.js'
import { frameText } from '../support/wire-client.js'
import { bodyOf, isWhole, QUEUES, type QueueUse, queueFor, UNWANTED } from './load.js'

const WINDOW = 300
const AT_ONCE = 50
const ACK_EVERY = 20
const [role, port = '', name = ''] = process.argv.slice(2)
const random = randomFrom([...name].reduce((seed, letter) => seed * 31 + letter.charCodeAt(0), 7))

const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
const frames = new ServerFrames()

/** What is written is with whoever reads it, even if this process ends now. */
function note(lines: string): void {
  if (lines !== '') writeSync(1, lines)
}

function fail(what: string): never {
  throw new Error(`${role} ${name}: ${what}`)
}

class Producer {
  #sent = 0
  #receipted = 0
  #isBusy = false
  #rest = Buffer.alloc(0)

  take(received: readonly WireFrame[]): void {
    let lines = ''
    for (const { command, headers, text } of received) {
      if (command === 'ERROR') fail(text)
      if (command !== 'RECEIPT') continue
      if (Number(headers['receipt-id']) !== ++this.#receipted) fail(`receipt ${headers['receipt-id']} is out of order`)
      lines += `${this.#receipted}\n`
    }
    note(lines)
    if (!this.#isBusy) this.#send()
  }

  /** All but some octets of the last frame, which leave with the next ones: whenever it is killed, half a SEND is there. */
  #send(): void {
    const sends: Buffer[] = []
    while (this.#sent - this.#receipted < WINDOW && sends.length < AT_ONCE) sends.push(this.#next())
    const last = sends.at(-1)
    if (last === undefined) return
    const octets = Buffer.concat([this.#rest, ...sends])
    const cut = octets.length - 1 - Math.floor(random() * (last.length - 1))
    this.#rest = octets.subarray(cut)
    note(`begun ${this.#sent}\n`)
    socket.write(octets.subarray(0, cut))
    this.#isBusy = true
    setImmediate(() => {
      this.#isBusy = false
      this.#send()
    })
  }

  #next(): Buffer {
    const number = ++this.#sent
    const body = bodyOf(name, number)
    const length = number % 2 === 0 ? { 'content-length': body.length } : {}
    return Buffer.from(frameText('SEND', { destination: queueFor(number), receipt: number, ...length }, body), 'latin1')
  }
}

/** Acknowledges as the queue's mode asks, but what is unwanted, and some of the rest, it does not take. */
class Consumer {
  /** Of a subscription with ack:client, what came last and waits for an ACK that means it, too. */
  readonly #waiting = new Map<string, string>()
  #behind = 0

  constructor() {
    for (const [at, { queue, ack, prefetch }] of QUEUES.entries()) {
      const credit = prefetch === undefined ? {} : { 'prefetch-count': prefetch }
      socket.write(frameText('SUBSCRIBE', { id: at, destination: queue, ack, ...credit }))
    }
  }

  take(received: readonly WireFrame[]): void {
    const messages = received.filter(({ command }) => command === 'MESSAGE')
    const error = received.find(({ command }) => command === 'ERROR')
    if (error !== undefined) fail(error.text)
    note(messages.map((frame) => `${seen(frame)}\n`).join(''))
    socket.write(messages.map((frame) => this.#settle(frame)).join(''))
  }

  /** The ACKs that wait for more to come. */
  ackWaiting(): string {
    return [...this.#waiting.keys()].map((subscription) => this.#ackOf(subscription)).join('')
  }

  #settle(frame: WireFrame): string {
    const { subscription = '', ack = '' } = frame.headers
    const use = QUEUES[Number(subscription)] as QueueUse
    if (use.ack === 'auto') return ''
    const isUnwanted = UNWANTED.test(frame.text)
    if (isUnwanted || random() < 0.01) {
      const requeue = !isUnwanted && random() < 0.1 ? { requeue: 'false' } : {}
      // A NACK with ack:client would mean those before, too.
      return this.#ackOf(subscription) + frameText('NACK', { id: ack, ...requeue })
    }
    if (use.ack === 'client-individual') return frameText('ACK', { id: ack })
    this.#waiting.set(subscription, ack)
    return ++this.#behind % ACK_EVERY === 0 ? this.ackWaiting() : ''
  }

  #ackOf(subscription: string): string {
    const id = this.#waiting.get(subscription)
    this.#waiting.delete(subscription)
    return id === undefined ? '' : frameText('ACK', { id })
  }
}

function seen({ headers, text }: WireFrame): string {
  const whole = isWhole(text) ? 'whole' : 'broken'
  return `${headers.subscription} ${headers['message-id']} ${headers.redelivered ?? 'false'} ${whole}`
}

function run(open: Socket): void {
  open.write(frameText('CONNECT', { 'accept-version': '1.2', host: 'localhost', login: name }))
  const client = role === 'producer' ? new Producer() : new Consumer()
  open.on('data', (octets) => client.take(frames.read(octets)))
  process.stdin.resume().on('end', () => {
    if (client instanceof Producer) fail('a producer does not end: it is killed')
    open.write(client.ackWaiting() + frameText('DISCONNECT', { receipt: 'end' }))
  })
  open.on('close', () => process.exit())
}

socket.on('connect', () => run(socket))
socket.on('error', (error) => fail(error.message))
