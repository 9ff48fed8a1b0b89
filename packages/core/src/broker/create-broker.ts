/** Puts the rooms together: one account, one clock, one wheel, one router a host, and the sessions. */

import { Account } from '../account.js'
import { type Clock, holdProcess } from '../clock.js'
import { MessageEncoder } from '../codec/encoder.js'
import { CLIENT_COMMANDS } from '../codec/frame.js'
import { Interner, OctetWriter } from '../codec/octets.js'
import { DestinationContext } from '../destination/context.js'
import type { Inside } from '../destination/inside.js'
import { Journal } from '../destination/journal.js'
import type { DestinationSnapshot } from '../destination/local.js'
import { messageOf, recover } from '../destination/recovery.js'
import { Router } from '../destination/router.js'
import { StompError } from '../errors.js'
import { messageHeaders } from '../header-names.js'
import { Headers } from '../headers.js'
import type { Logger } from '../logger.js'
import { copyOf, MessageIds, StoredMessage } from '../message.js'
import type { Connection, Inbound } from '../ports/connection.js'
import type { Completion } from '../ports/destination.js'
import type { Store } from '../ports/store.js'
import { Reentry } from '../reentry.js'
import type { Party, SessionContext } from '../session/context.js'
import { Decoders } from '../session/decoders.js'
import { Flusher } from '../session/flusher.js'
import { Rhythms } from '../session/heart-beat.js'
import type { Hooks, SessionInfo, SessionSnapshot } from '../session/hooks.js'
import { Session } from '../session/session.js'
import { handle } from '../session/verbs.js'
import { Turn } from '../turn.js'
import { Wheel } from '../wheel.js'
import type { Broker, BrokerStats, CloseOptions, Door, PublishOptions } from './broker.js'
import { Emitter } from './emitter.js'
import type { BrokerEvents } from './events.js'
import {
  HostConsumer,
  type HostListener,
  type HostSubscribeOptions,
  type HostSubscription,
} from './host-subscription.js'
import { type BrokerOptions, checkBody, checkGiven, checkName, type Settings, settingsOf } from './options.js'
import { destinationReports, sessionReports } from './reports.js'

/**
 * Makes a broker. It opens no port and holds no timer until there is something to wait for: give it a door, or connect
 * to it in memory.
 *
 * @throws TypeError where an option is unknown or out of its range; the message names it and what is allowed
 * @example
 * ```ts
 * import { createBroker } from '@xtomp/core'
 *
 * const broker = createBroker({ destinations: [{ match: '/queue/orders', maxMessages: 10_000 }] })
 * broker.publish('/queue/orders', 'tea')
 * await broker.close()
 * ```
 */
export function createBroker<User = unknown>(options: BrokerOptions<User> = {}): Broker<User> {
  return new LocalBroker(settingsOf(options))
}

/** How often a broker that is draining looks whether its sessions are done. */
const DRAIN_LOOK_MS = 50

/** The default space: what a host name means while no hosts are configured, or none is named. */
const DEFAULT_HOST = ''

class LocalBroker<User> implements Broker<User> {
  readonly clock: Clock
  readonly logger: Logger
  readonly #settings: Settings<User>
  readonly #reentry: Reentry
  readonly #emitter: Emitter<User>
  readonly #wheel: Wheel
  readonly #destinations: DestinationContext
  readonly #context: SessionContext
  readonly #routers = new Map<string, Router>()
  readonly #sessions = new Set<Session>()
  readonly #hostConsumers = new Set<HostConsumer>()
  readonly #doors = new Set<Door>()
  readonly #ids = new MessageIds(crypto.randomUUID().slice(0, 8))
  #accepted = 0
  #subscribed = 0
  #closed: Promise<void> | undefined
  #allGone: (() => void) | undefined

