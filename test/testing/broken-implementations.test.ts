/** The contracts can fail: for each case there is an implementation that is broken so that it does. */

import {
  type Connection,
  connectMemory,
  createMemoryStore,
  type Inbound,
  StompError,
  type Store,
  type StoreBatch,
  type StoredEntry,
} from '@xtomp/core'
import type { ArrivedMessage, Backplane, Completion, Outcome } from '@xtomp/core/ports'
import {
  backplaneContract,
  type Contract,
  connectionContract,
  destinationContract,
  type StoreHarness,
  storeContract,
} from '@xtomp/testing/contracts'
import { expect, test } from 'vitest'
import type { Delivery } from '../../packages/core/src/destination/delivery.js'
import type { LocalDestination } from '../../packages/core/src/destination/local.js'
import type { Subscription } from '../../packages/core/src/destination/subscription.js'
import type { StoredMessage } from '../../packages/core/src/message.js'
import { memoryBackplane } from '../support/backplanes.js'
import { queueHarness, topicHarness } from '../support/destinations.js'

type Broken = readonly [fails: string, contract: readonly Contract[]]

const OCTET = Uint8Array.of(1)

/** An object whose methods are those of another, some replaced. */
function overlaid<T extends object>(whole: T, part: Partial<T>): T {
  return new Proxy(whole, {
    get: (of, key) => {
      const isReplaced = Reflect.has(part, key)
      const value: unknown = Reflect.get(isReplaced ? part : of, key)
      return typeof value === 'function' && !isReplaced ? value.bind(of) : value
    },
  })
}

/** A connection in memory that breaks its word in one way, on either side. */
function connection(
  change: (to: Connection, inbound: () => Inbound) => Partial<Connection>,
  changeInbound: (to: Inbound) => Partial<Inbound> = () => ({}),
): readonly Contract[] {
  return connectionContract({
    linger: (clock) => clock.advance(2_000),
    open: (broker, events) => {
      const accept = (connected: Connection): Inbound => {
        const inbound: Inbound = broker.accept(
          overlaid(
            connected,
            change(connected, () => inbound),
          ),
        )
        return overlaid(inbound, changeInbound(inbound))
      }
      return connectMemory({ clock: broker.clock, accept }, events)
    },
  })
}

const nothing = (): Partial<Connection> => ({})

const connections: readonly Broken[] = [
  ['says what carries it', connection(() => ({ info: { transport: '' } }))],
  ['hands over what the peer sends', connection(nothing, () => ({ receive: () => undefined }))],
  ['sends what it is given', connection((to) => ({ send: (octets, ends) => to.send(octets.subarray(1), ends) }))],
  [
    'has done with the memory',
    connection((to) => ({
      send: (octets, ends) => {
        setImmediate(() => to.send(octets, ends))
        return true
      },
    })),
  ],
  ['answers false', connection((to) => ({ send: (octets, ends) => to.send(octets, ends) || true }))],
  [
    'does not drain where nothing',
    connection((to, inbound) => ({
      send: (octets, ends) => {
        setImmediate(() => inbound().drained())
        return to.send(octets, ends)
      },
    })),
  ],
  ['stops reading', connection(() => ({ pause: () => undefined }))],
  ['tells once that the peer sends no more', connection(nothing, () => ({ ended: () => undefined }))],
  ['sends all that it was given', connection((to) => ({ close: () => to.abort() }))],
  ['sends all that it was given', connection(nothing, (to) => ({ closed: () => to.closed(new Error('for nothing')) }))],
  [
    'drops what the peer sends',
    connection((to, inbound) => ({
      close: (reason) => {
        setImmediate(() => inbound().receive(OCTET))
        setImmediate(() => to.close(reason))
      },
    })),
  ],
  ['cuts a peer that keeps', connection(() => ({ close: () => undefined }))],
  ['is gone, in a later turn', connection((_, inbound) => ({ abort: () => inbound().closed() }))],
  ['tells that the peer is gone', connection(nothing, () => ({ closed: () => undefined }))],
  ['takes nothing more', connection((to) => ({ send: (octets, ends) => to.send(octets, ends) || true }))],
  [
    'bears being paused',
    connection(() => ({
      resume: () => {
        throw new Error('it is gone')
      },
    })),
  ],
]

/** A store that does what it is asked as simply as can be, but for what is replaced. */
function store(
  change: (entries: StoredEntry[]) => Partial<Store>,
  rest: Partial<StoreHarness> = {},
): readonly Contract[] {
  const open = (): Store => {
    const entries: StoredEntry[] = []
    return overlaid(simple(entries), change(entries))
  }
  return storeContract({ open, reopen: (kept) => kept, ...rest })
}

function simple(entries: StoredEntry[]): Store {
  return {
    apply: (batch) => {
      settle(entries, batch)
      for (const entry of batch.appends) entries.push({ ...entry, body: entry.body.slice() })
      return undefined
    },
    async *recover() {
      yield [...entries]
    },
  }
}

