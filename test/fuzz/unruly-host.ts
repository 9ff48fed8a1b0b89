/** A host application at its worst: limits that are soon reached, hooks and listeners that throw, a store that fails. */

import { type BrokerOptions, type DestinationRule, type Hooks, type Limits, Refusal, type Store } from '@xtomp/core'
import { EVENT_NAMES } from '../support/heard.js'
import type { Random } from './random.js'
import { DESTINATIONS } from './talker.js'

/** What the host throws knowingly: the only faults that may be logged. */
export class OnPurpose extends Error {}

/** Who the host always treats well. */
export const BYSTANDER = 'bystander'

const KIB = 1024

function limitsOf(random: Random): Partial<Limits> {
  const tight: Limits = {
    connectBytes: 400,
    headerLineBytes: 300,
    headers: 10,
    bodyBytes: 1_500,
    connectTimeoutMs: 2_000,
    subscriptions: 4,
    unacknowledged: 3,
    transactions: 2,
    transactionBytes: 3_000,
    unsentBytes: 2_000,
    unstoredBytes: 1_500,
    stallMs: 1_500,
    destinations: 12,
    destinationLength: 40,
    destinationSegments: 4,
    totalBytes: random.pick([12 * KIB, 24 * KIB, 64 * KIB]),
  }
  return Object.fromEntries(Object.entries(tight).filter(() => random.chance(0.6)))
}

function rulesOf(random: Random, mayHold: boolean): DestinationRule[] {
  const whenFull = mayHold ? 'hold' : 'reject'
  const deadLetter = random.pick(['/queue/dead', '/queue/hold-a', '/topic/plain', '/queue/dead-letter', false] as const)
  return [
    { match: '/queue/hold-a', maxMessages: 2, whenFull, deadLetter },
    { match: '/queue/hold-b', maxBytes: 900, whenFull, maxDeliveries: 2 },
    { match: '/queue/drop', maxMessages: 2, whenFull: 'drop-oldest', deadLetter },
    { match: '/queue/few', maxMessages: 2, maxDeliveries: 1, onNack: 'dead-letter', deadLetter },
    { match: '/queue/rest', redeliveryDelayMs: 500, maxDeliveries: 3 },
    { match: '/queue/short', expiryMs: 700, deadLetterExpired: random.chance(0.5), deadLetter },
    { match: '/queue/dead', maxMessages: 3, deadLetter: '/queue/dead' },
    { match: '/queue/discard', onNack: 'discard' },
    { match: '/topic/short', expiryMs: 300, backlogBytes: 600 },
    { match: '/topic/drop-oldest', whenSlow: 'drop-oldest', backlogBytes: 900 },
    { match: '/topic/drop-newest', whenSlow: 'drop-newest', backlogBytes: 900 },
    ...DESTINATIONS.map((match) => ({ match })),
    // Names that chance has made: nobody could take their messages out again.
    { match: '**', expiryMs: 60_000 },
  ]
}

/** Answers that were promised. */
export class Promised {
  readonly #waiting: (() => void)[] = []
  /** Whether every answer is given at once. */
  isPrompt = false

