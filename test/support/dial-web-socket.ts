/** Opens WebSockets as pipes: what is written is a message, or several, and the close frame is the end. */

import { isUtf8 } from 'node:buffer'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type ClientOptions, WebSocket } from 'ws'
import type { Dial, Pipe, PipeEvents } from './wire-client.js'

/** How octets become messages. */
export type SendOctets = (webSocket: WebSocket, octets: Uint8Array) => void

/** Much is sent in messages of that size, as @stomp/stompjs does where it is told to. */
const MESSAGE_BYTES = 48 * 1024

/** Binary messages. */
export const inBinary: SendOctets = (webSocket, octets) => {
  for (let at = 0; at < octets.length; at += MESSAGE_BYTES) webSocket.send(octets.subarray(at, at + MESSAGE_BYTES))
}

/** Messages of text, where they can be. */
export const inText: SendOctets = (webSocket, octets) => {
  for (let at = 0; at < octets.length; at += MESSAGE_BYTES) {
    const part = octets.subarray(at, at + MESSAGE_BYTES)
    webSocket.send(part, { binary: !isUtf8(part) })
  }
}

/** Opens WebSockets as pipes. */
export function dialWebSocket(url: string, options: ClientOptions = {}, send = inBinary): Dial {
  return (events: PipeEvents) =>
    new Promise<Pipe>((resolve, reject) => {
      const { hostname: host, port } = new URL(url)
      const { localAddress, ca, cert, key } = options
      const transport = connect({ host, port: Number(port), localAddress, noDelay: true })
      const createConnection = () =>
        url.startsWith('wss:') ? connectTls({ ca, cert, key, socket: transport }) : transport
      const webSocket = new WebSocket(url, ['v12.stomp', 'v11.stomp', 'v10.stomp'], { ...options, createConnection })
      webSocket.once('error', reject)
      webSocket.on('message', (data) => events.receive(data as Buffer))
      webSocket.on('error', () => undefined)
      webSocket.on('close', () => events.closed())
      webSocket.once('open', () =>
        resolve({
          write: (octets) => send(webSocket, octets),
          end: () => webSocket.close(1000),
          // Only the socket below all can be reset, and one that has been ended may not be.
          abort: () => void (transport.writableEnded ? transport.destroy() : transport.resetAndDestroy()),
          pause: () => webSocket.pause(),
          resume: () => webSocket.resume(),
        }),
      )
    })
}
