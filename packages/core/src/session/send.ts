/** SEND: a message for a destination, now or with its transaction (STOMP 1.2, SEND). */

import type { SendCommand } from '../command/command.js'
import type { Router } from '../destination/router.js'
import { StompError } from '../errors.js'
import { messageHeaders } from '../header-names.js'
import { StoredMessage } from '../message.js'
import type { Completion } from '../ports/destination.js'
import { ask, messageIn, refusalOf, type Step } from './ask.js'
import { authorize } from './authorize.js'
import type { Session } from './session.js'

/** Asks whether it may be sent and as what, then hands it on. */
export function send(session: Session, command: SendCommand): Step {
  const { hooks } = session.context
  const message = messageOf(session, command)
  const asksNobody = hooks.authorize === undefined && hooks.send === undefined
  if (asksNobody && !mustWait(session, command)) return accept(session, command, message)
  if (asksNobody) return whileJudged(session, message, () => accept(session, command, message))
  const access = { action: 'send', destination: command.destination, isPattern: false } as const
  return whileJudged(session, message, () =>
    authorize(session, access, () => judge(session, message, (judged) => accept(session, command, judged))),
  )
}

/** What waits may go on after the octets that the body is a view of are gone: until it has, the message is held and counted. */
function whileJudged(session: Session, message: StoredMessage, task: () => Step): Step {
  session.judge(message)
  let step: Step
  try {
    step = task()
    return step?.finally(() => session.judged())
  } finally {
    if (step === undefined) session.judged()
  }
}

function messageOf({ context }: Session, command: SendCommand): StoredMessage {
  const message = new StoredMessage(
    context.ids.next(),
    command.destination,
    messageHeaders(command.headers),
    command.body,
  )
  message.expiresAt = command.expiresAt
  return command.isBorrowed ? message.borrow() : message
}

function judge(session: Session, message: StoredMessage, next: (message: StoredMessage) => Step): Step {
  const { hooks } = session.context
  if (hooks.send === undefined) return next(message)
  const context = { user: session.user, session: session.info }
  return ask(session, { hook: 'send', ask: () => hooks.send?.(message, context) }, (answer) => {
    if (answer === false) throw new StompError('access-refused', 'this message is refused')
    return next(changed(session, answer) ?? message)
  })
}

function changed(session: Session, answer: unknown): StoredMessage | undefined {
  try {
    return messageIn(answer, 'send')
  } catch (error) {
    throw refusalOf(session.context, 'send', error)
  }
}

/** Whether it is for very many who have not been served yet. */
function mustWait({ context, router }: Session, { transaction, destination }: SendCommand): boolean {
  const { crowd } = context.destinations
  return crowd.isBusy && transaction === undefined && router?.isCrowded(destination) === true
}

function accept(session: Session, command: SendCommand, message: StoredMessage): Step {
  const { transaction, receipt } = command
  if (transaction !== undefined) {
    // What can be known now is said now; the receipt means that the transaction holds the message.
    const router = session.router as Router
    router.checkSend(message.destination)
    session.openTransactions().send(transaction, message)
    session.done(receipt)
    return undefined
  }
  const { crowd } = session.context.destinations
  const task = (): void => route(session, receipt, message)
  if (mustWait(session, command)) return crowd.whenRoom(task)
  crowd.patiently(task)
  return undefined
}

function route(session: Session, receipt: string | undefined, message: StoredMessage): void {
  // It may have been cut while its message waited.
  if (session.isOver) return
  const { destinations } = session.context
  const router = session.router as Router
  const completion = reporting(session, message, session.completion(receipt, { message }))
  if (!router.send(message, completion)) session.hold(() => destinations.withdraw(completion))
}

/** Tells of the message once it is accepted, where somebody wants to know. */
function reporting(session: Session, message: StoredMessage, completion: Completion): Completion {
  const { reports } = session.context
  if (!reports.areSendsHeard) return completion
  message.own()
  return {
    waits: (withdraw) => completion.waits?.(withdraw),
    done: (error) => {
      completion.done(error)
      if (error === undefined) reports.sent(session, message)
    },
  }
}
