/** Matchers for vitest and jest, whose failures show what did arrive. */

import type { AckMode } from '@xtomp/core'
import { turn } from './real-time.js'
import type { ReceivedMessage, WaitOptions } from './received-messages.js'
import { isSecret } from './recorder.js'
import type { SessionSubscription } from './subscriptions.js'
import { type Observed, observed } from './test-broker.js'

/** What a message must be; what is left out may be anything. Values may be asymmetric matchers. */
export interface ExpectedMessage extends WaitOptions {
  /** Its body: text or a pattern for it, octets, or what its JSON must equal. */
  readonly body?: unknown
  /** Headers that it must have; others may stand beside them. */
  readonly headers?: Readonly<Record<string, unknown>>
  /** How many such messages there must be, no more. @defaultValue one or more */
  readonly times?: number
}

/** What a subscription must be; what is left out may be anything. */
export interface ExpectedSubscription extends WaitOptions {
  /** Its ack mode. */
  readonly ack?: AckMode
  /** Its id. */
  readonly id?: string
  /** How many such subscriptions there must be, no more. @defaultValue one or more */
  readonly times?: number
}

/**
 * The matchers, as a runner's types want them. For vitest:
 * `declare module 'vitest' { interface Matchers<T> extends StompMatchers<T> {} }`; for jest:
 * `declare module 'expect' { interface Matchers<R> extends StompMatchers<R> {} }`.
 */
export interface StompMatchers<_Result = unknown> {
  /** Waits, a second unless told otherwise, until such a message was sent to the destination. To be awaited. */
  toHaveReceived(destination: string, expected?: ExpectedMessage): Promise<void>
  /** Waits, a second unless told otherwise, until a session has such a subscription. To be awaited. */
  toHaveSubscription(destination: string, expected?: ExpectedSubscription): Promise<void>
}

/** What a runner gives a matcher. */
export interface MatcherContext {
  /** Whether it stands behind `.not`. */
  readonly isNot?: boolean
  /** Whether two values are equal, asymmetric matchers included. */
  equals(one: unknown, other: unknown): boolean
}

/** What a matcher answers a runner. */
export interface MatcherAnswer {
  readonly pass: boolean
  message(): string
}

/** Once what was asked for is there: what is still on its way may be one too many. */
const TURNS_AFTER = 10

/** For `expect.extend(stompMatchers)`. */
export const stompMatchers = {
  toHaveReceived(
    this: MatcherContext,
    broker: unknown,
    destination: string,
    expected: ExpectedMessage = {},
  ): Promise<MatcherAnswer> {
    const { messages, watch } = observedIn(broker, 'toHaveReceived')
    return judge(this, watch, {
      expected,
      count: () => messages.to(destination).filter((message) => isMessage(this, message, expected)).length,
      what: `a message to ${destination}${printed(expected)}`,
      list: () => messages.list(),
    })
  },

  toHaveSubscription(
    this: MatcherContext,
    broker: unknown,
    destination: string,
    expected: ExpectedSubscription = {},
  ): Promise<MatcherAnswer> {
    const { subscriptions, watch } = observedIn(broker, 'toHaveSubscription')
    const isIt = (subscription: SessionSubscription): boolean =>
      subscription.destination === destination &&
      (expected.ack === undefined || subscription.ackMode === expected.ack) &&
      (expected.id === undefined || subscription.id === expected.id)
    return judge(this, watch, {
      expected,
      count: () => subscriptions.all.filter(isIt).length,
      what: `a subscription to ${destination}${printed(expected)}`,
      list: () => subscriptions.list(),
    })
  },
}

interface Question {
  readonly expected: WaitOptions & { readonly times?: number }
  count(): number
  readonly what: string
  list(): string
}

async function judge(context: MatcherContext, watch: Observed['watch'], question: Question): Promise<MatcherAnswer> {
  const { count, expected, what, list } = question
  const { times } = expected
  // Nothing is waited for that must not come: only what is on its way already gets its chance.
  if (context.isNot !== true) await watch.holds(() => count() >= (times ?? 1), expected)
  for (let turns = 0; turns < TURNS_AFTER; turns++) await turn()
  const seen = count()
  const pass = times === undefined ? seen > 0 : seen === times
  const wanted = `${context.isNot === true ? 'not ' : ''}${what}`
  return { pass, message: () => `expected ${wanted}, ${seen === 0 ? 'got none' : `got ${seen}`}; ${list()}` }
}

function isMessage(
  context: MatcherContext,
  message: ReceivedMessage,
  { body, headers = {} }: ExpectedMessage,
): boolean {
  return (
    Object.entries(headers).every(([name, value]) => context.equals(message.headers.get(name), value)) &&
    (body === undefined || isBody(context, message, body))
  )
}

function isBody({ equals }: MatcherContext, message: ReceivedMessage, expected: unknown): boolean {
  if (expected instanceof RegExp) return expected.test(message.text())
  if (expected instanceof Uint8Array) return equals([...message.body], [...expected])
  if (typeof expected !== 'object' || expected === null || 'asymmetricMatch' in expected)
    if (equals(message.text(), expected)) return true
  return typeof expected !== 'string' && equals(jsonOf(message), expected)
}

function jsonOf(message: ReceivedMessage): unknown {
  try {
    return message.json()
  } catch {
    return undefined
  }
}

function printed(expected: object): string {
  const parts = Object.entries(expected).filter(([name, value]) => value !== undefined && name !== 'giveUpAfterMs')
  return parts.length === 0 ? '' : ` with ${parts.map(([name, value]) => `${name} ${shown(value)}`).join(', ')}`
}

function shown(value: unknown): string {
  if (value instanceof RegExp) return String(value)
  return value instanceof Uint8Array ? `${value.length} octets` : (JSON.stringify(value, hiding) ?? String(value))
}

function hiding(name: string, value: unknown): unknown {
  return isSecret(name) ? '(hidden)' : value
}

function observedIn(broker: unknown, matcher: string): Observed {
  const found = typeof broker === 'object' && broker !== null ? Reflect.get(broker, observed) : undefined
  if (found === undefined) throw new TypeError(`${matcher} is for what createTestBroker makes; given ${String(broker)}`)
  return found as Observed
}
