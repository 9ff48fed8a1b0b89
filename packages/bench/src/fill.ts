/** A producer that fills a queue nobody reads, to weigh what waits in it. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What to send where. */
export interface Filling {
  readonly port: number
  readonly destination: string
  readonly messages: number
  readonly bodyBytes: number
}

const SENDS_A_WRITE = 1_000

/** Sends all messages and resolves when the last one's RECEIPT is there. @throws Error where an ERROR comes instead */
export async function fill({ port, destination, messages, bodyBytes }: Filling): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  await ask(socket, 'CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\n\n\0', 'CONNECTED')
  const send = `SEND\ndestination:${destination}\ncontent-length:${bodyBytes}\n\n${'x'.repeat(bodyBytes)}\0`
  const sends = Buffer.from(send.repeat(SENDS_A_WRITE))
  for (let sent = 0; sent < messages; sent += SENDS_A_WRITE) {
    if (!socket.write(sends)) await once(socket, 'drain')
  }
  await ask(socket, 'DISCONNECT\nreceipt:all\n\n\0', 'RECEIPT')
  socket.destroy()
}

async function ask(socket: Socket, frame: string, awaited: string): Promise<void> {
  const answered = once(socket, 'data')
  socket.write(frame)
  const answer = String((await answered)[0])
  if (!answer.startsWith(awaited)) throw new Error(`awaited was ${awaited}; the server answered ${answer}`)
}
