/** What the tests of WebSocket doors have in common: a broker that must end empty, and clients that know HTTP and frames. */

import { type IncomingHttpHeaders, request } from 'node:http'
import { type AddressInfo, connect as dialTo, type Server, type Socket } from 'node:net'
import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import { ManualClock } from '@xtomp/testing'
import { expect, onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { dialWebSocket } from '../support/dial-web-socket.js'
import { until } from '../support/suite.js'
import { WireClient } from '../support/wire-client.js'

/** What the system holds for this process, of what a door is made of. */
function held(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /TCP|Pipe|GetAddrInfo/.test(kind))
}

/** The test runner's own. */
const heldByRunner = held().join()

/** Opens a broker that is closed at the end, and of which nothing may be left then. */
export function openBroker(options: BrokerOptions = {}): { broker: Broker; clock: ManualClock } {
  const clock = new ManualClock()
  const broker = createBroker({ clock, ...options })
  onTestFinished(async () => {
    await broker.close()
    expect(Object.entries(broker.stats()).filter(([, count]) => count !== 0)).toEqual([])
    expect(clock.timers).toBe(0)
    await until(() => held().join() === heldByRunner, 'all sockets and servers to be gone')
  })
  return { broker, clock }
}

/** Has a server of the host's listen on any port, and closes it at the end; answers its port. */
export async function opened(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // The last who was opened is closed first: it stands before the broker's end.
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return (server.address() as AddressInfo).port
}

/** A STOMP client that has said nothing yet. */
export async function client(url: string, options?: ClientOptions): Promise<WireClient> {
  const dialled = await WireClient.dial(dialWebSocket(url, options))
  onTestFinished(() => dialled.abort())
  return dialled
}

/** A WebSocket client, once it is open, and what comes to it. */
export async function webSocket(url: string, subprotocols: string[] = [], options: ClientOptions = {}) {
  const socket = new WebSocket(url, subprotocols, options)
  const messages: { text: string; isBinary: boolean }[] = []
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
  )
  socket.on('message', (data, isBinary) => messages.push({ text: String(data), isBinary }))
  onTestFinished(() => socket.terminate())
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
  })
  // A peer may break off once it has been told why.
  socket.on('error', () => undefined)
  return { socket, messages, closed }
}

/** An answer over HTTP. */
export interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** What an upgrade that is right has. */
export const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  'sec-websocket-version': '13',
}

/** Asks over HTTP; 101 is an answer, too. */
export function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path, headers, method })
    asking.on('error', reject)
    asking.on('upgrade', ({ statusCode, headers }, socket) => {
      socket.destroy()
      resolve({ status: statusCode, headers, text: '' })
    })
    asking.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
    })
    asking.end()
  })
}

/** A client that writes WebSocket frames of its own making, and reads them octet by octet. */
export class RawPeer {
  readonly socket: Socket
  isClosed = false
  #received = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (octets) => (this.#received = Buffer.concat([this.#received, octets])))
    socket.on('error', () => undefined)
    socket.on('close', () => (this.isClosed = true))
    onTestFinished(() => void socket.destroy())
  }

  /** Opens a socket, and says nothing. */
  static async dial(port: number): Promise<RawPeer> {
    const socket = dialTo({ port, host: '127.0.0.1', noDelay: true })
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RawPeer(socket)
  }

  /** Opens a socket, and upgrades it. */
  static async upgrade(port: number, path = '/', more: Record<string, string> = {}): Promise<RawPeer> {
    const peer = await RawPeer.dial(port)
    const headers = Object.entries({ host: 'localhost', ...UPGRADE, ...more }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    peer.socket.write([`GET ${path} HTTP/1.1`, ...headers, '', ''].join('\r\n'))
    await until(() => peer.text.includes('\r\n\r\n'), 'the answer to an upgrade')
    expect(peer.text).toMatch(/^HTTP\/1.1 101 /)
    peer.#received = peer.#received.subarray(peer.#received.indexOf('\r\n\r\n') + 4)
    return peer
  }

  /** All that came, as text. */
  get text(): string {
    return this.#received.toString('latin1')
  }

  /** Frames that came whole. */
  get frames(): { opcode: number; fin: boolean; payload: Buffer }[] {
    const frames = []
    const all = this.#received
    for (let at = 0; at + 2 <= all.length; ) {
      const [first = 0, second = 0] = all.subarray(at)
      const short = second & 0x7f
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      if (at + head > all.length) break
      const length =
        short < 126 ? short : short === 126 ? all.readUInt16BE(at + 2) : Number(all.readBigUInt64BE(at + 2))
      if (at + head + length > all.length) break
      frames.push({ opcode: first & 0x0f, fin: first >= 0x80, payload: all.subarray(at + head, at + head + length) })
      at += head + length
    }
    return frames
  }

  write(...parts: (Buffer | string)[]): void {
    this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as Buffer))))
  }

  /** Waits for the ERROR and the close frame; answers their codes. The socket ends behind them. */
  async expectRefused(): Promise<{ code: string | undefined; closeCode: number | undefined; text: string }> {
    await until(() => this.frames.some(({ opcode }) => opcode === 8), 'a close frame')
    const error = this.frames.map(({ payload }) => String(payload)).find((text) => text.startsWith('ERROR'))
    const close = this.frames.find(({ opcode }) => opcode === 8)
    this.socket.end()
    await until(() => this.isClosed, 'the end of the socket')
    const [, code] = /\ncode:(.*)\n/.exec(error ?? '') ?? []
    return {
      code,
      closeCode: close && close.payload.length > 1 ? close.payload.readUInt16BE(0) : undefined,
      text: error ?? '',
    }
  }
}

/** How a client's frame is made. */
export interface RawFrame {
  readonly opcode?: number
  readonly fin?: boolean
  readonly rsv?: number
  readonly isMasked?: boolean
  /** What its length says, where that is not what follows. */
  readonly says?: number
}

/** A WebSocket frame, right or wrong. */
export function rawFrame(
  payload: Buffer | string,
  { opcode = 2, fin = true, rsv = 0, isMasked = true, says }: RawFrame = {},
): Buffer {
  const octets = Buffer.from(payload as Buffer)
  const length = says ?? octets.length
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  head[1] = (isMasked ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  if (!isMasked) return Buffer.concat([head, octets])
  const mask = Buffer.from([1, 2, 3, 4])
  return Buffer.concat([head, mask, octets.map((octet, at) => octet ^ (mask[at % 4] as number))])
}

export const CONNECT = 'CONNECT\naccept-version:1.2\nhost:/\n\n\0'
