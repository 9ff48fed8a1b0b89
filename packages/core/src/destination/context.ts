/** What all destinations of a broker share. */

import type { Account } from '../account.js'
import type { AckMode } from '../ack-mode.js'
import type { Clock } from '../clock.js'
import { Crowd } from '../crowd.js'
import type { StoredMessage } from '../message.js'
import type { Backplane } from '../ports/backplane.js'
import type { Completion } from '../ports/destination.js'
import type { Turn } from '../turn.js'
import type { Wheel } from '../wheel.js'
import type { Journal } from './journal.js'
import type { DestinationRule } from './policy.js'

/** What destinations tell: facts for whoever listens. */
export interface DestinationReports {
  /** A message was given up; `movedTo` is undefined where it is gone. */
  givenUp(message: StoredMessage, reason: GiveUpReason, movedTo: string | undefined): void
  /** A topic's policy for slow consumers was applied. */
  slowConsumer(subscription: SubscriptionFacts): void
}

/** What a report tells of a subscription. */
export interface SubscriptionFacts {
  readonly id: string
  readonly destination: string
  readonly ackMode: AckMode
  /** Who it is for. */
  readonly consumer: object
}

/** Why a queue gives a message up. */
export type GiveUpReason = 'rejected' | 'max-deliveries' | 'expired' | 'overflow'

/** Bounds on destinations of one host. */
export interface DestinationLimits {
  /** Destinations that hold messages or subscriptions. @defaultValue 10,000 */
  readonly destinations: number
  /** A destination's name, in characters. @defaultValue 1,024 */
  readonly destinationLength: number
  /** The segments of a destination's name or pattern. @defaultValue 32 */
  readonly destinationSegments: number
}

/** What there is of a broker, counted while it comes and goes: nobody has to look for it. */
export interface Counts {
  /** Active subscriptions, the host's own included. */
  subscriptions: number
  /** Messages in queues, the unacknowledged included. */
  messages: number
  /** Deliveries that were made and not settled. */
  unacknowledged: number
}

/** What all destinations of a broker share, and the one place where held messages are counted. */
export class DestinationContext {
  readonly clock: Clock
  readonly turn: Turn
  readonly crowd: Crowd
  readonly wheel: Wheel
  readonly account: Account
  readonly journal: Journal
  readonly rules: readonly DestinationRule[]
  readonly limits: DestinationLimits
  readonly reports: DestinationReports
  /** What other brokers are reached through; undefined where there are none. */
  backplane: Backplane | undefined
  /** Whether the broker is closing: queues hand nothing out any more, so that what is out can be settled. */
  isDraining = false
  /** How those who wait for room in some queue leave its line, by their completions. */
  readonly waiting = new Map<Completion, () => void>()
  readonly counts: Counts = { subscriptions: 0, messages: 0, unacknowledged: 0 }

  constructor(parts: {
    clock: Clock
    turn: Turn
    wheel: Wheel
    account: Account
    journal: Journal
    rules: readonly DestinationRule[]
    limits: DestinationLimits
    reports: DestinationReports
  }) {
    this.clock = parts.clock
    this.turn = parts.turn
    this.crowd = new Crowd(parts.turn)
    this.wheel = parts.wheel
    this.account = parts.account
    this.journal = parts.journal
    this.rules = parts.rules
    this.limits = parts.limits
    this.reports = parts.reports
  }

  /** Whether work may be done later than asked for: what waits for it is counted. */
  get answersLate(): boolean {
    return this.journal.isDurable || this.backplane !== undefined
  }

  /** Keeps a message beyond the call: copied out of the read buffer, and counted once however many hold it. */
  hold(message: StoredMessage): boolean {
    if (message.holders === 0) {
      // A dead letter takes the place of the message that it was: it must not be lost for want of room.
      if (message.isDeadLetter) this.account.charge(message.bytes)
      else if (!this.account.take(message.bytes)) return false
    }
    message.holders++
    message.own()
    return true
  }

  /** Whoever waited for room in a queue under this completion has gone: it is told that there was none. */
  withdraw(completion: Completion): void {
    this.waiting.get(completion)?.()
  }

  /** One holder less. */
  release(message: StoredMessage): void {
    message.holders--
    if (message.holders === 0) this.account.give(message.bytes)
  }
}
