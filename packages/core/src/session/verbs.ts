/** Which function acts on which command. */

import type { Command } from '../command/command.js'
import { settle } from './acknowledge.js'
import type { Step } from './ask.js'
import { connect } from './connect.js'
import { send } from './send.js'
import type { Session } from './session.js'
import { subscribe, unsubscribe } from './subscribe.js'
import { abort, begin, commit } from './transact.js'

type Handlers = {
  readonly [Verb in Command['verb']]: (session: Session, command: Extract<Command, { verb: Verb }>) => Step
}

const HANDLERS: Handlers = {
  CONNECT: connect,
  SEND: send,
  SUBSCRIBE: subscribe,
  UNSUBSCRIBE: unsubscribe,
  ACK: settle,
  NACK: settle,
  BEGIN: begin,
  COMMIT: commit,
  ABORT: abort,
  DISCONNECT: (session, { receipt }) => {
    session.disconnect(receipt)
    return undefined
  },
}

/** Acts on a command. A promise where that waits. @throws StompError where the command is refused */
export function handle(session: Session, command: Command): Step {
  const handler = HANDLERS[command.verb] as (session: Session, command: Command) => Step
  return handler(session, command)
}
