/** What happens in a broker, as lines of the log: who comes, who goes and why, who is too slow, what was given up. */

import type { Broker, BrokerEvents, CloseReason, SessionInfo } from '@xtomp/core'
import type { Logger } from 'pino'
import { Burst } from './burst.js'

/** Ends that are nobody's fault. */
const PEACEFUL: readonly CloseReason['code'][] = ['disconnect', 'peer-closed', 'broker-closing']

/** Logs what the level lets through; an event that would not be written is not listened to, and costs nothing. */
export function logEvents(broker: Broker, logger: Logger): void {
  if (logger.isLevelEnabled('warn')) logBursts(broker, logger)
  if (logger.isLevelEnabled('debug')) {
    // A line for each that comes and goes halves the rate at which they can.
    broker.on('connect', ({ session }) =>
      logger.debug({ ...factsOf(session), version: session.version }, 'a client has connected'),
    )
    broker.on('disconnect', ({ session, reason }) => {
      if (isPeaceful(reason)) logger.debug({ ...factsOf(session), ...endOf(reason) }, 'a client has gone')
    })
    for (const [event, says] of [
      ['subscribe', 'a subscription is active'],
      ['unsubscribe', 'a subscription has ended'],
    ] as const)
      broker.on(event, ({ session, subscription }) => logger.debug({ session: session.id, ...subscription }, says))
  }
}

function logBursts(broker: Broker, logger: Logger): void {
  const slow = new Burst<BrokerEvents['slow-consumer']>(broker.clock, ({ subscription }, count) =>
    logger.warn({ ...subscription, count }, 'a consumer is too slow: its backlog is full'),
  )
  broker.on('slow-consumer', (fact) => slow.note(fact))
  const faulty = new Burst<BrokerEvents['disconnect']>(broker.clock, ({ session, reason }, count) =>
    logger.warn({ ...factsOf(session), ...endOf(reason), count }, 'a client has gone'),
  )
  broker.on('disconnect', (fact) => {
    if (!isPeaceful(fact.reason)) faulty.note(fact)
  })
  const limited = new Burst<BrokerEvents['limit']>(broker.clock, ({ session, error }, count) =>
    logger.warn({ ...factsOf(session), ...endOf(error), count }, 'a client was refused for a limit'),
  )
  broker.on('limit', (fact) => {
    // Of one that was connected the line above tells.
    if (fact.session.version === undefined) limited.note(fact)
  })
  const dead = new Burst<BrokerEvents['dead-letter']>(broker.clock, ({ message, reason, movedTo }, count) =>
    logger.warn(
      { destination: message.destination, message: message.id, reason, movedTo, count },
      'a message was given up',
    ),
  )
  broker.on('dead-letter', (fact) => dead.note(fact))
}

function isPeaceful({ code }: CloseReason): boolean {
  return PEACEFUL.includes(code)
}

function endOf({ code, message }: CloseReason): object {
  return { code, reason: message }
}

function factsOf({ id, user, host, connection }: SessionInfo): object {
  const { transport, remoteAddress, remotePort } = connection
  return { session: id, login: loginOf(user), host: host || undefined, transport, remoteAddress, remotePort }
}

/** The login, where the user is one of the configuration's or has a name for itself. */
function loginOf(user: unknown): string | undefined {
  const { login, name } = Object(user) as { login?: unknown; name?: unknown }
  const known = login ?? name
  return typeof known === 'string' ? known : undefined
}
