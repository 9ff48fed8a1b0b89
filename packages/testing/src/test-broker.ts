/** A real broker, with all that a test wants beside it. */

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type Broker,
  type BrokerOptions,
  type Clock,
  type CloseOptions,
  type Connection,
  createBroker,
  type Inbound,
  type LogFields,
} from '@xtomp/core'
import { type BrokerFaults, FaultList, type Faults } from './faults.js'
import { GlobalClock } from './global-clock.js'
import { ManualClock } from './manual-clock.js'
import { type MemoryDoor, memoryDoorOf } from './memory-door.js'
import { notingPublish } from './published-messages.js'
import { turn } from './real-time.js'
import { type ReceivedMessage, ReceivedMessages, type WaitOptions, Watch } from './received-messages.js'
import { Listener, Recorder } from './recorder.js'
import { MemorySocket } from './socket.js'
import { type SessionSubscription, Subscriptions } from './subscriptions.js'
import { Tap } from './tap.js'
import { MemoryWebSocket, type TestWebSocket } from './web-socket.js'

/** What `createBroker` takes, with a clock of its own kind. */
export interface TestBrokerOptions<User = unknown, Time extends Clock = Clock>
  extends Omit<BrokerOptions<User>, 'clock'> {
  /**
   * The source of time. `global`: the global timers and `Date`, as they are at each call, for a test runner's fake ones.
   * @defaultValue a `ManualClock`
   */
  readonly clock?: Time | 'global'
}

/** A connection to a test broker, of any door. */
export interface TestConnection {
  /** What carries it: `memory-websocket`, `memory-socket`, or what its door says. */
  readonly transport: string
  /** The faults of this connection alone. */
  readonly faults: Faults
  /** What was said on it: one line for each frame. */
  transcript(): string
}

/** A broker with all that a test wants beside it. No port is opened, and nothing keeps the process alive. */
export interface TestBroker<User = unknown, Time extends Clock = ManualClock> extends Broker<User> {
  /** The source of time. */
  readonly clock: Time
  /** What goes wrong, on every connection. */
  readonly faults: BrokerFaults
  /** The open connections, oldest first. */
  readonly connections: readonly TestConnection[]
  /** The subscriptions of all sessions, oldest first; the host's own are not among them. */
  readonly subscriptions: readonly SessionSubscription[]
  /** What the broker logged as errors: faults of the host's own code, of a hook that throws. */
  readonly errors: readonly unknown[]
  /**
   * A WebSocket to this broker: `webSocketFactory: () => broker.webSocket()`.
   * @param url - what its `url` says
   * @param protocols - what it asks for
   */
  webSocket(url?: string, protocols?: string | readonly string[]): TestWebSocket
  /**
   * A socket to this broker; called as `net.connect` is: `stompit.connect({ connect: broker.socket })`. The last
   * argument, where it is a function, hears `connect`; all others are ignored. It is a stream with `connecting`,
   * `bytesRead`, `bytesWritten` and addresses; `setNoDelay`, `setKeepAlive`, `setTimeout`, `ref` and `unref` do nothing.
   * Typed as Node's, because the types of clients want that; what else `net.Socket` has is not there.
   */
  readonly socket: (...args: readonly unknown[]) => Socket
  /**
   * Resolves with the first `count` messages that were sent to a destination, by clients or by the host, since the broker
   * was made; refused ones, and those of a transaction that is not committed, do not count.
   * @throws Error which lists what was sent, where that is given up
   */
  received(destination: string, count?: number, options?: WaitOptions): Promise<readonly ReceivedMessage[]>
  /** What was said on all connections: one line for each frame, and what the faults did. No passcode is shown. */
  transcript(): string
  /** Takes all faults back and closes the broker; connections whose client takes nothing are cut. */
  close(options?: CloseOptions): Promise<void>
}

/** What matchers look into. */
export interface Observed {
  readonly messages: ReceivedMessages
  readonly subscriptions: Subscriptions
  readonly watch: Watch
}

/** Where the matchers find it. */
export const observed: unique symbol = Symbol('observed')

/** More than an ERROR and the end behind it take to reach a client that reads. */
const CLOSING_TURNS = 10

const PROTOCOLS = ['v12.stomp', 'v11.stomp', 'v10.stomp']

/**
 * Makes a broker for a test. Its time stands still until `broker.clock.advance` is called; its log is silent, and what
 * would have been logged as an error is in `broker.errors`.
 *
 * @example
 * ```ts
 * import { Client } from '@stomp/stompjs'
 * import { createTestBroker } from '@xtomp/testing'
 *
 * const broker = createTestBroker()
 * const client = new Client({ webSocketFactory: () => broker.webSocket() })
 * client.onConnect = () => client.publish({ destination: '/topic/a', body: 'hello' })
 * client.activate()
 * await broker.received('/topic/a')
 * await client.deactivate()
 * await broker.close()
 * ```
 * @throws TypeError where an option is unknown or out of its range, as `createBroker` does
 */
