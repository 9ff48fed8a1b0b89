/** A topic and a queue of the broker's own, as the Destination contract takes them: each case has a router of its own. */

import { ManualClock } from '@xtomp/testing'
import type { DestinationHarness } from '@xtomp/testing/contracts'
import { Account } from '../../packages/core/src/account.js'
import { DestinationContext } from '../../packages/core/src/destination/context.js'
import type { Delivery } from '../../packages/core/src/destination/delivery.js'
import { Journal } from '../../packages/core/src/destination/journal.js'
import type { LocalDestination } from '../../packages/core/src/destination/local.js'
import { policyFor } from '../../packages/core/src/destination/policy.js'
import { Router } from '../../packages/core/src/destination/router.js'
import { Subscription } from '../../packages/core/src/destination/subscription.js'
import { Headers } from '../../packages/core/src/headers.js'
import { copyOf, MessageIds, StoredMessage } from '../../packages/core/src/message.js'
import { Turn } from '../../packages/core/src/turn.js'
import { Wheel } from '../../packages/core/src/wheel.js'
import { LinkedBrokers, type LinkedWorker } from './linked-brokers.js'

type Harness = DestinationHarness<Subscription, Delivery>

const ids = new MessageIds('test')

function opened(name: string): LocalDestination {
  const clock = new ManualClock()
  const context = new DestinationContext({
    clock,
    turn: new Turn(clock),
    wheel: new Wheel(clock),
    account: new Account(Number.MAX_SAFE_INTEGER),
    journal: new Journal(undefined, clock, () => undefined),
    rules: [],
    limits: { destinations: 10, destinationLength: 100, destinationSegments: 10 },
    reports: { givenUp: () => undefined, slowConsumer: () => undefined },
  })
  return new Router('', context).forSubscribe(name)
}

function harnessFor(kind: Harness['kind']): Harness {
  return {
    kind,
    open: () => opened(`/${kind}/a`),
    message: ({ name }, body) => new StoredMessage(ids.next(), name, Headers.none, copyOf(body)),
    recipient: ({ name }, probe) => {
      const request = { id: '0', isNamed: true, destination: name, ackMode: probe.ackMode, prefetch: 1_000 }
      return new Subscription(request, destinationOf(probe), {
        hasRoom: () => probe.hasRoom(),
        deliver: (_subscription, message, delivery) => probe.deliver(message, delivery),
        isGone: false,
        catchUp: () => undefined,
        released: () => undefined,
        cut: () => undefined,
      })
    },
  }
}

/** The cases speak to the destination themselves: a subscription of theirs is asked for nothing. */
function destinationOf(probe: object): LocalDestination {
  return new Proxy({} as LocalDestination, {
    get: (_, key) => {
      throw new Error(`the subscription of ${String(probe)} asked its destination for ${String(key)}`)
    },
  })
}

/** A topic. */
export const topicHarness: Harness = harnessFor('topic')
/** A queue. */
export const queueHarness: Harness = harnessFor('queue')

/** The brokers behind a remote queue. */
const linked = new WeakMap<object, LinkedBrokers>()

/** A queue of a primary's, as a worker has it: over the real link. */
export const remoteQueueHarness: Harness = {
  ...queueHarness,
  open: async () => {
    const brokers = await LinkedBrokers.open(1)
    const [worker] = brokers.workers
    const name = '/queue/a'
    const identity = { name, storeKey: `\0${name}`, policy: policyFor(name, []) }
    const queue = (worker as LinkedWorker).owner.queue(identity, { host: '', unused: () => undefined })
    linked.set(queue, brokers)
    return queue
  },
  close: (queue) => linked.get(queue)?.close(),
}
