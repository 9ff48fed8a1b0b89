/** What the host wants of the destinations under a name or a pattern, and the defaults. */

import type { Clock } from '../clock.js'
import type { StoredMessage } from '../message.js'
import { isPattern, matches } from './name.js'

/** What happens to a SEND that a queue has no room for. */
export type FullPolicy = 'reject' | 'drop-oldest' | 'hold'

/** What happens to a topic subscription whose backlog is full. */
export type SlowPolicy = 'disconnect' | 'drop-oldest' | 'drop-newest'

/** One rule of the `destinations` option. The first rule that matches a name holds for it, with defaults for the rest. */
export interface DestinationRule {
  /** A destination's name, or a pattern: `*` is one whole segment, `**` any number of them. */
  readonly match: string
  /** What stands behind the name. Default: by its prefix, `/queue/` is a queue, all others are topics. */
  readonly type?: 'queue' | 'topic'
  /** Queue: messages held, waiting and unacknowledged. @defaultValue 100,000 */
  readonly maxMessages?: number
  /** Queue: octets held. @defaultValue 64 MiB */
  readonly maxBytes?: number
  /**
   * Queue: what becomes of a SEND that finds no room. `reject` answers ERROR `queue-full`, `drop-oldest` moves the
   * oldest waiting message to the dead letters, `hold` reads the sending session no more until there is room.
   * A full queue that dead letters go to loses them unless it drops its oldest: it never makes another queue wait.
   * @defaultValue 'reject'; 'drop-oldest' for a queue that a rule names as `deadLetter`, and for `/queue/dead-letter`
   */
  readonly whenFull?: FullPolicy
  /** Queue: where given-up messages go; `false` discards them. @defaultValue '/queue/dead-letter' */
  readonly deadLetter?: string | false
  /** Queue: deliveries of a message, counted by NACKs and lost consumers, before it is given up. @defaultValue 5 */
  readonly maxDeliveries?: number
  /** Queue: what a NACK means: back to the head, to the dead letters, or gone. @defaultValue 'requeue' */
  readonly onNack?: 'requeue' | 'dead-letter' | 'discard'
  /** Queue: how long a message rests after a NACK before it is delivered again. @defaultValue 0 */
  readonly redeliveryDelayMs?: number
  /** How long after its SEND a message is still delivered; the header `expires` may shorten it. @defaultValue never */
  readonly expiryMs?: number
  /** Queue: whether expired messages go to the dead letters. @defaultValue false */
  readonly deadLetterExpired?: boolean
  /** Topic: octets that may wait for one subscription; an empty backlog takes one message of any size. @defaultValue 1 MiB */
  readonly backlogBytes?: number
  /** Topic: what happens when that is full. @defaultValue 'disconnect' */
  readonly whenSlow?: SlowPolicy
}

/** A rule with nothing left open. */
export type Policy = Required<Omit<DestinationRule, 'match'>>

/** Where given-up messages go unless a rule says otherwise. */
export const DEAD_LETTER_QUEUE = '/queue/dead-letter'

const MIB = 1024 * 1024

const DEFAULTS: Policy = {
  type: 'topic',
  maxMessages: 100_000,
  maxBytes: 64 * MIB,
  whenFull: 'reject',
  deadLetter: DEAD_LETTER_QUEUE,
  maxDeliveries: 5,
  onNack: 'requeue',
  redeliveryDelayMs: 0,
  expiryMs: Number.POSITIVE_INFINITY,
  deadLetterExpired: false,
  backlogBytes: MIB,
  whenSlow: 'disconnect',
}

/** The policy for a destination: the first rule that matches, over the defaults for its kind of name. */
export function policyFor(name: string, rules: readonly DestinationRule[]): Policy {
  const rule = rules.find(({ match }) => (isPattern(match) ? matches(match, name) : match === name))
  const defaults: Policy = { ...DEFAULTS, type: name.startsWith('/queue/') ? 'queue' : 'topic' }
  // Where dead letters go must take what comes: no queue waits for it, and what it refuses is lost.
  if (name === DEAD_LETTER_QUEUE || rules.some(({ deadLetter }) => deadLetter === name)) {
    Object.assign(defaults, { whenFull: 'drop-oldest' })
  }
  // The last resort of all never pushes a message further.
  if (name === DEAD_LETTER_QUEUE) Object.assign(defaults, { deadLetter: false })
  if (rule === undefined) return defaults
  const { match: _, ...given } = rule
  return { ...defaults, ...given }
}

/** Lets a message expire when its destination's rule says so, where its own header does not say earlier. */
export function limitLife(message: StoredMessage, { expiryMs }: Policy, clock: Clock): void {
  if (expiryMs === Number.POSITIVE_INFINITY) return
  const latest = clock.epoch() + expiryMs
  if (message.expiresAt === 0 || message.expiresAt > latest) message.expiresAt = latest
}
