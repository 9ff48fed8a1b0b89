/** Binds a server to its place, also where a killed process has left its UNIX socket behind. */

import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import type { ListenSettings } from './options.js'

const version = process.versions.node
const [major = 0, minor = 0] = version.split('.').map(Number)
const knowsReusePort = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
/**
 * Why `reusePort` cannot be had, undefined where it can: a Node that does not know it would ignore it, and the second process
 * would be told that the port is taken.
 */
export const whyNoReusePort = knowsReusePort ? undefined : `needs Node 22.12 or newer; this is ${version}`

/** Resolves when the server listens. Rejects as Node does, `EADDRINUSE` and the like, and then nothing is left. */
export async function bind(server: Server, settings: ListenSettings): Promise<void> {
  const { place } = settings
  try {
    await attempt(server, settings)
  } catch (error) {
    if (!('path' in place && codeOf(error) === 'EADDRINUSE' && (await isAbandoned(place.path)))) throw error
    // The file outlives its process, and would keep the next one out until somebody removes it by hand.
    await unlink(place.path)
    await attempt(server, settings)
  }
}

async function attempt(server: Server, { place, backlog, reusePort }: ListenSettings): Promise<void> {
  if (reusePort && whyNoReusePort !== undefined) throw new TypeError(`reusePort ${whyNoReusePort}`)
  server.listen({ ...place, backlog, reusePort })
  await once(server, 'listening')
}

/** Whether a path is a socket at which nobody listens: only the system can tell, by refusing a connection. */
async function isAbandoned(path: string): Promise<boolean> {
  // A connection to any other file is refused as well.
  if (!(await lstat(path)).isSocket()) return false
  const socket = connect({ path })
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
