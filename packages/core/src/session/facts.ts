/** A session as its host sees it: what it is, and what it is at this moment. */

import type { Version } from '../codec/version.js'
import { StompError } from '../errors.js'
import type { ConnectionInfo } from '../ports/connection.js'
import { CLOSED_BY_HOST } from './ends.js'
import type { SessionInfo, SessionSnapshot } from './hooks.js'

/** What is seen of it. */
export interface SessionFacts {
  readonly id: string
  readonly version: Version | undefined
  readonly user: unknown
  readonly host: string
  readonly connection: ConnectionInfo
  readonly state: SessionSnapshot['state']
  readonly subscriptions: readonly unknown[]
  readonly unacknowledged: { readonly size: number } | undefined
  readonly unsentBytes: number
  fail(error: StompError): void
}

/** What it is. */
export function factsOf(session: SessionFacts): SessionInfo {
  const { id, version, user, host, connection } = session
  const close = ({ code, message } = CLOSED_BY_HOST): void => session.fail(new StompError(code, message))
  return { id, version, user, host, connection, close }
}

/** What it is at this moment, with what was told of it before. */
export function snapshotOf(
  session: SessionFacts,
  { id, version, user, host, connection, close }: SessionInfo,
): SessionSnapshot {
  const { state, subscriptions, unacknowledged, unsentBytes } = session
  return {
    id,
    version,
    user,
    host,
    connection,
    close,
    state,
    subscriptions: subscriptions.length,
    unacknowledged: unacknowledged?.size ?? 0,
    unsentBytes,
  }
}
