/** Finds what stands behind a name, on one virtual host. */

import { type Excess, overLimit, ProtocolError, printable, StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Completion } from '../ports/destination.js'
import type { DestinationContext } from './context.js'
import { Elsewhere } from './elsewhere.js'
import type { DestinationSnapshot, KeptDestination, LocalDestination } from './local.js'
import { isPattern, isReserved, RESERVED_PREFIXES, segmentCount, segmentsOf } from './name.js'
import { Patterns } from './patterns.js'
import { type Policy, policyFor } from './policy.js'
import { Queue } from './queue.js'
import type { RemoteQueues } from './remote-queues.js'
import { CROWD, Topic } from './topic.js'

/** The destinations of one virtual host: made when they are first needed, forgotten when they are of no use. */
export class Router {
  readonly host: string
  readonly patterns: Patterns
  /** Where its queues are; undefined where they are here. */
  readonly queues: RemoteQueues | undefined
  readonly #context: DestinationContext
  readonly #destinations = new Map<string, KeptDestination>()

  constructor(host: string, context: DestinationContext, queues?: RemoteQueues) {
    this.host = host
    this.queues = queues
    this.#context = context
    this.patterns = new Patterns(context, host, () => this.#sweep())
  }

  /** How many destinations there are. */
  get size(): number {
    return this.#destinations.size
  }

  /** What its destinations are at this moment, each as it is come to. */
  *snapshots(): IterableIterator<DestinationSnapshot> {
    for (const { snapshot } of this.#destinations.values()) yield snapshot
  }

  /**
   * The destination to send to; undefined for a topic that nobody is subscribed to, here or elsewhere.
   * @throws StompError where the name may not be sent to, or where there are too many destinations.
   */
  forSend(name: string): LocalDestination | undefined {
    const known = this.#destinations.get(name)
    if (known !== undefined) return known
    this.checkSend(name)
    const policy = policyFor(name, this.#context.rules)
    return policy.type === 'topic' && this.patterns.hasNone ? this.#elsewhere(name) : this.#make(name, policy)
  }

  /** Makes nothing, but says whether the name is one to send to. @throws StompError where it is not */
  checkSend(name: string): void {
    this.#check(name)
    if (isPattern(name))
      throw new ProtocolError('pattern-refused', `${printable(name)} is a pattern; patterns are for SUBSCRIBE only`)
  }

  /** Hands a message to its destination. False: the sender should send no more until `completion` is told. */
  send(message: StoredMessage, completion: Completion): boolean {
    try {
      const destination = this.forSend(message.destination)
      if (destination !== undefined) return destination.send(message, completion)
      completion.done()
    } catch (error) {
      if (!(error instanceof StompError)) throw error
      completion.done(error)
    }
    return true
  }

  /** Whether very many get what is sent to that name. */
  isCrowded(name: string): boolean {
    const known = this.#destinations.get(name)
    if (known !== undefined) return known instanceof Topic && known.isCrowded
    try {
      // A name that will be refused is not to be looked for among patterns.
      this.#check(name)
    } catch {
      return false
    }
    return policyFor(name, this.#context.rules).type === 'topic' && this.patterns.match(name).length >= CROWD
  }

  /**
   * What a subscription to that name is a subscription to.
   * @throws StompError where it may not be subscribed to, or where there are too many destinations.
   */
  forSubscribe(name: string): LocalDestination {
    const known = this.#destinations.get(name)
    if (known !== undefined) return known
    this.checkSubscribe(name)
    return isPattern(name) ? this.patterns : this.#make(name, policyFor(name, this.#context.rules))
  }

  /** Makes nothing, but says whether the name is one to subscribe to. @throws StompError where it is not */
  checkSubscribe(name: string): void {
    this.#check(name)
    if (!isPattern(name)) return
    checkStars(name)
    if (policyFor(name, this.#context.rules).type === 'queue') {
      throw new ProtocolError(
        'pattern-refused',
        `${printable(name)} is a pattern over queues; patterns are for topics only`,
      )
    }
  }

  /** Where a queue's dead letters go, however many destinations there are; undefined for a topic that nobody hears. */
  deadLetters(name: string): LocalDestination | undefined {
    const known = this.#destinations.get(name)
    if (known !== undefined) return known
    const policy = policyFor(name, this.#context.rules)
    return policy.type === 'topic' && this.patterns.hasNone ? this.#elsewhere(name) : this.#make(name, policy, false)
  }

  /** Hands a message of another broker to whoever is subscribed to its topic here. */
  receive(message: StoredMessage): void {
    const topic = this.deadLetters(message.destination)
    if (topic instanceof Topic) topic.receive(message)
  }

  /**
   * Gives a queue back what the store kept of it, whatever the limits and the names that are allowed now: it was accepted
   * before. What has become a topic by a rule keeps its messages in the store.
   */
  recover(message: StoredMessage): void {
    const { destination: name } = message
    const policy = policyFor(name, this.#context.rules)
    if (policy.type !== 'queue') return
    const queue = this.#destinations.get(name) ?? this.#make(name, policy, false)
    if (queue instanceof Queue) queue.recover(message)
  }

  /** Forgets everything: the broker is closed. */
  close(): void {
    for (const destination of this.#destinations.values()) destination.close?.()
    this.#destinations.clear()
  }

  /** Forgets a destination that nobody needs. */
  unused(destination: KeptDestination): void {
    if (destination instanceof Topic && !this.patterns.hasNone) return
    // One that was forgotten before may have a successor.
    if (this.#destinations.get(destination.name) === destination) this.#destinations.delete(destination.name)
  }

  #check(name: string): void {
    const { destinationLength, destinationSegments } = this.#context.limits
    checkLength({ limit: destinationLength, seen: name.length, unit: 'characters', option: 'limits.destinationLength' })
    // Each segment of a name is a step through the patterns, and each segment of a pattern one that names may have to take.
    const seen = segmentCount(name)
    checkLength({ limit: destinationSegments, seen, unit: 'segments', option: 'limits.destinationSegments' })
    if (isReserved(name)) {
      throw new ProtocolError(
        'destination-reserved',
        `${printable(name)} begins with a reserved prefix: ${RESERVED_PREFIXES.join(' ')}`,
      )
    }
  }

  /** Makes one; unless `isBounded` even where there are too many. */
  #make(name: string, policy: Policy, isBounded = true): KeptDestination {
    const limit = this.#context.limits.destinations
    if (this.#destinations.size >= limit) this.#sweep()
    if (isBounded && this.#destinations.size >= limit) {
      const excess = { what: 'the broker', limit, seen: limit + 1, unit: 'destinations', option: 'limits.destinations' }
      throw overLimit('destinations-too-many', excess)
    }
    const destination =
      policy.type === 'queue' ? this.#makeQueue(name, policy) : new Topic({ name, policy }, this.#context, this)
    this.#destinations.set(name, destination)
    return destination
  }

  /** Where a message goes that nobody here wants; undefined where there is no other broker. */
  #elsewhere(name: string): LocalDestination | undefined {
    return this.#context.backplane && new Elsewhere(name, this.#context, this.host)
  }

  #makeQueue(name: string, policy: Policy): KeptDestination {
    const identity = { name, storeKey: storeKey(this.host, name), policy }
    return this.queues?.queue(identity, this) ?? new Queue(identity, this.#context, this)
  }

  /** Topics that only patterns match are kept to save matching again; they go when there are too many, or no patterns. */
  #sweep(): void {
    for (const destination of this.#destinations.values()) {
      if (destination instanceof Topic && destination.isUnused) this.#destinations.delete(destination.name)
    }
  }
}

function checkLength(length: Omit<Excess, 'what'>): void {
  if (length.seen > length.limit) throw overLimit('destination-too-long', { what: 'a destination name', ...length })
}

/** With two, a name can be found in a pattern's middle; each more would multiply the ways to get through it. */
const MOST_OPEN = 2

function checkStars(pattern: string): void {
  if (segmentsOf(pattern).filter((segment) => segment === '**').length <= MOST_OPEN) return
  throw new ProtocolError('pattern-refused', `${printable(pattern)} has more than ${MOST_OPEN} segments that are **`)
}

/** Under which name a store keeps a queue's messages. */
function storeKey(host: string, name: string): string {
  return `${host}\0${name}`
}