function settle(entries: StoredEntry[], { settlements }: Pick<StoreBatch, 'settlements'>): void {
  for (const { queue, id } of settlements) {
    const at = entries.findIndex((entry) => entry.queue === queue && entry.id === id)
    if (at >= 0) entries.splice(at, 1)
  }
}

/** Recovers what `list` answers when it is asked. */
function recovering(list: () => readonly StoredEntry[]): Partial<Store> {
  return {
    async *recover() {
      yield list()
    },
  }
}

const entry = { queue: 'a', id: '1', headers: [], body: OCTET, expiresAt: 0 } as unknown as StoredEntry
const shared = createMemoryStore()

const stores: readonly Broken[] = [
  ['has nothing to begin with', store(() => recovering(() => [entry]))],
  [
    'recovers what was appended',
    store((entries) => recovering(() => entries.map((kept) => ({ ...kept, expiresAt: 0 })))),
  ],
  ['recovers each queue oldest first', store((entries) => recovering(() => [...entries].reverse()))],
  [
    'keeps the octets',
    store((entries) => ({
      apply: ({ appends }) => {
        entries.push(...appends)
        return undefined
      },
    })),
  ],
  [
    'forgets what was settled',
    store((entries) => ({
      apply: ({ appends }) => {
        entries.push(...appends)
        return undefined
      },
    })),
  ],
  [
    'moves a message',
    store((entries) => ({
      apply: ({ appends, settlements }) => {
        entries.push(...appends)
        const ids = settlements.map(({ id }) => id)
        const left = entries.filter(({ id }) => !ids.includes(id))
        entries.splice(0, entries.length, ...left)
        return undefined
      },
    })),
  ],
  [
    'lists what was kept when',
    store((entries) => ({
      async *recover() {
        for (const kept of entries) yield [kept]
      },
    })),
  ],
  [
    'takes batches while it recovers',
    store((entries) => ({
      async *recover() {
        for (let at = 0; at < entries.length; at += 1_000) yield entries.slice(at, at + 1_000)
      },
    })),
  ],
  ['has all of it when it is opened again', store(() => ({}), { reopen: () => simple([]) })],
  ['shares nothing', store(() => ({}), { open: () => shared })],
  [
    'takes nothing of a batch that it rejects',
    store(
      (entries) => ({
        apply: ({ appends }) => {
          entries.push(...appends)
          return appends.length > 1 ? Promise.reject(new Error('too late')) : undefined
        },
      }),
      { failNext: () => undefined },
    ),
  ],
]

type Harness = typeof queueHarness

/** A topic or a queue, but for what is replaced. */
function destination(
  harness: Harness,
  change: (to: LocalDestination) => Partial<LocalDestination>,
): readonly Contract[] {
  return destinationContract({
    ...harness,
    open: async () => {
      const whole = (await harness.open()) as LocalDestination
      return overlaid(whole, change(whole))
    },
  })
}

const twice = (completion: Completion): Completion => ({
  done: (error) => {
    completion.done(error)
    completion.done(error)
  },
})

const ignoring =
  (outcome: Outcome) =>
  (to: LocalDestination): Partial<LocalDestination> => ({
    settle: (deliveries: readonly Delivery[], given: Outcome, completion: Completion) =>
      given === outcome ? completion.done() : to.settle(deliveries, given, completion),
  })

const as =
  (meant: Outcome, done: Outcome) =>
  (to: LocalDestination): Partial<LocalDestination> => ({
    settle: (deliveries: readonly Delivery[], given: Outcome, completion: Completion) =>
      to.settle(deliveries, given === meant ? done : given, completion),
  })

/** Holds messages back until there are two, then sends the later first. */
function swapping(to: LocalDestination): Partial<LocalDestination> {
  let held: StoredMessage | undefined
  return {
    send: (message: StoredMessage, completion: Completion) => {
      if (held === undefined) held = message
      else {
        to.send(message, { done: () => undefined })
        to.send(held, { done: () => undefined })
        held = undefined
      }
      completion.done()
      return true
    },
  }
}

const anyDestination = (harness: Harness): readonly Broken[] => [
  [
    'says once that it has accepted',
    destination(harness, (to) => ({ send: (message, completion) => to.send(message, twice(completion)) })),
  ],
  [
    'says once that a subscription is active',
    destination(harness, (to) => ({
      subscribe: (recipient: Subscription, completion: Completion) =>
        to.subscribe(recipient, { done: () => setImmediate(() => twice(completion).done()) }),
    })),
  ],
  ['hands messages over in the order', destination(harness, swapping)],
  ['hands nothing to who has no room', destination(harness, () => ({ resume: () => undefined }))],
  ['hands nothing over when it is unsubscribed', destination(harness, () => ({ unsubscribe: () => undefined }))],
  [
    'hands over a delivery to be settled',
    destination(harness, (to) => ({
      settle: (deliveries, outcome, completion) => to.settle(deliveries, outcome, twice(completion)),
    })),
  ],
]

