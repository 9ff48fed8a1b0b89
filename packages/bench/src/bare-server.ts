/**
 * The floor of every ratio: a `net` server, or a `tls` server where a key is given, that answers the load generator's frames and is no broker. It does what is
 * written first in Node, a Buffer for each subscriber and a write for each message; what a trick gains is ours to show.
 */

import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** Each subscriber, with the id of its subscription. */
const subscribers = new Map<Socket, string>()
/** The beginnings of frames whose rest has not come yet. */
const unfinished = new Map<Socket, string>()
/** Whoever wants heart-beats: one timer serves all. */
const beating = new Set<Socket>()
let messages = 0

function receive(this: Socket, octets: Buffer): void {
  const frames = `${unfinished.get(this) ?? ''}${octets}`.split('\0')
  const rest = frames.pop() ?? ''
  for (const frame of frames) answer(this, frame.trimStart())
  if (rest.trimStart() !== '') unfinished.set(this, rest)
  else unfinished.delete(this)
}

function answer(socket: Socket, frame: string): void {
  if (frame.startsWith('SEND')) broadcast(frame)
  if (frame.startsWith('CONNECT')) welcome(socket, /\nheart-beat:(.*)/.exec(frame)?.[1] !== '0,0')
  if (frame.startsWith('SUBSCRIBE')) subscribers.set(socket, /\nid:(.*)/.exec(frame)?.[1] ?? '')
  const receipt = /\nreceipt:(.*)/.exec(frame)?.[1]
  if (receipt !== undefined) socket.write(Buffer.from(`RECEIPT\nreceipt-id:${receipt}\n\n\0\n`))
}

function welcome(socket: Socket, isBeating: boolean): void {
  const beats = isBeating ? BEAT_MS : 0
  if (isBeating) beating.add(socket)
  socket.write(Buffer.from(`CONNECTED\nversion:1.2\nheart-beat:${beats},${beats}\n\n\0\n`))
}

function broadcast(frame: string): void {
  messages++
  const rest = frame.slice('SEND'.length)
  for (const [socket, id] of subscribers)
    socket.write(Buffer.from(`MESSAGE\nsubscription:${id}\nmessage-id:${messages}${rest}\0\n`))
}

function forget(this: Socket): void {
  subscribers.delete(this)
  beating.delete(this)
  unfinished.delete(this)
}

function accept(socket: Socket): void {
  socket.on('data', receive).on('close', forget).on('error', socket.destroy)
}

const BEAT_MS = 10_000
setInterval(() => {
  for (const socket of beating) socket.write('\n')
}, BEAT_MS)

const [, , port, keyFile] = process.argv
const pem = keyFile === undefined ? '' : readFileSync(keyFile)
const server =
  keyFile === undefined
    ? createServer({ noDelay: true }, accept)
    : createTlsServer({ noDelay: true, key: pem, cert: pem }, accept)
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 }, () => console.log('bare: listening'))
