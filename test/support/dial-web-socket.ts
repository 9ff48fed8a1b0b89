/** Opens WebSockets as pipes: what is written is a message, or several, and the close frame is the end. */

import { type ClientOptions, WebSocket } from 'ws'
import type { Dial, Pipe, PipeEvents } from './wire-client.js'

/** Much is sent in messages of that size, as @stomp/stompjs does where it is told to. */
const MESSAGE_BYTES = 48 * 1024

/** Opens WebSockets as pipes. */
export function dialWebSocket(url: string, options: ClientOptions = {}): Dial {
  return (events: PipeEvents) =>
    new Promise<Pipe>((resolve, reject) => {
      const webSocket = new WebSocket(url, ['v12.stomp', 'v11.stomp', 'v10.stomp'], options)
      webSocket.once('error', reject)
      webSocket.on('message', (data) => events.receive(data as Buffer))
      webSocket.on('error', () => undefined)
      webSocket.on('close', () => events.closed())
      webSocket.once('open', () =>
        resolve({
          write: (octets) => {
            for (let at = 0; at < octets.length; at += MESSAGE_BYTES)
              webSocket.send(octets.subarray(at, at + MESSAGE_BYTES))
          },
          end: () => webSocket.close(1000),
          abort: () => webSocket.terminate(),
          pause: () => webSocket.pause(),
          resume: () => webSocket.resume(),
        }),
      )
    })
}
