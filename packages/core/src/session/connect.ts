/** CONNECT and STOMP: who is it, which version, how often do both sides beat (STOMP 1.2, Connecting). */

import { negotiateVersion, VERSIONS, type Version } from '../codec/version.js'
import type { ConnectCommand } from '../command/command.js'
import { connectedFrame } from '../command/reply.js'
import { ProtocolError, printable, StompError } from '../errors.js'
import { ask, type Step } from './ask.js'
import { agreeOnBeats, offerOf } from './heart-beat.js'
import type { Session } from './session.js'

/** Agrees on a version, finds the host, asks who it is and whether it may, then answers CONNECTED. */
export function connect(session: Session, command: ConnectCommand): Step {
  const { recovery } = session.context
  if (recovery === undefined) return converse(session, command)
  return recovery.then(() => (session.isOver ? undefined : converse(session, command)))
}

function converse(session: Session, command: ConnectCommand): Step {
  const version = agreeOnVersion(command)
  findHost(session, command)
  return authenticate(session, command, () => admit(session, command, () => welcome(session, command, version)))
}

function agreeOnVersion({ acceptVersion }: ConnectCommand): Version {
  const version = negotiateVersion(acceptVersion)
  if (version === undefined) {
    throw new ProtocolError(
      'version-unsupported',
      `the broker speaks ${VERSIONS.join(', ')}; the client accepts ${printable(acceptVersion ?? '')}`,
    )
  }
  return version
}

function findHost(session: Session, { host }: ConnectCommand): void {
  const router = session.context.router(host)
  if (router === undefined) throw new ProtocolError('host-unknown', `there is no host ${printable(host)} here`)
  session.host = host
  session.router = router
}

function authenticate(session: Session, command: ConnectCommand, next: () => Step): Step {
  const { hooks } = session.context
  const { provenLogin } = session
  if (provenLogin !== undefined && command.login && command.login !== provenLogin)
    throw new StompError('auth-failed', `this connection is ${printable(provenLogin)}'s, whatever login CONNECT names`)
  if (hooks.authenticate === undefined) {
    session.user = provenLogin
    return next()
  }
  const { passcode, host, headers } = command
  const { connection } = session.info
  const isProven = provenLogin !== undefined
  const credentials = { login: provenLogin ?? command.login, isProven, passcode, host, headers, connection }
  Object.defineProperty(credentials, 'passcode', { value: passcode, enumerable: false })
  const question = { hook: 'authenticate', ask: () => hooks.authenticate?.(credentials) }
  return ask(session, question, (user) => {
    // Whatever is not a user: an empty text is what a check of an empty passcode may answer.
    if (!user) throw new StompError('auth-failed', 'this login is not accepted')
    session.user = user
    return next()
  })
}

function admit(session: Session, { headers }: ConnectCommand, next: () => Step): Step {
  const { hooks } = session.context
  if (hooks.connect === undefined) return next()
  const request = { user: session.user, headers, session: session.info }
  return ask(session, { hook: 'connect', ask: () => hooks.connect?.(request) }, (answer) => {
    if (answer === false) throw new StompError('access-refused', 'this connection is refused')
    return next()
  })
}

function welcome(session: Session, command: ConnectCommand, version: Version): undefined {
  const { context } = session
  session.connected(version)
  session.write(
    connectedFrame({ version, session: session.id, heartBeat: offerOf(context.heartBeat), server: context.serverName }),
  )
  session.heartBeat = context.rhythms.begin(session, agreeOnBeats(command.heartBeat, context.heartBeat))
  context.reports.connected(session)
}
