/** What a host may set, with its defaults, and the check that all of it makes sense. */

import { type Clock, systemClock } from '../clock.js'
import { FRAME_LIMITS, type FrameLimits } from '../codec/limits.js'
import type { DestinationLimits } from '../destination/context.js'
import { isPattern } from '../destination/name.js'
import type { DestinationRule } from '../destination/policy.js'
import type { BackplaneWithQueues } from '../destination/remote-queues.js'
import { consoleLogger, type Logger } from '../logger.js'
import type { BackplaneBroker } from '../ports/backplane.js'
import type { Store } from '../ports/store.js'
import type { SessionLimits } from '../session/context.js'
import type { HeartBeatOptions } from '../session/heart-beat.js'
import type { Hooks } from '../session/hooks.js'
import type { CloseOptions, PublishOptions } from './broker.js'
import type { BrokerEvents } from './events.js'
import type { HostSubscribeOptions } from './host-subscription.js'
import {
  anything,
  type Check,
  type Checks,
  falseOr,
  group,
  line,
  list,
  method,
  number,
  oneOf,
  shaped,
  wholeNumber,
  wrong,
} from './option-checks.js'

/** Every size and count that a peer controls. Each excess is an ERROR that names the option. */
export interface Limits extends FrameLimits, SessionLimits, DestinationLimits {
  /** One bound for the broker over unfinished frames, queues, backlogs, transactions and subscriptions, in octets. @defaultValue 256 MiB */
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
  /** Makes what other brokers are reached through; called once. Default: this broker is alone. */
  readonly backplane?: (broker: BackplaneBroker) => BackplaneWithQueues
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
  readonly backplane: BrokerOptions['backplane']
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
  destinationSegments: 32,
  totalBytes: 256 * MIB,
}

const HEART_BEAT: HeartBeatOptions = { outgoingMs: 10_000, incomingMs: 10_000, leastMs: 1_000, graceFactor: 2 }

/**
 * Options with their defaults filled in.
 * @throws TypeError where one is unknown or makes no sense; the message names it, what was given and what is allowed
 */
export function settingsOf<User>(options: BrokerOptions<User>): Settings<User> {
  group(CHECKS)(options, '')
  return {
    hooks: options.hooks ?? {},
    destinations: (options.destinations ?? []).map((rule) => set(rule)),
    hosts: options.hosts,
    limits: { ...LIMITS, ...set(options.limits ?? {}) },
    heartBeat: { ...HEART_BEAT, ...set(options.heartBeat ?? {}) },
    store: options.store,
    backplane: options.backplane,
    serverName: options.serverName ?? 'xtomp',
    logger: options.logger ?? consoleLogger,
    clock: options.clock ?? systemClock,
  }
}

/** What is set: `undefined` means the default, as leaving the option out does. */
function set<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

/** Where messages go must be a name: they go to destinations, never to a pattern. */
const destination: Check = (value, name) => {
  line(value, name)
  if (isPattern(value as string)) throw wrong(name, 'a name, not a pattern', value)
}

const RULE: Checks<DestinationRule> = {
  match: line,
  type: oneOf('queue', 'topic'),
  maxMessages: wholeNumber(0),
  maxBytes: wholeNumber(0),
  whenFull: oneOf('reject', 'drop-oldest', 'hold'),
  deadLetter: falseOr(destination),
  maxDeliveries: wholeNumber(1),
  onNack: oneOf('requeue', 'dead-letter', 'discard'),
  redeliveryDelayMs: wholeNumber(0),
  expiryMs: wholeNumber(0),
  deadLetterExpired: oneOf(true, false),
  backlogBytes: wholeNumber(0),
  whenSlow: oneOf('disconnect', 'drop-oldest', 'drop-newest'),
}

/** A rule is told by what it is for, which says more than its place in the list. */
const rule: Check = (value, name) => {
  const { match } = Object(value)
  if (match === undefined) throw wrong(`${name}.match`, 'the name of a destination, or a pattern', match)
  group(RULE)(value, typeof match === 'string' ? `destinations[${match}]` : name)
}

/** What an object of hooks holds beside them is its own affair, unless it looks like a hook whose name is wrong. */
const hooks: Check = (value, name) => {
  if (typeof value !== 'object' || value === null) throw wrong(name, 'an object', value)
  const entries = Object.entries(value).filter(([key, given]) => key in HOOKS || typeof given === 'function')
  group(HOOKS)(Object.fromEntries(entries), name)
}

const HOOKS: Checks<Hooks> = {
  authenticate: method,
  connect: method,
  authorize: method,
  subscribe: method,
  send: method,
  deliver: method,
}

const BEATS: Checks<HeartBeatOptions> = {
  outgoingMs: wholeNumber(0),
  incomingMs: wholeNumber(0),
  leastMs: wholeNumber(0),
  graceFactor: number(1),
}

const CHECKS: Checks<BrokerOptions> = {
  hooks,
  destinations: list(rule),
  hosts: list(line),
  limits: group(Object.fromEntries(Object.keys(LIMITS).map((name) => [name, wholeNumber(0)]))),
  heartBeat: group(BEATS),
  store: shaped('apply', 'recover'),
  backplane: method,
  serverName: falseOr(line),
  logger: shaped('info', 'warn', 'error'),
  clock: shaped('now', 'epoch', 'soon', 'after'),
}

const PUBLISHING: Checks<PublishOptions> = { headers: anything, host: anything }

const SUBSCRIBING: Checks<HostSubscribeOptions> = {
  ack: oneOf('auto', 'client', 'client-individual'),
  prefetch: wholeNumber(1),
  host: anything,
  signal: (value, name) => {
    if (typeof Object(value).addEventListener !== 'function') throw wrong(name, 'an AbortSignal', value)
  },
}

const CLOSING: Checks<CloseOptions> = { drainMs: number(0) }

const EVENTS: { readonly [Name in keyof BrokerEvents]: true } = {
  open: true,
  close: true,
  connect: true,
  disconnect: true,
  subscribe: true,
  unsubscribe: true,
  send: true,
  deliver: true,
  acknowledge: true,
  nack: true,
  'dead-letter': true,
  expire: true,
  limit: true,
  'slow-consumer': true,
  refuse: true,
  drain: true,
  error: true,
}

/** What the broker's methods are given, each checked as the options of `createBroker` are. */
export const checkGiven = {
  publishing: group(PUBLISHING),
  subscribing: group(SUBSCRIBING),
  closing: group(CLOSING),
  event: oneOf(...Object.keys(EVENTS)),
  listener: method,
}

/** @throws TypeError where it is no name, or holds a NUL, which no frame could say */
export function checkName(destination: unknown): void {
  if (typeof destination !== 'string' || destination === '' || destination.includes('\0'))
    throw wrong('the destination', 'a name without NUL', destination)
}

/** @throws TypeError where it is neither text nor octets */
export function checkBody(body: unknown): void {
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    throw wrong('the body', 'a string or a Uint8Array', body)
}
