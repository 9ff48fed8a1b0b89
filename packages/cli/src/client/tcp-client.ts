/** A client over TCP: stompit. */

import stompit, { type Client as Stompit } from 'stompit'
import type Socket from 'stompit/lib/Socket.js'
import {
  BEAT_MS,
  BrokerError,
  type Client,
  CONNECT_MS,
  credentialsOf,
  type Outgoing,
  type Received,
  type SubscribeRequest,
  type Target,
} from './client.js'
import { Lifeline } from './lifeline.js'

const DEFAULT_PORT = 61613
/** What a broker may put into one header line, and how many of them. */
const LINES = { maxLineLength: 65_536, maxHeaders: 1_024 }

type Message = Stompit.Message & { readonly headers: Readonly<Record<string, string | number>> }

/** Connects. @throws Error where nobody answers, or the broker refuses */
export function connectTcp(target: Target): Promise<Client> {
  const { url, stop } = target
  const options = {
    ...LINES,
    timeout: CONNECT_MS,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    connectHeaders: { ...credentialsOf(target), 'accept-version': '1.0,1.1,1.2', 'heart-beat': `${BEAT_MS},0` },
  }
  return new Promise((resolve, reject) => {
    const cut = () => session.destroy(new Error('stopped while connecting'))
    stop.addEventListener('abort', cut, { once: true })
    const session = stompit.connect(options, (error, client) => {
      stop.removeEventListener('abort', cut)
      if (error !== null) return reject(plain(error))
      client.setCommandHandler('ERROR', refused)
      resolve(new TcpClient(client))
    })
    // Its own handler destroys the frame in place of the client, and with that the process. It is set with CONNECT.
    const refused: Socket.commandHandler = (frame) => void refuse(session, frame as unknown as Message)
    session.once('socket-connect', () => queueMicrotask(() => session.setCommandHandler('ERROR', refused)))
  })
}

/** Reads an ERROR, and ends the session with it. */
async function refuse(client: Stompit, frame: Message): Promise<void> {
  const { message = 'ERROR' } = frame.headers
  const body = await bodyOf(frame).catch(() => Buffer.alloc(0))
  client.destroy(new BrokerError(String(message), body.toString('utf8')))
}

async function bodyOf(frame: Message): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of frame) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

class TcpClient implements Client {
  readonly #client: Stompit
  readonly #line = new Lifeline()
  #subscription: ReturnType<Stompit['subscribe']> | undefined
  #isClosing = false
  #taken: Promise<void> = Promise.resolve()

  constructor(client: Stompit) {
    this.#client = client
    client.on('error', (error: Error) => this.#line.fail(plain(error)))
  }

  get lost(): Promise<never> {
    return this.#line.lost
  }

  send({ headers, body, isConfirmed }: Outgoing): Promise<void> {
    const full = { ...headers, 'content-length': body.length }
    return this.#line.until((done) => {
      const frame = this.#client.sendFrame('SEND', full, isConfirmed ? this.#receipt(done) : undefined)
      const written = isConfirmed ? () => undefined : () => done()
      // An empty chunk is none.
      if (body.length > 0) frame.write(body)
      frame.end(written)
    })
  }

  subscribe({ headers, isConfirmed, take }: SubscribeRequest): Promise<void> {
    const { ack } = headers
    const isAuto = ack === undefined || ack === 'auto'
    return this.#line.until((done) => {
      // `subscribe` of the library asks for no receipt.
      const id = 1
      this.#subscription = this.#client.setImplicitSubscription(id, ack as Stompit.Ack, (error, message) => {
        if (error === null) this.#taken = this.#taken.then(() => this.#read(message as Message, isAuto, take))
      })
      this.#client.sendFrame('SUBSCRIBE', { id, ...headers }, isConfirmed ? this.#receipt(done) : undefined).end()
      if (!isConfirmed) done()
    })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    this.#subscription?.unsubscribe()
    await this.#line.until<void>((done) => this.#client.disconnect((error) => (error === null ? done() : undefined)))
  }

  abort(): void {
    // Its types want an error, and it tells of one.
    Reflect.apply(this.#client.destroy, this.#client, [])
  }

  #receipt(done: () => void): Stompit.SendOptions {
    // That it fails is told by the event `error`, once for all.
    return { onReceipt: done } as Stompit.SendOptions
  }

  /** The next frame comes when this body has been read. */
  async #read(message: Message, isAuto: boolean, take: SubscribeRequest['take']): Promise<void> {
    const body = await bodyOf(message).catch(() => undefined)
    if (this.#isClosing || body === undefined) return
    const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]))
    const acknowledge = (): void => {
      if (!isAuto) this.#client.ack(message)
    }
    await take({ headers, body, acknowledge } satisfies Received)
  }
}

/** What went wrong, in one line: of several addresses that all refuse, Node gives the reasons, and no message. */
function plain(error: Error): Error {
  const { code = 'the connection failed' } = error as { code?: string }
  return error.message === '' ? new Error(code, { cause: error }) : error
}
