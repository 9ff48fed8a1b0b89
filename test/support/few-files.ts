/** Programs that may open few files, and crowds of clients that take them all. */

import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { frameText } from './wire-client.js'

/** Whether a process can tell how many files it may open. */
export const knowsItsLimit = existsSync('/proc/self/limits')

/** Has `fork` start a program that may open so many files. */
export function withFiles(count: number): { execPath: string; execArgv: string[] } {
  return { execPath: '/bin/sh', execArgv: ['-c', `ulimit -n ${count} && exec "$0" "$@"`, process.execPath] }
}

/** One of a crowd: what it was told, and whether it still waits for that. */
export interface Comer {
  readonly socket: Socket
  /** CONNECTED, an ERROR's code, or that it was closed; undefined while it waits. */
  fate: string | undefined
}

/** Sends so many clients to a port at once; each stays, whatever it is told, until its socket is destroyed. */
export function crowdTo(port: number, count: number): readonly Comer[] {
  return Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const comer: Comer = { socket, fate: undefined }
    let text = ''
    socket.write(frameText('CONNECT', { 'accept-version': '1.2', host: 'localhost', 'heart-beat': '0,0' }))
    socket.on('data', (octets) => {
      text += String(octets)
      if (text.includes('\0')) comer.fate ??= /^code:(.*)$/m.exec(text)?.[1] ?? text.slice(0, text.indexOf('\n'))
    })
    for (const end of ['end', 'error', 'close']) socket.on(end, () => (comer.fate ??= 'closed'))
    return comer
  })
}

/** How many met with each fate. */
export function fatesOf(crowd: readonly Comer[]): Readonly<Record<string, number>> {
  const fates: Record<string, number> = {}
  for (const { fate = 'waiting' } of crowd) fates[fate] = (fates[fate] ?? 0) + 1
  return fates
}
