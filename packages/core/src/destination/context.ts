/** What all destinations of a broker share. */

import type { Account } from '../account.js'
import type { Clock } from '../clock.js'
import type { StoredMessage } from '../message.js'
import type { Wheel } from '../wheel.js'
import type { Relievable } from './backlog.js'
import type { Journal } from './journal.js'
import type { DestinationRule } from './policy.js'
import type { Subscription } from './subscription.js'

/** What destinations tell: facts for whoever listens. */
export interface DestinationReports {
  /** A message was given up; `movedTo` is undefined where it is gone. */
  givenUp(message: StoredMessage, reason: GiveUpReason, movedTo: string | undefined): void
  /** A topic's policy for slow consumers was applied. */
  slowConsumer(subscription: Subscription): void
}

/** Why a queue gives a message up. */
export type GiveUpReason = 'rejected' | 'max-deliveries' | 'expired' | 'overflow'

/** Bounds on destinations of one host. */
export interface DestinationLimits {
  /** Destinations that hold messages or subscriptions. @defaultValue 10,000 */
  readonly destinations: number
  /** A destination's name, in characters. @defaultValue 1,024 */
  readonly destinationLength: number
}

/** What all destinations of a broker share, and the one place where held messages are counted. */
export class DestinationContext {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly account: Account
  readonly journal: Journal
  readonly rules: readonly DestinationRule[]
  readonly limits: DestinationLimits
  readonly reports: DestinationReports
  /** Whoever holds memory that can be given back, at a loss, when the broker is at its bound. */
  readonly relievables = new Set<Relievable>()

  constructor(parts: {
    clock: Clock
    wheel: Wheel
    account: Account
    journal: Journal
    rules: readonly DestinationRule[]
    limits: DestinationLimits
    reports: DestinationReports
  }) {
    this.clock = parts.clock
    this.wheel = parts.wheel
    this.account = parts.account
    this.journal = parts.journal
    this.rules = parts.rules
    this.limits = parts.limits
    this.reports = parts.reports
    this.account.relieve = () => this.#relieve()
  }

  /** Keeps a message beyond the call: copied out of the read buffer, and counted once however many hold it. */
  hold(message: StoredMessage): boolean {
    if (message.holders === 0 && !this.account.take(message.bytes)) return false
    message.holders++
    message.own()
    return true
  }

  /** One holder less. */
  release(message: StoredMessage): void {
    message.holders--
    if (message.holders === 0) this.account.give(message.bytes)
  }

  /** At the bound: the largest backlogs go first, and some more than needed, so that this stays rare. */
  #relieve(): void {
    const target = this.account.bound * RELIEVED_SHARE
    const largestFirst = [...this.relievables].sort((one, other) => other.heldBytes - one.heldBytes)
    for (const relievable of largestFirst) {
      if (this.account.used <= target || relievable.heldBytes === 0) break
      relievable.relieve()
    }
  }
}

const RELIEVED_SHARE = 0.9
