/** Looks at what a socket says first, and leaves it there for whoever the socket is given to. */

import type { Socket } from 'node:net'

/**
 * Reads until `verdictOf` answers, then puts back what was read, and calls `decided` with the socket paused. A socket
 * whose peer ends before there is a verdict is destroyed, as one that breaks: who waits listens to `close`. Answers what
 * ends the look before there is a verdict.
 */
export function firstOctets<Verdict extends {}>(
  socket: Socket,
  verdictOf: (octets: Buffer) => Verdict | undefined,
  decided: (verdict: Verdict) => void,
): () => void {
  let seen: Buffer = Buffer.alloc(0)
  const read = (octets: Buffer): void => {
    seen = seen.length === 0 ? octets : Buffer.concat([seen, octets])
    const verdict = verdictOf(seen)
    if (verdict === undefined) return
    stop()
    socket.pause()
    socket.unshift(seen)
    decided(verdict)
  }
  const ended = (): void => {
    socket.destroy()
  }
  const stop = (): void => {
    socket.off('data', read)
    socket.off('end', ended)
    socket.off('error', ignore)
  }
  socket.on('data', read)
  socket.on('end', ended)
  // One that breaks is closed as well.
  socket.on('error', ignore)
  // Paused, where somebody has looked before.
  socket.resume()
  return stop
}

function ignore(): void {}
