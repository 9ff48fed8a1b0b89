/**
 * Clients that behave badly, all in one process: some begin bodies and never end them, some subscribe and never read, one
 * floods a queue, and one fills the topic of those who never read. Whoever is cut, and sees it, comes again.
 *
 *   crowd <port> <socket path> <how many of each>
 */

import { connect, type Socket } from 'node:net'
import { ServerFrames } from '../support/server-frames.js'
import { frameText } from '../support/wire-client.js'
import { FLOODED, UNFINISHED, UNREAD } from './crowd-destinations.js'

const KIB = 1024
const ANNOUNCED_BYTES = 16 * KIB * KIB
const CONNECT = frameText('CONNECT', { 'accept-version': '1.2', host: 'localhost' })
/** So many of those who never end their bodies send at the same time, and so many of those who never read come. */
const AT_ONCE = 20
const PIECE = Buffer.alloc(16 * KIB, 'x')
const FLOOD = frameText('SEND', { destination: FLOODED }, 'f'.repeat(KIB)).repeat(60)
const TOLD = frameText('SEND', { destination: UNREAD, receipt: 't' }, 't'.repeat(8 * KIB))

const [port, path = '', count] = process.argv.slice(2)

function dial(): Socket {
  const socket = connect({ port: Number(port), host: '127.0.0.1' })
  socket.on('error', () => undefined)
  socket.write(CONNECT)
  return socket
}

/** Sends on and on; comes again when it is cut. */
class Pourer {
  readonly #begin: string
  readonly #octets: Buffer | string
  #socket: Socket

  constructor(begin: string, octets: Buffer | string) {
    this.#begin = begin
    this.#octets = octets
    this.#socket = this.#dial()
  }

  /** Sends some more, unless the last has not left yet. */
  pour(): void {
    if (!this.#socket.destroyed && this.#socket.writableLength === 0) this.#socket.write(this.#octets)
  }

  #dial(): Socket {
    const socket = dial().resume()
    socket.write(this.#begin)
    socket.on('close', () => {
      this.#socket = this.#dial()
    })
    return socket
  }
}

/** Over a UNIX socket, because the system lets much less wait there than over TCP. */
function neverRead(): void {
  const socket = connect({ path }).pause()
  socket.on('error', () => undefined)
  socket.write(CONNECT + frameText('SUBSCRIBE', { id: '0', destination: UNREAD }))
}

/** Sends the next one when the last is receipted: the broker's own pace is everybody's here. */
function tell(): void {
  const socket = dial()
  const frames = new ServerFrames()
  socket.write(TOLD)
  socket.on('data', (octets) => {
    for (const { command } of frames.read(octets)) {
      if (command !== 'RECEIPT') continue
      pourSome()
      socket.write(TOLD)
    }
  })
  socket.on('close', tell)
}

const begin = `SEND\ndestination:${UNFINISHED}\ncontent-length:${ANNOUNCED_BYTES}\n\n`
const unfinished = Array.from({ length: Number(count) }, () => new Pourer(begin, PIECE))
const flooder = new Pourer('', FLOOD)
let next = 0

/** The flooder each time, and of the others some: the crowd is to be large, not fast. */
function pourSome(): void {
  flooder.pour()
  for (let some = 0; some < AT_ONCE; some++, next++) {
    if (next < unfinished.length) neverRead()
    unfinished[next % unfinished.length]?.pour()
  }
}

tell()
process.stdin.resume().on('end', () => process.exit())
