/** The protocol's rules for client frames, as tables: which headers a command needs, and when it may come. */

import type { ClientCommand } from '../codec/frame.js'
import type { Version } from '../codec/version.js'

type ByVersion = Readonly<Record<Version, readonly string[]>>

const always = (...names: string[]): ByVersion => ({ '1.0': names, '1.1': names, '1.2': names })

const SETTLE: ByVersion = { '1.0': ['message-id'], '1.1': ['message-id', 'subscription'], '1.2': ['id'] }

/**
 * The headers that a command must have, and not empty (STOMP 1.2, Standard Headers, and each command's section). `host`
 * is not among CONNECT's: a missing one means the default space. UNSUBSCRIBE in 1.0 has the id or the destination.
 */
export const REQUIRED_HEADERS: Readonly<Record<ClientCommand, ByVersion>> = {
  CONNECT: always(),
  STOMP: always(),
  SEND: always('destination'),
  SUBSCRIBE: { '1.0': ['destination'], '1.1': ['destination', 'id'], '1.2': ['destination', 'id'] },
  UNSUBSCRIBE: { '1.0': [], '1.1': ['id'], '1.2': ['id'] },
  ACK: SETTLE,
  NACK: SETTLE,
  BEGIN: always('transaction'),
  COMMIT: always('transaction'),
  ABORT: always('transaction'),
  DISCONNECT: always(),
}

/** Where a session is in its conversation. */
export type SessionState = 'connecting' | 'connected' | 'closing'

/** The commands that may come in each state (STOMP 1.2, Connecting). */
export const LEGAL_COMMANDS: Readonly<Record<SessionState, readonly ClientCommand[]>> = {
  connecting: ['CONNECT', 'STOMP'],
  connected: ['SEND', 'SUBSCRIBE', 'UNSUBSCRIBE', 'ACK', 'NACK', 'BEGIN', 'COMMIT', 'ABORT', 'DISCONNECT'],
  closing: [],
}

/** The commands that may have a body (STOMP 1.2, Body); 1.0 does not say, so there a body is ignored. */
export const COMMANDS_WITH_BODY: readonly ClientCommand[] = ['SEND']
