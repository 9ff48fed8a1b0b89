/** SUBSCRIBE and UNSUBSCRIBE (STOMP 1.2, SUBSCRIBE and UNSUBSCRIBE). */

import type { SubscribeCommand, UnsubscribeCommand } from '../command/command.js'
import { isPattern } from '../destination/name.js'
import type { Router } from '../destination/router.js'
import { type Source, Subscription, type SubscriptionRequest, subscriptionBytes } from '../destination/subscription.js'
import { memoryFull, overLimit, ProtocolError, printable, StompError } from '../errors.js'
import { ask, type Step } from './ask.js'
import { authorize } from './authorize.js'
import type { Session } from './session.js'

/** Checks what can be checked, asks whether it may be made, then makes it. */
export function subscribe(session: Session, command: SubscribeCommand): Step {
  // A 1.0 subscription without an id is known by its destination.
  const id = command.id ?? command.destination
  checkId(session, id)
  ;(session.router as Router).checkSubscribe(command.destination)
  const access = {
    action: 'subscribe',
    destination: command.destination,
    isPattern: isPattern(command.destination),
  } as const
  return authorize(session, access, () => judge(session, command, id, () => activate(session, command, id)))
}

function checkId({ subscriptions, context }: Session, id: string): void {
  if (subscriptions.some((subscription) => subscription.id === id)) {
    throw new ProtocolError(
      'subscription-duplicate',
      `there is a subscription ${printable(id)} already; UNSUBSCRIBE it first`,
    )
  }
  const limit = context.limits.subscriptions
  if (subscriptions.length >= limit) {
    const excess = { what: 'a session', limit, seen: limit + 1, unit: 'subscriptions', option: 'limits.subscriptions' }
    throw overLimit('subscriptions-too-many', excess)
  }
}

function judge(session: Session, command: SubscribeCommand, id: string, next: () => Step): Step {
  const { hooks } = session.context
  if (hooks.subscribe === undefined) return next()
  const { destination, ackMode, headers } = command
  const request = { user: session.user, session: session.info, id, destination, ackMode, headers }
  return ask(session, { hook: 'subscribe', ask: () => hooks.subscribe?.(request) }, (answer) => {
    if (answer === false)
      throw new StompError('access-refused', `this subscription to ${printable(destination)} is refused`)
    return next()
  })
}

function activate(
  session: Session,
  { destination, ackMode, prefetch, receipt, id: given }: SubscribeCommand,
  id: string,
): Step {
  const request = { id, isNamed: given !== undefined, destination, ackMode, prefetch }
  const source = sourceFor(session, request)
  // Making room in the broker may have ended this very session.
  if (source === undefined) return undefined
  const subscription = new Subscription(request, source, session)
  // A list that is pushed to has room for seventeen, and most sessions have one subscription.
  const others = session.subscriptions
  session.subscriptions = others.length === 0 ? [subscription] : [...others, subscription]
  // Its RECEIPT may have to wait for those of earlier frames, and its first MESSAGE comes after it.
  subscription.isHeld = receipt !== undefined
  const told = (): void => {
    subscription.isHeld = false
    subscription.resume()
  }
  const step = start(subscription, () => {
    if (receipt !== undefined && !session.isOver) session.completion(receipt, { told }).done()
  })
  const report = (): void => {
    if (!session.isOver) session.context.reports.subscribed(session, subscription)
  }
  if (step !== undefined) return step.then(report)
  report()
  return undefined
}

/**
 * Makes it active, and says so before it is handed anything. Where others must know of it first, that takes until they
 * do: what follows may need it. @throws StompError where it fails at once
 */
function start(subscription: Subscription, active: () => void): Step {
  let isDone = false
  let failure: StompError | undefined
  let settle: (() => void) | undefined
  subscription.start({
    done: (error) => {
      isDone = true
      failure = error
      if (error === undefined) active()
      settle?.()
    },
  })
  if (!isDone) {
    return new Promise((resolve, reject) => {
      settle = () => (failure === undefined ? resolve() : reject(failure))
    })
  }
  if (failure !== undefined) throw failure
  return undefined
}

/** Counts a subscription, and finds what it is to. @throws StompError `memory-full`, or where it may not be made */
function sourceFor(session: Session, request: SubscriptionRequest): Source | undefined {
  const { account } = session.context.destinations
  const bytes = subscriptionBytes(request)
  if (!account.take(bytes)) throw memoryFull(account.bound)
  try {
    if (!session.isOver) return (session.router as Router).forSubscribe(request.destination)
  } catch (error) {
    account.give(bytes)
    throw error
  }
  account.give(bytes)
  return undefined
}

/** Ends a subscription. What it was given and has not settled can still be settled. */
export function unsubscribe(session: Session, command: UnsubscribeCommand): undefined {
  const subscription = find(session, command)
  session.subscriptions = session.subscriptions.filter((other) => other !== subscription)
  subscription.end()
  session.done(command.receipt)
  session.context.reports.unsubscribed(session, subscription)
}

/** By its id; by its destination alone, as 1.0 may, the one without an id, or else the oldest. */
function find({ subscriptions }: Session, { id, destination }: UnsubscribeCommand): Subscription {
  const named = subscriptions.find((other) => other.id === (id ?? destination))
  const found =
    named ?? (id === undefined ? subscriptions.find((other) => other.destination === destination) : undefined)
  if (found === undefined)
    throw new ProtocolError('subscription-unknown', `there is no subscription ${printable(id ?? destination ?? '')}`)
  return found
}
