/** What Linux tells of the TCP sockets at a port of this machine, and whether several may listen at one. */

import { readFileSync } from 'node:fs'

export const isLinux = process.platform === 'linux'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
/** Whether a door can be told `reusePort`. */
export const canSharePorts = isLinux && (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12))

/** A line of /proc/net/tcp. */
export interface TcpSocket {
  readonly isOpen: boolean
  readonly isListening: boolean
  /** Its kind and the time that is left, in hexadecimal digits. */
  readonly timer: string
}

const [OPEN, LISTENING] = ['01', '0A']

/** The sockets at this port of 127.0.0.1: a door's, and its ends of connections. */
export function tcpSocketsAt(port: number): TcpSocket[] {
  const end = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local]) => local === end)
    .map(([, , , state, , timer = '']) => ({ isOpen: state === OPEN, isListening: state === LISTENING, timer }))
}
