/** The frames that clients send, encoded once for all of them. */

import { STAMP_BYTES, stamp } from './now.js'
import type { Plan } from './plan.js'

/** How a frame goes on the wire: by itself, or as a message of a WebSocket. */
export type Wrap = (frame: Buffer) => Buffer

/** The id under which a receipt is asked for: a session waits for one at a time, or only counts them. */
const RECEIPT = 'receipt:r\n'

/** What all sessions of a process say. */
export class Frames {
  readonly connect: Buffer
  readonly disconnect: Buffer
  readonly beat: Buffer
  readonly #wrap: Wrap
  readonly #receipt: string
  readonly #ack: string

  constructor(plan: Pick<Plan, 'vhost' | 'login' | 'passcode' | 'heartBeat' | 'ack' | 'isConfirmed'>, wrap: Wrap) {
    const { vhost, login, passcode, heartBeat } = plan
    this.#receipt = plan.isConfirmed ? RECEIPT : ''
    // In CONNECT nothing is escaped.
    const who = login === undefined ? '' : `login:${login}\npasscode:${passcode ?? ''}\n`
    this.#wrap = wrap
    this.#ack = plan.ack
    this.connect = wrap(text(`CONNECT\naccept-version:1.2\nhost:${vhost}\nheart-beat:${heartBeat}\n${who}\n\0`))
    this.disconnect = wrap(text(`DISCONNECT\n${RECEIPT}\n\0`))
    this.beat = wrap(text('\n'))
  }

  /** SUBSCRIBE, with a receipt where it is to be confirmed. */
  subscribe(destination: string): Buffer {
    return this.#wrap(
      text(`SUBSCRIBE\nid:1\ndestination:${escaped(destination)}\nack:${this.#ack}\n${this.#receipt}\n\0`),
    )
  }

  /** ACKs for these ids, in one chunk. */
  acks(ids: readonly string[]): Buffer {
    const frames = ids.map((id) => this.#wrap(text(`ACK\nid:${id}\n\n\0`)))
    return frames.length === 1 ? (frames[0] ?? Buffer.alloc(0)) : Buffer.concat(frames)
  }

  /** What a producer sends. */
  sends(destination: string, bodyBytes: number, receiptEvery: number): Sends {
    const send = (receipt: string): Buffer => {
      const head = `SEND\ndestination:${escaped(destination)}\ncontent-length:${bodyBytes}\n${receipt}\n`
      return this.#wrap(text(`${head}${'x'.repeat(bodyBytes - STAMP_BYTES)}${'0'.repeat(STAMP_BYTES)}\0`))
    }
    return new Sends(send(''), send(RECEIPT), receiptEvery)
  }
}

/** SENDs of one destination, each with its time. */
export class Sends {
  readonly #plain: Buffer
  readonly #confirmed: Buffer
  readonly #every: number
  #sent = 0

  constructor(plain: Buffer, confirmed: Buffer, every: number) {
    this.#plain = plain
    this.#confirmed = confirmed
    this.#every = every
  }

  /** How many octets one takes, at most. */
  get bytes(): number {
    return this.#confirmed.length
  }

  /** So many in one chunk, of this moment. */
  take(count: number, us: number): Buffer {
    const chunk = Buffer.allocUnsafe(count * this.#confirmed.length)
    let end = 0
    for (let left = count; left > 0; left--) {
      const isConfirmed = this.#every > 0 && ++this.#sent % this.#every === 0
      end += (isConfirmed ? this.#confirmed : this.#plain).copy(chunk, end)
      stamp(chunk, end - 1, us)
    }
    return chunk.subarray(0, end)
  }
}

function text(frame: string): Buffer {
  return Buffer.from(frame, 'utf8')
}

/** STOMP 1.2, Value Encoding. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll(':', '\\c')
}
