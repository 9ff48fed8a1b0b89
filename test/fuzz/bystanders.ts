/** Two clients that behave, and that must not notice who else is there. */

import { ServerFrames } from '../support/server-frames.js'
import { type Dial, frameText, octetsOf, type Pipe } from '../support/wire-client.js'
import { BYSTANDER } from './unruly-host.js'

const TOPIC = '/topic/of-bystanders'

/** A producer and a consumer. */
export class Bystanders {
  readonly faults: string[] = []
  #producer: Pipe | undefined
  #consumer: Pipe | undefined
  #sent = 0
  #written = 0
  /** Before it, nobody would get what the producer sends: which of two sockets is read first is not said. */
  #isSubscribed = false
  #received = 0
  #left = 0
  #isLeaving = false

  /** Connects both. */
  static async dial(dial: Dial): Promise<Bystanders> {
    const pair = new Bystanders()
    pair.#consumer = await pair.#connect(dial)
    pair.#producer = await pair.#connect(dial)
    pair.#consumer.write(octetsOf(frameText('SUBSCRIBE', { id: 'all', destination: TOPIC, receipt: 'all' })))
    return pair
  }

  /** Whether all that was sent has come. */
  get isContent(): boolean {
    return this.#received === this.#sent
  }

  /** Whether both connections have ended. */
  get hasLeft(): boolean {
    return this.#left === 2
  }

  /** One message more. */
  exchange(): void {
    this.#sent++
    this.#send()
  }

  /** Both disconnect. */
  leave(): void {
    this.#isLeaving = true
    for (const pipe of [this.#producer, this.#consumer]) pipe?.write(octetsOf(frameText('DISCONNECT')))
  }

  async #connect(dial: Dial): Promise<Pipe> {
    const frames = new ServerFrames()
    const pipe = await dial({
      receive: (octets) => {
        for (const { command, headers, text } of frames.read(octets)) this.#hear(command, headers.code ?? text)
      },
      closed: () => {
        this.#left++
        if (!this.#isLeaving) this.faults.push('a bystander lost its connection')
      },
    })
    pipe.write(octetsOf(frameText('CONNECT', { 'accept-version': '1.2', host: 'a', login: BYSTANDER })))
    return pipe
  }

  #send(): void {
    while (this.#isSubscribed && this.#written < this.#sent)
      this.#producer?.write(octetsOf(frameText('SEND', { destination: TOPIC }, String(++this.#written))))
  }

  #hear(command: string, text: string): void {
    if (command === 'MESSAGE') {
      if (text !== String(++this.#received)) this.faults.push(`a bystander got ${text} for message ${this.#received}`)
    } else if (command === 'RECEIPT') {
      this.#isSubscribed = true
      this.#send()
    } else if (command !== 'CONNECTED') this.faults.push(`a bystander got ${command} ${text}`)
  }
}