export function createTestBroker<User = unknown, Time extends Clock = ManualClock>(
  options?: TestBrokerOptions<User, Time> & { readonly clock?: Time },
): TestBroker<User, Time>
/** Makes a broker for a test that goes by the global timers. */
export function createTestBroker<User = unknown>(
  options: TestBrokerOptions<User> & { readonly clock: 'global' },
): TestBroker<User, GlobalClock>
export function createTestBroker<User>(options: TestBrokerOptions<User> = {}): TestBroker<User, Clock> {
  const { clock: given = new ManualClock(), ...others } = options
  const clock = given === 'global' ? new GlobalClock() : given
  const errors: unknown[] = []
  const logger = {
    info: () => undefined,
    warn: () => undefined,
    error: ({ err }: LogFields, message: string) => {
      errors.push(err ?? message)
    },
  }
  const broker = createBroker<User>({ logger, ...others, clock })
  return equip(broker, errors)
}

/** Puts onto a broker what a test wants beside it: what comes in goes through here, and what is published, too. */
function equip<User>(broker: Broker<User>, errors: readonly unknown[]): TestBroker<User, Clock> {
  const watch = new Watch()
  const messages = new ReceivedMessages(watch)
  const subscriptions = new Subscriptions(broker, watch)
  const recorder = new Recorder()
  const taps = new Map<Tap, TestConnection>()
  const faults = new FaultList(() => taps.keys())
  let connected = 0

  const acceptPlainly = broker.accept.bind(broker)
  const accept = (connection: Connection, halfClose?: () => void): Inbound => {
    const number = ++connected
    const own: FaultList = new FaultList(() => [tap], faults)
    const gone = (): boolean => taps.delete(tap)
    const tap: Tap = new Tap({
      connection,
      clock: broker.clock,
      faults: own,
      listener: new Listener(recorder, number),
      halfClose,
      gone,
    })
    const { transport } = connection.info
    taps.set(tap, { transport, faults: own, transcript: () => recorder.transcript(number) })
    tap.inbound = acceptPlainly(tap)
    // Who comes through a door of its own has been accepted by the system already.
    if (faults.find('refuse') !== undefined) connection.abort()
    return tap
  }

  broker.on('send', ({ message: { destination, headers, body }, session }) => {
    messages.add({ destination, headers, body: body.slice(), session })
    watch.changed()
  })
  const door: MemoryDoor = memoryDoorOf({
    clock: broker.clock,
    get isRefusing() {
      return faults.find('refuse') !== undefined
    },
    accept,
  })

  const closePlainly = broker.close.bind(broker)
  const close = async (options?: CloseOptions): Promise<void> => {
    faults.clear()
    const closed = closePlainly(options)
    if ((options?.drainMs ?? 0) === 0) await Promise.race([closed, cutStragglers(taps.keys())])
    await closed
  }

  const extras = {
    ...notingPublish(broker, messages),
    accept: (connection: Connection) => accept(connection),
    close,
    [Symbol.asyncDispose]: () => close(),
    faults,
    errors,
    get connections() {
      return [...taps.values()]
    },
    get subscriptions() {
      return subscriptions.all
    },
    webSocket: (url = 'ws://memory/', protocols: string | readonly string[] = PROTOCOLS) =>
      new MemoryWebSocket(door, url, typeof protocols === 'string' ? [protocols] : protocols),
    socket: (...args: readonly unknown[]) => {
      const socket = new MemorySocket(door)
      const listener = args.at(-1)
      if (typeof listener === 'function') socket.once('connect', () => listener())
      return socket as Duplex as Socket
    },
    received: (destination: string, count = 1, options?: WaitOptions) => messages.wait(destination, count, options),
    transcript: () => recorder.transcript(),
    [observed]: { messages, subscriptions, watch } satisfies Observed,
  }
  Object.defineProperties(broker, Object.getOwnPropertyDescriptors(extras))
  return broker as Broker<User> & typeof extras
}

/** Ends what is in the way of closing: a client in memory that takes nothing, while time stands still. */
async function cutStragglers(taps: Iterable<Tap>): Promise<void> {
  for (let turns = 0; turns < CLOSING_TURNS; turns++) await turn()
  for (const tap of [...taps]) if (tap.isInMemory) tap.abort()
}
