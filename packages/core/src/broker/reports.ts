/** What happens inside, told to the host as events. */

import type { DestinationReports, SubscriptionFacts } from '../destination/context.js'
import type { Party, SessionReports } from '../session/context.js'
import type { SessionInfo } from '../session/hooks.js'
import { Session } from '../session/session.js'
import type { Emitter } from './emitter.js'
import type { SubscriptionInfo } from './events.js'

/** The sessions' reports; `gone` is told when a session's connection is gone, too, before the host is. */
export function sessionReports<User>(emitter: Emitter<User>, gone: (session: Party) => void): SessionReports {
  const { heard } = emitter
  const infoOf = ({ info }: Party): SessionInfo<User> => info as SessionInfo<User>
  return {
    connected: (session) => {
      // Once a connection is gone nobody can say whose it was, unless the system has been asked before: who will hear of
      // the end has it asked now. What it answers is kept where sockets are, in 0.2 KB, and not here.
      if (heard.disconnect || heard.close) void session.connection
      emitter.emit('connect', () => ({ session: infoOf(session) }))
    },
    ended: (session, reason) => emitter.emit('disconnect', () => ({ session: infoOf(session), reason })),
    gone: (session, reason) => {
      gone(session)
      emitter.emit('close', () => ({ session: infoOf(session), reason }))
    },
    limited: (session, error) => emitter.emit('limit', () => ({ session: infoOf(session), error })),
    get areDeliveriesHeard() {
      return heard.deliver === true
    },
    delivered: (session, subscription, message) =>
      emitter.emit('deliver', () => ({ session: infoOf(session), subscription: describe(subscription), message })),
    subscribed: (session, subscription) =>
      emitter.emit('subscribe', () => ({ session: infoOf(session), subscription: describe(subscription) })),
    unsubscribed: (session, subscription) =>
      emitter.emit('unsubscribe', () => ({ session: infoOf(session), subscription: describe(subscription) })),
    get areSendsHeard() {
      return heard.send === true
    },
    sent: (session, message) => emitter.emit('send', () => ({ session: infoOf(session), message })),
    get areSettlementsHeard() {
      return heard.acknowledge === true || heard.nack === true
    },
    settled: (session, message, isAcknowledged) =>
      emitter.emit(isAcknowledged ? 'acknowledge' : 'nack', () => ({ session: infoOf(session), message })),
    failed: (error, during) => emitter.failed(error, during),
  }
}

/** The destinations' reports. */
export function destinationReports<User>(emitter: Emitter<User>): DestinationReports {
  return {
    givenUp: (message, reason, movedTo) => {
      if (reason === 'expired') emitter.emit('expire', () => ({ message, movedTo }))
      emitter.emit('dead-letter', () => ({ message, reason, movedTo }))
    },
    slowConsumer: (subscription) => {
      const { consumer } = subscription
      const session = consumer instanceof Session ? (consumer.info as SessionInfo<User>) : undefined
      emitter.emit('slow-consumer', () => ({ session, subscription: describe(subscription) }))
    },
  }
}

function describe({ id, destination, ackMode }: Omit<SubscriptionFacts, 'consumer'>): SubscriptionInfo {
  return { id, destination, ackMode }
}
