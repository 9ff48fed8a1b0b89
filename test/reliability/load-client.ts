/**
 * A producer or a consumer, to be killed: writes down which session it has, and what it has seen before it acts on it.
 *
 *   producer <port> <name>   sends as fast as receipts come; writes up to which number it has begun, and each whose RECEIPT came
 *   consumer <port> <name>   takes and settles; writes what it saw (queue, message, whether redelivered, whether it came whole,
 *                            and who sent it), what it does with it, RECEIPTs for that, and that it leaves
 */

import { writeSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { randomFrom } from '../support/random.js'
import { ServerFrames, type WireFrame } from '../support/server-frames.js'
import { frameText } from '../support/wire-client.js'
import { bodyOf, CUT, isWhole, QUEUES, type QueueUse, queueFor, senderOf, UNWANTED } from './load.js'

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
  readonly #waiting = new Map<string, WireFrame>()
  #behind = 0
  /** Whether its DISCONNECT was answered. */
  hasLeft = false

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
    for (const { command, headers } of received) {
      if (command !== 'RECEIPT') continue
      if (headers['receipt-id'] === 'end') this.hasLeft = true
      else note(`counted ${headers['receipt-id']}\n`)
    }
    note(messages.map((frame) => `${seen(frame)}\n`).join(''))
    this.#write(messages.flatMap((frame) => this.#settle(frame)))
  }

  /** Acknowledges what waits for more to come, and says good-bye. */
  leave(): void {
    this.#write(this.#ackWaiting())
    note('leaves\n')
    socket.write(frameText('DISCONNECT', { receipt: 'end' }))
  }

  #write(settled: readonly Settled[]): void {
    note(settled.map(({ line }) => `${line}\n`).join(''))
    socket.write(settled.map(({ frame }) => frame).join(''))
  }

  #settle(frame: WireFrame): readonly Settled[] {
    const { subscription = '' } = frame.headers
    const use = QUEUES[Number(subscription)] as QueueUse
    if (use.ack === 'auto') return []
    const isUnwanted = UNWANTED.test(frame.text)
    if (isUnwanted || random() < 0.01) {
      const isRejected = !isUnwanted && random() < 0.1
      // A NACK with ack:client would mean those before, too.
      return [...this.#ackOf(subscription), settled(isRejected ? 'reject' : 'nack', frame)]
    }
    if (use.ack === 'client-individual') return [settled('ack', frame)]
    this.#waiting.set(subscription, frame)
    return ++this.#behind % ACK_EVERY === 0 ? this.#ackWaiting() : []
  }

  #ackWaiting(): readonly Settled[] {
    return [...this.#waiting.keys()].flatMap((subscription) => this.#ackOf(subscription))
  }

  #ackOf(subscription: string): readonly Settled[] {
    const frame = this.#waiting.get(subscription)
    this.#waiting.delete(subscription)
    return frame === undefined ? [] : [settled('ack', frame)]
  }
}

/** What is written down before the frame is sent. */
interface Settled {
  readonly line: string
  readonly frame: string
}

function settled(word: 'ack' | 'nack' | 'reject', { headers }: WireFrame): Settled {
  const { subscription, ack = '' } = headers
  const what = `${subscription} ${headers['message-id']}`
  const receipt = word === 'ack' && QUEUES[Number(subscription)]?.confirms ? { receipt: what } : {}
  const requeue = word === 'reject' ? { requeue: 'false' } : {}
  const command = word === 'ack' ? 'ACK' : 'NACK'
  return { line: `${word} ${what}`, frame: frameText(command, { id: ack, ...receipt, ...requeue }) }
}

function seen({ headers, text }: WireFrame): string {
  const whole = isWhole(text) ? 'whole' : 'broken'
  const { producer, number } = senderOf(text)
  return `saw ${headers.subscription} ${headers['message-id']} ${headers.redelivered ?? 'false'} ${whole} ${producer} ${number}`
}

function run(open: Socket): void {
  open.write(frameText('CONNECT', { 'accept-version': '1.2', host: 'localhost', login: name }))
  const client = role === 'producer' ? new Producer() : new Consumer()
  open.on('data', (octets) => {
    const received = frames.read(octets)
    for (const { command, headers } of received) if (command === 'CONNECTED') note(`session ${headers.session}\n`)
    client.take(received)
  })
  process.stdin.resume().on('end', () => {
    if (client instanceof Producer) fail('a producer does not end: it is killed')
    client.leave()
  })
  open.on('close', () => process.exit(client instanceof Consumer && client.hasLeft ? 0 : CUT))
}

socket.on('connect', () => run(socket))
// Somebody at the other end was killed. Where nobody is, whoever started this makes an error of it.
socket.on('error', () => process.exit(CUT))
