/** MESSAGE: a message on its way to one subscription, as the host lets it be seen (STOMP 1.2, MESSAGE). */

import type { FrameSink } from '../codec/encoder.js'
import type { Version } from '../codec/version.js'
import type { Delivery } from '../destination/delivery.js'
import type { Subscription } from '../destination/subscription.js'
import { Refusal } from '../errors.js'
import type { StoredMessage } from '../message.js'
import { nobody } from '../ports/destination.js'
import { isPromise, messageIn, refusalOf } from './ask.js'
import type { Party, SessionContext } from './context.js'

/** Who is delivered to: a session. */
export interface Receiver extends Party {
  readonly context: SessionContext
  readonly version: Version | undefined
  readonly user: unknown
  /** Numbers a delivery for its ACK, and remembers it; 0 where its number is not told. */
  note(delivery: Delivery): number
}

/** What a session is given for one of its subscriptions. */
export interface Given {
  readonly subscription: Subscription
  readonly message: StoredMessage
  /** To be settled unless the ack mode is `auto`; undefined where nothing is kept. */
  readonly delivery: Delivery | undefined
}

/** What becomes of a message that is not shown: the host skipped it, or could not judge it. */
type NotShown = 'acknowledged' | 'nacked'

/**
 * Writes the MESSAGE, and remembers what is to be settled. What the host skips counts as acknowledged; where its hook
 * fails, that is no reason to lose the message: it goes back, as after a NACK.
 */
export function deliver(session: Receiver, { subscription, message, delivery }: Given, sink: FrameSink): void {
  const unsettled = subscription.ackMode === 'auto' ? undefined : delivery
  const shown = session.context.hooks.deliver === undefined ? message : show(session, subscription, message)
  if (typeof shown !== 'string') {
    const envelope = {
      version: session.version as Version,
      subscription: subscription.isNamed ? subscription.id : undefined,
      ack: unsettled === undefined ? 0 : session.note(unsettled),
      redelivered: delivery?.isRedelivered === true,
    }
    const { messageEncoder, reports } = session.context
    messageEncoder.encode(shown, envelope, sink)
    if (reports.areDeliveriesHeard) reports.delivered(session, subscription, shown)
  } else if (unsettled !== undefined) {
    subscription.forget(unsettled)
    unsettled.origin.settle([unsettled], shown, nobody)
  }
}

/** What the host makes of a message for this subscription. */
function show(session: Receiver, subscription: Subscription, message: StoredMessage): StoredMessage | NotShown {
  const { reentry, hooks } = session.context
  reentry.enter()
  try {
    const context = { user: session.user, session: session.info, subscription: subscription.id }
    const answer = hooks.deliver?.(message, context)
    if (answer === false) return 'acknowledged'
    // Whoever waits before he answers may mean to refuse: nothing is shown that was not judged.
    if (isPromise(answer)) throw new TypeError('the hook deliver must answer now; it answered with a promise')
    return messageIn(answer, 'deliver') ?? message
  } catch (error) {
    return refusalOf(session.context, 'deliver', error) instanceof Refusal ? 'acknowledged' : 'nacked'
  } finally {
    reentry.leave()
  }
}
