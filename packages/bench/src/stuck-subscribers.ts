/** Those who subscribe and take nothing any more, and those who take all: a process of their own, so that nobody who measures waits for them. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What it is told: a port, whom to subscribe to what, and how many messages there will be. */
export interface Told {
  readonly port: number
  readonly destination: string
  readonly stuck: number
  readonly taking: number
  readonly messages: number
}

/** What it says: at first, then once a second, and when all that is taken has come. */
export interface Taken {
  /** The least that one of those who take has got. */
  readonly least: number
  readonly isAll: boolean
}

const AT_ONCE = 200
const SAY_MS = 1_000

/** Sends a frame that one frame answers. */
export async function say(socket: Socket, frame: string): Promise<void> {
  const answered = once(socket, 'data')
  socket.write(frame)
  await answered
}

/** Connects; answers a socket that is read. */
export async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  // It may be cut, which is what this is about.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  await say(socket, 'CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\n\n\0')
  return socket
}

async function subscribed(count: number, { port, destination }: Told): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, async () => {
      const socket = await connected(port)
      await say(socket, `SUBSCRIBE\nid:0\ndestination:${destination}\nreceipt:r\n\n\0`)
      return socket.pause()
    })
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

async function begin(told: Told): Promise<void> {
  await subscribed(told.stuck, told)
  const counts = (await subscribed(told.taking, told)).map((socket) => {
    const counter = { count: 0 }
    // Every frame here ends with the one NUL that it has.
    socket.on('data', (octets) => {
      for (let at = octets.indexOf(0); at >= 0; at = octets.indexOf(0, at + 1)) counter.count++
    })
    socket.resume()
    return counter
  })
  const tell = (): void => {
    const least = Math.min(...counts.map(({ count }) => count))
    process.send?.({ least, isAll: least === told.messages } satisfies Taken)
  }
  tell()
  setInterval(tell, SAY_MS)
}

if (process.send !== undefined) process.once('message', (told: Told) => void begin(told))
