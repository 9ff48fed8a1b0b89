/** Shares the upgrades of one http server among all that listen for them: each path goes to the one who serves it. */

import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import { pathOf } from '@xtomp/net/socket'
import { type Refusal, unknownPath } from './refusal.js'

/** Takes an upgrade. */
export type TakeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Paths, and who takes what comes there. */
export interface Claim {
  readonly paths: readonly string[]
  servesPath(path: string): boolean
  /** Answers who asks in vain. */
  refuse(socket: Socket, refusal: Refusal): void
}

/** On a listener: what it claims. On a server's `emit`: that claims are heeded. Known to every copy of this package. */
const claimOf = Symbol.for('@xtomp/ws claim')

interface ClaimingListener extends TakeUpgrade {
  [claimOf]: Claim
}

type Listener = TakeUpgrade & Partial<ClaimingListener>

type Emit = Server['emit'] & { [claimOf]?: true }

/**
 * Takes the upgrades that are claimed, from here until what is answered is called.
 * @throws TypeError where another has named one of the paths: all that comes there is that one's
 */
export function claimUpgrades(server: Server, claim: Claim, take: TakeUpgrade): () => void {
  const taken = pathsOf(server).find((path) => claim.paths.includes(path))
  if (taken !== undefined) throw new TypeError(`another door of this server answers at ${taken} (option path)`)
  const listener: ClaimingListener = Object.assign(
    (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const path = pathOf(request)
      if (claim.servesPath(path)) take(request, socket, head)
      else if (isLastResort(server, listener)) claim.refuse(request.socket, unknownPath(path, pathsOf(server)))
    },
    { [claimOf]: claim },
  )
  server.on('upgrade', listener)
  heedClaims(server)
  return () => {
    server.off('upgrade', listener)
    if (claiming(server).length === 0) ignoreClaims(server)
  }
}

/**
 * Others who listen for upgrades answer 400 to each path that is not theirs, or cut it after a while: what is claimed
 * must not come to them. An event cannot be stopped on its way, so it is not sent to them in the first place.
 */
function heedClaims(server: Server): void {
  const own: Emit = server.emit
  if (own[claimOf]) return
  const emit = function (this: Server, name: string, ...values: unknown[]): boolean {
    if (name !== 'upgrade') return Reflect.apply(own, this, [name, ...values]) as boolean
    const [request, socket, head] = values as [IncomingMessage, Socket, Buffer]
    const isWanted = wantsWebSocket(request)
    const claimant = isWanted ? claimantOf(this, pathOf(request)) : undefined
    if (claimant !== undefined) claimant.call(this, request, socket, head)
    else if (isWanted || !isOursAlone(this)) return Reflect.apply(own, this, [name, ...values]) as boolean
    else readAgain(this, request, socket, head)
    return true
  }
  server.emit = Object.assign(emit, { [claimOf]: true, before: own }) as Emit
}

/** Puts the server's own `emit` back, unless somebody else has put theirs in front of ours: without claims ours does nothing. */
function ignoreClaims(server: Server): void {
  const emit = server.emit as Emit & { before?: Emit }
  if (!emit[claimOf]) return
  if (emit.before === Object.getPrototypeOf(server).emit) Reflect.deleteProperty(server, 'emit')
  else if (emit.before !== undefined) server.emit = emit.before
}

function claiming(server: Server): ClaimingListener[] {
  return (server.listeners('upgrade') as Listener[]).filter(isClaiming)
}

function claimantOf(server: Server, path: string): ClaimingListener | undefined {
  return claiming(server).find((listener) => listener[claimOf].servesPath(path))
}

/** Whether this is the one to answer what nobody claims. */
function isLastResort(server: Server, listener: TakeUpgrade): boolean {
  return server.listeners('upgrade')[0] === listener && isOursAlone(server)
}

/** Whether all who listen are of our kind. */
function isOursAlone(server: Server): boolean {
  return (server.listeners('upgrade') as Listener[]).every(isClaiming)
}

function pathsOf(server: Server): string[] {
  return claiming(server).flatMap((listener) => listener[claimOf].paths)
}

function isClaiming(listener: Listener): listener is ClaimingListener {
  return listener[claimOf] !== undefined
}

function wantsWebSocket({ headers: { upgrade = '' } }: IncomingMessage): boolean {
  return /(^|[\s,])websocket($|[\s,])/i.test(upgrade)
}

/**
 * Gives the server a request again, without its wish to speak something else. Java's client and curl wish for HTTP/2 by
 * default: without listeners Node reads over that, with the first of them none of it comes to the host's pages any more.
 */
function readAgain(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() !== 'upgrade') lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`)
  // As Node has decoded it. Its body, where it has one, was not read yet.
  socket.unshift(Buffer.concat([Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'), head]))
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket)
}