const topics: readonly Broken[] = [
  ...anyDestination(topicHarness),
  ['hands each message to every subscription', destinationContract({ ...queueHarness, kind: 'topic' })],
  ['lets nobody wait', destinationContract({ ...topicHarness, open: () => stuckTopic() })],
  ['keeps nothing for who subscribes later', destinationContract({ ...queueHarness, kind: 'topic' })],
]

/** A topic that sends nothing to anybody while somebody has no room. */
function stuckTopic(): LocalDestination {
  const all: Subscription[] = []
  const whole = topicHarness.open() as LocalDestination
  return overlaid(whole, {
    subscribe: (recipient: Subscription, completion: Completion) => {
      all.push(recipient)
      whole.subscribe(recipient, completion)
    },
    send: (message: StoredMessage, completion: Completion) => {
      if (all.every((recipient) => recipient.hasRoom())) return whole.send(message, completion)
      completion.done()
      return true
    },
  })
}

const asQueue = destinationContract({ ...topicHarness, kind: 'queue' })

const queues: readonly Broken[] = [
  ...anyDestination(queueHarness),
  ['keeps messages until', asQueue],
  ['hands each message to one', asQueue],
  ['has done with a message', destination(queueHarness, as('acknowledged', 'returned'))],
  ['leaves what is not settled', destination(queueHarness, as('acknowledged', 'returned'))],
  ['hands over again what was negatively', destination(queueHarness, ignoring('nacked'))],
  ['takes back what a lost', destination(queueHarness, ignoring('returned'))],
  ['does not hand over again what was rejected', destination(queueHarness, as('rejected', 'nacked'))],
]

/** A backplane that does part of it differently; `receive` stands between it and the brokers. */
function backplane(
  part: (whole: Backplane) => Partial<Backplane>,
  receive: (message: ArrivedMessage, next: (message: ArrivedMessage) => void) => void = (message, next) =>
    next(message),
): readonly Contract[] {
  return backplaneContract({
    ...memoryBackplane,
    open: async (brokers) => {
      const opened = await memoryBackplane.open(
        brokers.map((broker) => ({
          receive: (host, message) => receive(message, (changed) => broker.receive(host, changed)),
        })),
      )
      return opened.map((whole) => overlaid(whole, part(whole)))
    },
  })
}

const same = (): Partial<Backplane> => ({})
const everything = (whole: Backplane): Partial<Backplane> => ({
  subscribe: (host, _name, isFirst, completion) => whole.subscribe(host, '/topic/**', isFirst, completion),
})

function swapped(): (message: ArrivedMessage, next: (message: ArrivedMessage) => void) => void {
  const kept: ArrivedMessage[] = []
  return (message, next) => {
    kept.push(message)
    if (kept.length === 2) for (const each of kept.splice(0).reverse()) next(each)
  }
}

const repeated: Parameters<typeof backplane>[1] = (message, next) => {
  next(message)
  next(message)
}

const backplanes: readonly Broken[] = [
  ['passes a message to every', backplane(same, repeated)],
  ['passes nothing to a broker', backplane(everything)],
  ['passes a message once', backplane(same, repeated)],
  ['passes nothing more', backplane(() => ({ unsubscribe: () => undefined }))],
  [
    'is told of a subscription',
    backplane((whole) => ({
      subscribe: (host, name, isFirst, completion) => {
        if (isFirst) whole.subscribe(host, name, isFirst, completion)
        else completion.done(new StompError('internal-error', 'no'))
      },
    })),
  ],
  ['keeps the order', backplane(same, swapped())],
  ['passes id, headers', backplane(same, (message, next) => next({ ...message, expiresAt: 0 }))],
  [
    'keeps virtual hosts',
    backplane((whole) => ({
      publish: (_host, message, completion) => whole.publish('a', message, completion),
    })),
  ],
]

const all = { connection: connections, store: stores, topic: topics, queue: queues, backplane: backplanes }

for (const [kind, broken] of Object.entries(all)) {
  test.each(broken)(
    `a ${kind} that is broken for it does not pass: %s`,
    { timeout: 20_000 },
    async (fails, contract) => {
      const [one, ...others] = contract.filter(({ name }) => name.startsWith(fails))
      expect(others).toEqual([])
      await expect((one as Contract).run()).rejects.toThrow()
    },
  )
}

test('every case of every contract has an implementation that fails it', () => {
  const cases = Object.values(all).map(([first]) => first?.[1] ?? [])
  const withFailingStore = storeContract({ open: () => shared, reopen: () => shared, failNext: () => undefined })
  for (const { name } of [...cases.flat(), ...withFailingStore])
    expect(
      Object.values(all).some((broken) => broken.some(([fails]) => name.startsWith(fails))),
      name,
    ).toBe(true)
})
