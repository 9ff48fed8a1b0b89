/** Shares the upgrades of one http server among all that listen for them: each path goes to the one who serves it. */

import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { pathOf, refuse, unknownPath } from './refusal.js'

/** Takes an upgrade. */
export type TakeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Paths, and who takes what comes there. */
export interface Claim {
  readonly paths: readonly string[]
  servesPath(path: string): boolean
}

/** On a listener: what it claims. On a server's `emit`: that claims are heeded. Known to every copy of this package. */
const claimOf = Symbol.for('@xtomp/ws claim')

interface ClaimingListener extends TakeUpgrade {
  [claimOf]: Claim
}

type Listener = TakeUpgrade & Partial<ClaimingListener>

type Emit = Server['emit'] & { [claimOf]?: true }

/** Takes the upgrades that are claimed, from here until what is answered is called. */
export function claimUpgrades(server: Server, claim: Claim, take: TakeUpgrade): () => void {
  const listener: ClaimingListener = Object.assign(
    (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const path = pathOf(request)
      if (claim.servesPath(path)) take(request, socket, head)
      else if (isLastResort(server, listener)) refuse(socket, unknownPath(path, pathsOf(server)))
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
    const [request, socket, head] = values as [IncomingMessage, Duplex, Buffer]
    const claimant = name === 'upgrade' ? claimantOf(this, pathOf(request)) : undefined
    if (claimant === undefined) return Reflect.apply(own, this, [name, ...values]) as boolean
    claimant.call(this, request, socket, head)
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

/** Whether all who listen are of our kind, and this is the one of them to answer. */
function isLastResort(server: Server, listener: TakeUpgrade): boolean {
  const listeners = server.listeners('upgrade') as Listener[]
  return listeners[0] === listener && listeners.every(isClaiming)
}

function pathsOf(server: Server): string[] {
  return claiming(server).flatMap((listener) => listener[claimOf].paths)
}

function isClaiming(listener: Listener): listener is ClaimingListener {
  return listener[claimOf] !== undefined
}
