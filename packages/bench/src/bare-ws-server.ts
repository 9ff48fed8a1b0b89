/**
 * The floor of every ratio over WebSocket: a `ws` server that answers the load generator's frames and is no broker. As the
 * bare server over TCP, it does what is written first.
 */

import { type WebSocket, WebSocketServer } from 'ws'

/** Each subscriber, with the id of its subscription. */
const subscribers = new Map<WebSocket, string>()
let messages = 0

/** The generator sends a frame a message. */
function receive(this: WebSocket, data: WebSocket.RawData): void {
  const frame = String(data).split('\0')[0] ?? ''
  if (frame.startsWith('SEND')) broadcast(frame)
  if (frame.startsWith('CONNECT')) this.send('CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0\n')
  if (frame.startsWith('SUBSCRIBE')) subscribers.set(this, /\nid:(.*)/.exec(frame)?.[1] ?? '')
  const receipt = /\nreceipt:(.*)/.exec(frame)?.[1]
  if (receipt !== undefined) this.send(`RECEIPT\nreceipt-id:${receipt}\n\n\0\n`)
}

function broadcast(frame: string): void {
  messages++
  const rest = frame.slice('SEND'.length)
  for (const [socket, id] of subscribers) socket.send(`MESSAGE\nsubscription:${id}\nmessage-id:${messages}${rest}\0\n`)
}

function forget(this: WebSocket): void {
  subscribers.delete(this)
}

const port = Number(process.argv[2])
const server = new WebSocketServer({ port, host: '127.0.0.1', backlog: 4096 }, () => console.log('bare ws: listening'))
server.on('connection', (socket) => {
  socket.on('message', receive).on('close', forget).on('error', socket.terminate)
})
