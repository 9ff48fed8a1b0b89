/** A broker that delivers one message a turn, and counts how many it was sent that it has not delivered yet. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Listens, until the test has ended; subscriptions may be left unconfirmed. */
export async function slowBroker({ isConfirming = true } = {}): Promise<{ readonly url: string; mostOpen(): number }> {
  const subscribers = new Set<Socket>()
  const waiting: string[] = []
  let most = 0
  const deliver = () => {
    const body = waiting[0]
    if (body === undefined) return
    // Counted as open until it is written: whoever reads it may send the next before we are here again.
    waiting.shift()
    for (const socket of subscribers) socket.write(`MESSAGE\nsubscription:1\nmessage-id:1\n\n${body}\0\n`)
    if (waiting.length > 0) setImmediate(deliver)
  }
  const answer = (socket: Socket, frame: string) => {
    if (frame.startsWith('CONNECT')) socket.write('CONNECTED\nversion:1.2\n\n\0\n')
    if (frame.startsWith('SUBSCRIBE')) {
      subscribers.add(socket)
      if (isConfirming) socket.write('RECEIPT\nreceipt-id:r\n\n\0\n')
    }
    if (!frame.startsWith('SEND')) return
    waiting.push(frame.split('\n\n')[1] ?? '')
    most = Math.max(most, waiting.length)
    if (waiting.length === 1) setImmediate(deliver)
  }
  const server = createServer((socket) => {
    let rest = ''
    socket.on('data', (octets) => {
      const frames = `${rest}${octets}`.split('\0')
      rest = frames.pop() ?? ''
      for (const frame of frames) answer(socket, frame.trimStart())
    })
    socket.on('close', () => subscribers.delete(socket)).on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `stomp://127.0.0.1:${(server.address() as AddressInfo).port}`, mostOpen: () => most }
}