  constructor(settings: Settings<User>) {
    this.clock = settings.clock
    this.logger = settings.logger
    this.#settings = settings
    this.#reentry = new Reentry(settings.clock)
    this.#emitter = new Emitter(settings.logger, this.#reentry)
    this.#wheel = new Wheel(settings.clock)
    this.#destinations = this.#createDestinations()
    this.#context = this.#createContext()
    const backplane = settings.backplane?.(this.#inside())
    this.#destinations.backplane = backplane
    for (const host of [DEFAULT_HOST, ...(settings.hosts ?? [])])
      this.#routers.set(host, new Router(host, this.#destinations, backplane?.queues))
    if (settings.store !== undefined) {
      this.#context.recovery = this.#recover(settings.store)
      // Reported where it fails; a rejection that no session is there to hear of would end the process.
      this.#context.recovery.catch(() => undefined)
    }
  }

  accept(connection: Connection): Inbound {
    const id = `${this.#ids.origin}-${++this.#accepted}`
    const session = new Session({ id, connection, context: this.#context, handle })
    this.#sessions.add(session)
    this.#emitter.emit('open', () => ({ session: session.info as SessionInfo<User> }))
    if (this.#closed !== undefined) session.fail(closing())
    return session
  }

  publish(destination: string, body: string | Uint8Array, options?: PublishOptions): void {
    const message = this.#messageOf(destination, body, options)
    const done = (error?: StompError): void => {
      if (error !== undefined) this.#emitter.emit('refuse', () => ({ message, error }))
    }
    this.#send(message, options, { done })
  }

  async publishConfirmed(destination: string, body: string | Uint8Array, options?: PublishOptions): Promise<void> {
    const message = this.#messageOf(destination, body, options)
    await new Promise<void>((resolve, reject) => {
      this.#send(message, options, { done: (error) => (error === undefined ? resolve() : reject(error)) })
    })
  }

  subscribe(
    destination: string,
    given: HostSubscribeOptions | HostListener = {},
    last?: HostListener,
  ): HostSubscription {
    checkName(destination)
    const [options, listener] = typeof given === 'function' ? [{}, given] : [given, last]
    checkGiven.subscribing(options, '')
    if (listener !== undefined) checkGiven.listener(listener, 'the listener')
    const router = this.#routerFor(options.host)
    if (this.#closed !== undefined) throw closing()
    const { signal } = options
    const consumer = new HostConsumer(
      HostConsumer.requestOf(`host-${++this.#subscribed}`, destination, options),
      {
        router,
        clock: this.clock,
        counts: this.#destinations.counts,
        failed: (error) => this.#emitter.failed(error, `subscriber of ${destination}`),
        settled: (message, isAcknowledged) =>
          this.#emitter.emit(isAcknowledged ? 'acknowledge' : 'nack', () => ({ session: undefined, message })),
        ended: (ended) => {
          this.#hostConsumers.delete(ended)
          signal?.removeEventListener('abort', end)
        },
      },
      listener,
    )
    const end = (): void => consumer.unsubscribe()
    if (signal?.aborted) {
      // Not even started: it would take messages that nobody gets.
      consumer.unsubscribe()
      return consumer
    }
    signal?.addEventListener('abort', end)
    this.#hostConsumers.add(consumer)
    consumer.start()
    return consumer
  }

  on<Name extends keyof BrokerEvents<User>>(event: Name, listener: (payload: BrokerEvents<User>[Name]) => void): this {
    checkGiven.event(event, 'the event')
    checkGiven.listener(listener, 'the listener')
    this.#emitter.on(event, listener)
    return this
  }

  off<Name extends keyof BrokerEvents<User>>(event: Name, listener: (payload: BrokerEvents<User>[Name]) => void): this {
    checkGiven.event(event, 'the event')
    this.#emitter.off(event, listener)
    return this
  }

  addDoor(door: Door): () => void {
    if (this.#closed !== undefined) throw closing()
    this.#doors.add(door)
    return () => this.#doors.delete(door)
  }

  stats(): BrokerStats {
    const { counts, account } = this.#destinations
    let destinations = 0
    for (const { size } of this.#routers.values()) destinations += size
    return {
      sessions: this.#sessions.size,
      ...counts,
      destinations,
      bytes: account.used,
      alarms: this.#wheel.size,
    }
  }

  *sessions(): IterableIterator<SessionSnapshot<User>> {
    for (const { snapshot } of this.#sessions) yield snapshot as SessionSnapshot<User>
  }

  *destinations(): IterableIterator<DestinationSnapshot & { readonly host: string }> {
    for (const [host, router] of this.#routers) for (const snapshot of router.snapshots()) yield { ...snapshot, host }
  }

  close(options: CloseOptions = {}): Promise<void> {
    checkGiven.closing(options, '')
    const { drainMs = 0 } = options
    // Closed from here on, for listeners too: what they hear of it may make them call this again.
    this.#closed ??= Promise.resolve().then(() => this.#close(drainMs))
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Whoever waits for the end comes to see it, though nothing else may keep the process alive: no timer does. */
  async #close(drainMs: number): Promise<void> {
    const release = holdProcess()
    try {
      await this.#end(drainMs)
    } finally {
      release()
    }
  }

  async #end(drainMs: number): Promise<void> {
    this.#emitter.emit('drain', () => ({ drainMs }))
    for (const door of this.#doors) door.stop()
    // What one session gives back at its end is not for the next, whose end comes a moment later.
    this.#destinations.isDraining = true
    if (drainMs > 0) await this.#drain(drainMs)
    for (const session of [...this.#sessions]) session.fail(closing())
    for (const consumer of [...this.#hostConsumers]) consumer.unsubscribe()
    if (this.#sessions.size > 0) await new Promise<void>((resolve) => (this.#allGone = resolve))
    await Promise.all([...this.#doors].map((door) => door.close()))
    await this.#context.recovery?.catch(() => undefined)
    await this.#destinations.journal.idle()
    for (const router of this.#routers.values()) router.close()
    this.#wheel.stop()
    await this.#settings.store?.close?.()
  }

  /** Queues deliver nothing more; what was delivered may be settled, what was written may leave, topics go on. */
  async #drain(drainMs: number): Promise<void> {
    const until = this.clock.now() + drainMs
    const consumers = [this.#sessions, this.#hostConsumers]
    while (this.clock.now() < until && consumers.some((some) => [...some].some(({ isIdle }) => !isIdle))) {
      await new Promise<void>((resolve) => this.clock.after(DRAIN_LOOK_MS, resolve))
    }
  }

  #messageOf(destination: string, body: string | Uint8Array, options: PublishOptions = {}): StoredMessage {
    checkName(destination)
    checkBody(body)
    checkGiven.publishing(options, '')
    const { headers = {} } = options
    const message = new StoredMessage(
      this.#ids.next(),
      destination,
      messageHeaders(Headers.from(headers)),
      copyOf(body),
    )
    message.expiresAt = Number(message.headers.get('expires') ?? 0) || 0
    return message
  }

  #send(message: StoredMessage, options: PublishOptions | undefined, completion: Completion): void {
    const router = this.#routerFor(options?.host)
    if (this.#reentry.isUnderWay) this.#reentry.later(() => this.#route(router, message, completion))
    else this.#route(router, message, completion)
  }

  #route(router: Router, message: StoredMessage, completion: Completion): void {
    if (this.#closed === undefined) router.send(message, completion)
    else completion.done(closing())
  }

  /** The host's own word for a virtual host is never a guess: an unknown one is its mistake. */
  #routerFor(host: string = DEFAULT_HOST): Router {
    const router = this.#routers.get(host)
    if (router === undefined)
      throw new TypeError(`there is no host ${host}; there are ${[...this.#routers.keys()].join(', ')} (option hosts)`)
    return router
  }

  #createDestinations(): DestinationContext {
    const { clock, limits, destinations, store } = this.#settings
    return new DestinationContext({
      clock,
      turn: new Turn(clock),
      wheel: this.#wheel,
      account: new Account(limits.totalBytes),
      journal: new Journal(store, clock, (error) => this.#emitter.failed(error, 'store')),
      rules: destinations,
      limits,
      reports: destinationReports(this.#emitter),
    })
  }

  /** The broker, as its backplane sees it. */
  #inside(): Inside {
    const router = (host: string): Router | undefined => this.#routers.get(host)
    return {
      context: this.#destinations,
      router,
      receive: (host, message) => router(host)?.receive(messageOf(message, message.destination).borrow()),
    }
  }

  #createContext(): SessionContext {
    const { clock, limits, heartBeat, serverName, hooks, hosts } = this.#settings
    const writer = new OctetWriter()
    const messageEncoder = new MessageEncoder(writer)
    return {
      limits,
      heartBeat,
      serverName,
      hooks: hooks as Hooks,
      reentry: this.#reentry,
      reports: sessionReports(this.#emitter, (session) => this.#gone(session)),
      destinations: this.#destinations,
      // Without configured hosts any name means the default space; with them, no name does.
      router: (host) => this.#routers.get(hosts === undefined ? DEFAULT_HOST : host),
      ids: this.#ids,
      decoders: new Decoders({
        limits,
        account: this.#destinations.account.relievable,
        interner: new Interner(),
        commands: CLIENT_COMMANDS,
      }),
      writer,
      messageEncoder,
      flusher: new Flusher({ clock, crowd: this.#destinations.crowd, writer, messageEncoder }),
      rhythms: new Rhythms(this.#destinations, heartBeat),
      recovery: undefined,
    }
  }

  #gone(session: Party): void {
    this.#sessions.delete(session as Session)
    if (this.#sessions.size === 0) this.#allGone?.()
  }

  /** Queues get back what the store has kept; no session is connected before that. */
  async #recover(store: Store): Promise<void> {
    try {
      const isOver = (): boolean => this.#closed !== undefined
      await recover(store, {
        routerOf: (host) => this.#routers.get(host),
        get isOver() {
          return isOver()
        },
      })
      this.#context.recovery = undefined
    } catch (error) {
      this.#emitter.failed(error, 'recovery from the store')
      throw new StompError('store-failed', 'the message store could not be read; the operator has been told')
    }
  }
}

function closing(): StompError {
  return new StompError('broker-closing', 'the broker is closing; connect again later')
}
