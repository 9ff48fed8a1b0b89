/** Asking a hook: an answer that is given now costs no promise, and whatever it throws becomes a refusal. */

import { Refusal, StompError } from '../errors.js'
import { StoredMessage } from '../message.js'
import type { SessionContext } from './context.js'
import type { Answer } from './hooks.js'

/** What a frame's handler gives back: nothing where it is done, a promise where it waits. */
export type Step = Promise<void> | undefined

/** Who asks. */
export interface Asker {
  readonly context: SessionContext
  /** Whether it is of no interest any more. */
  readonly isOver: boolean
}

/** A question to one hook. */
export interface Question<T> {
  /** Its name, for the report of a failure. */
  readonly hook: string
  ask(): Answer<T>
}

/** Asks, and goes on with the answer: at once where it is there. @throws StompError `hook-failed`, or the hook's refusal */
export function ask<T>(asker: Asker, { hook, ask: question }: Question<T>, next: (answer: T) => Step): Step {
  const { context } = asker
  let answer: Answer<T>
  try {
    answer = question()
  } catch (error) {
    throw refusalOf(context, hook, error)
  }
  // A hook may have ended the session that it was asked about, now or later: then nothing more is done.
  if (!isPromise(answer)) return asker.isOver ? undefined : next(answer)
  return Promise.resolve(answer).then(
    // A session that ended in the meantime (it was cut, say) does nothing more.
    (later) => (asker.isOver ? undefined : next(later)),
    (error: unknown) => {
      throw refusalOf(context, hook, error)
    },
  )
}

/** A hook that throws a Refusal refuses; anything else is the host's fault, which the peer is told nothing of. */
export function refusalOf(context: SessionContext, hook: string, error: unknown): StompError {
  if (error instanceof Refusal) return error
  context.reports.failed(error, `hook ${hook}`)
  return new StompError('hook-failed', 'the broker could not judge this frame; its operator has been told')
}

/**
 * The message that a hook answers, undefined where it lets the one it was given be. Anything else is a mistake that must
 * not go unheard: the host may have meant to change the message.
 */
export function messageIn(answer: unknown, hook: string): StoredMessage | undefined {
  if (answer === undefined || answer === true) return undefined
  if (answer instanceof StoredMessage) return answer
  throw new TypeError(
    `the hook ${hook} must answer true, false, nothing, or a message as message.with() makes it; it answered ${typeof answer}`,
  )
}

/** Whether an answer is still to come. */
export function isPromise<T>(answer: Answer<T>): answer is PromiseLike<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function'
}
