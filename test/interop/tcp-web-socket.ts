/** A TCP socket in the shape of a WebSocket: @stomp/stompjs knows no other. It sends what it is given, and cuts nothing. */

import { connect, type Socket } from 'node:net'
import { type IStompSocket, type IStompSocketMessageEvent, StompSocketState } from '@stomp/stompjs'

/** A connection to a broker on this machine. */
export class TcpWebSocket implements IStompSocket {
  readonly url: string
  onopen: IStompSocket['onopen']
  onmessage: ((event: IStompSocketMessageEvent) => void) | undefined
  onerror: IStompSocket['onerror']
  onclose: IStompSocket['onclose']
  readonly #socket: Socket
  #state = StompSocketState.CONNECTING

  constructor(port: number) {
    this.url = `tcp://127.0.0.1:${port}`
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket.on('connect', () => {
      this.#state = StompSocketState.OPEN
      this.onopen?.({ type: 'open' })
    })
    this.#socket.on('data', (octets) => this.onmessage?.({ data: new Uint8Array(octets).buffer }))
    this.#socket.on('error', (error) => this.onerror?.({ type: 'error', error }))
    this.#socket.on('close', () => {
      this.#state = StompSocketState.CLOSED
      this.onclose?.({ type: 'close' })
    })
  }

  get readyState(): number {
    return this.#state
  }

  send(data: Parameters<IStompSocket['send']>[0]): void {
    if (typeof data === 'string') this.#socket.write(data)
    else if (ArrayBuffer.isView(data)) this.#socket.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    else if (data instanceof Blob) throw new TypeError('a Blob cannot be sent at once')
    else this.#socket.write(new Uint8Array(data))
  }

  close(): void {
    this.#state = StompSocketState.CLOSING
    this.#socket.end()
  }

  terminate(): void {
    this.#socket.destroy()
  }
}
