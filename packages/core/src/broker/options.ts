/** What a host may set, with its defaults, and the check that all of it makes sense. */

import { type Clock, systemClock } from '../clock.js'
import { FRAME_LIMITS, type FrameLimits } from '../codec/limits.js'
import type { DestinationLimits } from '../destination/context.js'
import { isPattern } from '../destination/name.js'
import type { DestinationRule } from '../destination/policy.js'
import { consoleLogger, type Logger } from '../logger.js'
import type { Store } from '../ports/store.js'
import type { HeartBeatOptions, SessionLimits } from '../session/context.js'
import type { Hooks } from '../session/hooks.js'

/** Every size and count that a peer controls. Each excess is an ERROR that names the option. */
export interface Limits extends FrameLimits, SessionLimits, DestinationLimits {
  /** One bound for the broker over unfinished frames, queues, backlogs and transactions, in octets. @defaultValue 256 MiB */
  readonly totalBytes: number
}

/** The options of `createBroker`, all of them optional. */
export interface BrokerOptions<User = unknown> {
  /** Questions whose answers change the outcome. Default: everybody may do everything. */
  readonly hooks?: Hooks<User>
  /** Rules for destinations, by name or pattern; the first that matches holds. */
  readonly destinations?: readonly DestinationRule[]
  /** Virtual hosts that share nothing. Default: none, and every `host` header means the one default space. */
  readonly hosts?: readonly string[]
  /** Every size and count that a peer controls. */
  readonly limits?: Partial<Limits>
  /** Beats to and from clients. */
  readonly heartBeat?: Partial<HeartBeatOptions>
  /** Keeps queued messages until they are settled. Default: none, queues live in memory and end with the process. */
  readonly store?: Store
  /** The `server` header of CONNECTED; `false` for none. @defaultValue 'xtomp' */
  readonly serverName?: string | false
  /** Where faults are written. @defaultValue `console` */
  readonly logger?: Logger
  /** The source of time. @defaultValue the machine's */
  readonly clock?: Clock
}

/** Options with nothing left open. */
export interface Settings<User = unknown> {
  readonly hooks: Hooks<User>
  readonly destinations: readonly DestinationRule[]
  readonly hosts: readonly string[] | undefined
  readonly limits: Limits
  readonly heartBeat: HeartBeatOptions
  readonly store: Store | undefined
  readonly serverName: string | false
  readonly logger: Logger
  readonly clock: Clock
}

const MIB = 1024 * 1024

const LIMITS: Limits = {
  ...FRAME_LIMITS,
  connectTimeoutMs: 10_000,
  subscriptions: 1_000,
  unacknowledged: 65_536,
  transactions: 16,
  transactionBytes: 16 * MIB,
  unsentBytes: 64 * 1024,
  unstoredBytes: MIB,
  stallMs: 30_000,
  destinations: 10_000,
  destinationLength: 1_024,
  patternSegments: 32,
  totalBytes: 256 * MIB,
}

const HEART_BEAT: HeartBeatOptions = { outgoingMs: 10_000, incomingMs: 10_000, leastMs: 1_000, graceFactor: 2 }

/**
 * Options with their defaults filled in.
 * @throws TypeError where one is unknown or out of its range; the message names the option and what is allowed.
 */
export function settingsOf<User>(options: BrokerOptions<User>): Settings<User> {
  const limits = group('limits', LIMITS, options.limits)
  const heartBeat = group('heartBeat', HEART_BEAT, options.heartBeat)
  for (const rule of options.destinations ?? []) checkRule(rule)
  return {
    hooks: options.hooks ?? {},
    destinations: (options.destinations ?? []).map((rule) => set(rule)),
    hosts: options.hosts,
    limits,
    heartBeat,
    store: options.store,
    serverName: options.serverName ?? 'xtomp',
    logger: options.logger ?? consoleLogger,
    clock: options.clock ?? systemClock,
  }
}

function group<T extends object>(name: string, defaults: T, given: Partial<T> = {}): T {
  for (const [key, value] of Object.entries(given)) {
    if (!(key in defaults))
      throw new TypeError(`there is no option ${name}.${key}; there are ${Object.keys(defaults).join(', ')}`)
    if (value !== undefined) checkNumber(`${name}.${key}`, value)
  }
  return { ...defaults, ...set(given) }
}

/** What is set: `undefined` means the default, as leaving the option out does. */
function set<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

const RULE_NUMBERS = [
  'maxMessages',
  'maxBytes',
  'maxDeliveries',
  'redeliveryDelayMs',
  'expiryMs',
  'backlogBytes',
] as const

const RULE_WORDS: Readonly<Record<string, readonly unknown[]>> = {
  type: ['queue', 'topic', undefined],
  whenFull: ['reject', 'drop-oldest', 'hold', undefined],
  onNack: ['requeue', 'dead-letter', 'discard', undefined],
  whenSlow: ['disconnect', 'drop-oldest', 'drop-newest', undefined],
  deadLetterExpired: [true, false, undefined],
}

const RULE_TEXTS = ['match', 'deadLetter']

function checkRule(rule: DestinationRule): void {
  if (typeof rule.match !== 'string' || rule.match === '') {
    throw new TypeError(
      `a rule of destinations needs match, a destination's name or a pattern; given ${String(rule.match)}`,
    )
  }
  const name = `destinations[${rule.match}]`
  for (const key of Object.keys(rule)) {
    if (!(key in RULE_WORDS) && !RULE_TEXTS.includes(key) && !(RULE_NUMBERS as readonly string[]).includes(key)) {
      throw new TypeError(`there is no option ${name}.${key}`)
    }
  }
  const { deadLetter } = rule
  if (deadLetter !== undefined && deadLetter !== false && !isName(deadLetter)) {
    throw new TypeError(`${name}.deadLetter must be a destination's name, or false; given ${String(deadLetter)}`)
  }
  for (const key of RULE_NUMBERS) if (rule[key] !== undefined) checkNumber(`${name}.${key}`, rule[key])
  for (const [key, allowed] of Object.entries(RULE_WORDS)) {
    const value = rule[key as keyof DestinationRule]
    if (!allowed.includes(value)) {
      throw new TypeError(
        `${name}.${key} must be one of ${allowed.filter((word) => word !== undefined).join(', ')}; given ${String(value)}`,
      )
    }
  }
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name !== '' && !isPattern(name)
}

function checkNumber(name: string, value: unknown): void {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw new TypeError(`${name} must be a number, 0 or more; given ${String(value)}`)
  }
}