  /** An answer to be given when chance wants it. */
  later<T>(answer: () => T): Promise<T> {
    if (this.isPrompt) return Promise.resolve().then(answer)
    return new Promise((resolve) => this.#waiting.push(() => resolve(Promise.resolve().then(answer))))
  }

  /** Gives some answers, in any order; without `random`, all. */
  give(random?: Random): void {
    if (random === undefined) for (const answer of this.#waiting.splice(0)) answer()
    else {
      const [answer] = this.#waiting.splice(random.below(Math.max(1, this.#waiting.length)), 1)
      answer?.()
    }
  }
}

/** A host that behaves as chance has it, until it is told to behave. */
export class UnrulyHost {
  readonly promised = new Promised()
  readonly store: ForgetfulStore | undefined
  readonly options: BrokerOptions
  readonly #random: Random
  #isTame = false

  /** `mayHold` says whether a full queue may ask its senders to wait. */
  constructor(random: Random, { mayHold }: { mayHold: boolean }) {
    this.#random = random
    this.store = random.maybe(0.4, () => new ForgetfulStore(random.fork(), this.promised))
    const hooks = random.maybe(0.6, () => this.#hooks())
    const hosts = random.maybe(0.2, () => ['a', 'b'])
    this.options = {
      limits: limitsOf(random),
      destinations: rulesOf(random, mayHold),
      heartBeat: random.pick([
        {},
        { outgoingMs: 0 },
        { leastMs: 300 },
        { leastMs: 500, incomingMs: 500, graceFactor: 1 },
      ]),
      ...(this.store && { store: this.store }),
      ...(hooks && { hooks }),
      ...(hosts && { hosts }),
    }
  }

  /** From here on it answers at once, allows everything, and throws nothing. */
  tame(): void {
    this.#isTame = true
    this.promised.isPrompt = true
    this.promised.give()
    if (this.store !== undefined) this.store.isReliable = true
  }

  /** A listener for an event, or for a delivery. */
  listener(): () => unknown {
    const probability = this.#random.pick([0, 0.02, 0.2])
    return () => {
      if (this.#isTame || !this.#random.chance(probability)) return undefined
      if (this.#random.chance(0.3)) return Promise.reject(new OnPurpose('a late listener'))
      throw new OnPurpose('a listener')
    }
  }

  /** Which events are listened to. */
  events(): readonly (typeof EVENT_NAMES)[number][] {
    const probability = this.#random.pick([0, 0.5, 1])
    return EVENT_NAMES.filter(() => this.#random.chance(probability))
  }

  #hooks(): Hooks {
    const all: Hooks = {
      connect: ({ user }) => this.#judge(user),
      authorize: ({ user }) => this.#judge(user),
      subscribe: ({ user }) => this.#judge(user),
      send: (message, { user }) => {
        if (user === BYSTANDER || this.#isTame) return true
        if (this.#random.chance(0.1)) return message.with({ headers: { by: 'the host' } })
        if (this.#random.chance(0.1)) return message.with({ body: 'another' })
        return this.#judge(user)
      },
      deliver: (message, { user }) => {
        if (user === BYSTANDER || this.#isTame) return true
        const draw = this.#random.below(100)
        if (draw < 3) throw new OnPurpose('the hook deliver')
        if (draw < 8) return message.with({ headers: { to: 'somebody' } })
        return draw >= 12
      },
    }
    return {
      // Who it is, all others must know.
      authenticate: ({ login }) => {
        if (login === BYSTANDER || this.#isTame) return login ?? 'somebody'
        if (login === 'nobody') return null
        return this.#random.chance(0.2) ? this.promised.later(() => login ?? 'somebody') : (login ?? 'somebody')
      },
      ...Object.fromEntries(Object.entries(all).filter(() => this.#random.chance(0.6))),
    }
  }

  #judge(user: unknown): boolean | Promise<boolean> {
    if (user === BYSTANDER || this.#isTame) return true
    const draw = this.#random.below(100)
    if (draw < 1) return false
    if (draw < 2) throw new Refusal('not-today', 'come again: \n tomorrow')
    if (draw < 3) throw new OnPurpose('a hook')
    if (draw < 20) return this.promised.later(() => this.#judgeLate())
    return true
  }

  #judgeLate(): boolean {
    if (this.#isTame) return true
    const draw = this.#random.below(40)
    if (draw === 0) throw new OnPurpose('a late hook')
    return draw !== 1
  }
}

/** A store that keeps ids only, answers now or later, and fails now and then. */
export class ForgetfulStore implements Store {
  readonly #kept = new Set<string>()
  /** What it once failed to let go: a message that went to an `auto` subscription is not let go a second time. */
  readonly #refused = new Set<string>()
  /** What nobody may ask for. */
  readonly faults: string[] = []
  isReliable = false
  readonly #random: Random
  readonly #promised: Promised
  readonly #lateness: number
  readonly #failures: number

  constructor(random: Random, promised: Promised) {
    this.#random = random
    this.#promised = promised
    this.#lateness = random.pick([0, 0.5, 1])
    this.#failures = random.pick([0, 0.02, 0.2])
  }

  apply(batch: Parameters<Store['apply']>[0]): undefined | Promise<void> {
    // Which batch is taken is known at once: the answers may come in any order, the batches do not.
    const fails = !this.isReliable && this.#random.chance(this.#failures)
    if (!fails) this.#take(batch)
    else for (const settlement of batch.settlements) this.#refused.add(keyOf(settlement))
    const answer = (): undefined => {
      if (fails) throw new OnPurpose('the store')
      return undefined
    }
    if (!this.#random.chance(this.#lateness)) return answer()
    return this.#promised.later(answer)
  }

  async *recover(): AsyncGenerator<never> {}

  /** What it keeps and was never asked to let go. */
  get left(): string[] {
    return [...this.#kept].filter((key) => !this.#refused.has(key))
  }

  #take({ appends, settlements }: Parameters<Store['apply']>[0]): void {
    for (const key of settlements.map(keyOf))
      if (!this.#kept.delete(key)) this.faults.push(`settled what is not kept: ${key}`)
    for (const key of appends.map(keyOf)) {
      if (this.#kept.has(key)) this.faults.push(`kept twice: ${key}`)
      this.#kept.add(key)
    }
  }
}

function keyOf({ queue, id }: { readonly queue: string; readonly id: string }): string {
  return `${queue} ${id}`
}
