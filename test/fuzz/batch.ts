/** Many inputs against one broker: what they leave behind, and whether the broker still serves. */

import { type Broker, createBroker, type HostSubscription, type Inbound, type LogFields, StompError } from '@xtomp/core'
import { ManualClock } from '@xtomp/testing'
import { expect } from 'vitest'
import type { Door } from '../support/doors.js'
import { until } from '../support/suite.js'
import { turn } from '../support/variants.js'
import type { Dial } from '../support/wire-client.js'
import { Bystanders } from './bystanders.js'
import { FuzzedClient } from './fuzzed-client.js'
import type { Random } from './random.js'
import { DESTINATIONS } from './talker.js'
import { OnPurpose, UnrulyHost } from './unruly-host.js'

const MOST_AT_ONCE = 5
const MOST_OPEN = 12
const LONG_MS = 70_000

/** Lets so many inputs loose on a broker; answers the codes of all ERRORs. */
export async function runBatch(random: Random, inputs: number, door: Door): Promise<string[]> {
  const batch = new Batch(random, door)
  try {
    return await batch.run(inputs)
  } catch (failure) {
    throw new Error(`${(failure as Error).message}\n${batch.describe()}`, { cause: failure })
  }
}

class Batch {
  readonly #random: Random
  readonly #door: Door
  readonly #clock: ManualClock
  readonly #host: UnrulyHost
  readonly #broker: Broker
  readonly #faults: string[] = []
  readonly #clients: FuzzedClient[] = []
  readonly #subscriptions: HostSubscription[] = []
  readonly #codes: string[] = []

  constructor(random: Random, door: Door) {
    this.#random = random
    this.#door = door
    this.#clock = new ManualClock({ soon: door.name === 'memory' ? 'manual' : 'real' })
    // A socket that is not read, because a queue asks its sender to wait, may not be seen to break before there is room;
    // and what its client has not settled may be all that takes the room up.
    this.#host = new UnrulyHost(random.fork(), { mayHold: door.name === 'memory' })
    const error = ({ err }: LogFields, message: string): void => {
      if (!(err instanceof OnPurpose)) this.#faults.push(`logged: ${message}: ${(err as Error)?.stack}`)
    }
    const logger = { info: () => undefined, warn: () => undefined, error }
    this.#broker = createBroker({ logger, clock: this.#clock, ...this.#host.options })
    for (const event of this.#host.events()) this.#broker.on(event, this.#host.listener())
  }

  /** The options, and what the open clients and those with faults said. */
  describe(): string {
    const { limits, heartBeat, hosts, hooks = {} } = this.#host.options
    const shown = { limits, heartBeat, hosts, hooks: Object.keys(hooks), store: this.#host.store !== undefined }
    const told = this.#clients.filter(({ isClosed, faults }) => !isClosed || faults.length > 0)
    return [JSON.stringify(shown), ...told.map(({ transcript }) => transcript)].join('\n---\n')
  }

  async run(inputs: number): Promise<string[]> {
    const opened = await this.#door.open(guarded(this.#broker, this.#faults))
    const bystanders = await this.#dialBystanders(opened.dial)
    await this.#settle()
    await this.#letLoose(inputs, opened.dial, bystanders)
    this.#host.tame()
    await this.#end(bystanders === undefined ? 0 : 2)
    this.#check(bystanders)
    await this.#exchange(bystanders ?? (await Bystanders.dial(opened.dial)))
    this.#nothingIsLeft()
    await this.#broker.close()
    await opened.close()
    this.#nothingIsLeft()
    return this.#codes
  }

  /** Where memory runs out, even a bystander may be refused: there they come when the others have gone. */
  async #dialBystanders(dial: Dial): Promise<Bystanders | undefined> {
    return this.#host.options.limits?.totalBytes === undefined ? Bystanders.dial(dial) : undefined
  }

  async #letLoose(inputs: number, dial: Dial, bystanders: Bystanders | undefined): Promise<void> {
    let begun = 0
    for (;;) {
      const active = this.#clients.filter(({ isDone }) => !isDone)
      if (active.length === 0 && begun === inputs) return
      if (begun < inputs && active.length < MOST_AT_ONCE && (active.length === 0 || this.#random.chance(0.3))) {
        begun++
        this.#clients.push(await FuzzedClient.dial(dial, this.#random.fork()))
        this.#forget()
      } else this.#random.pick(active).step()
      if (this.#random.chance(0.02)) bystanders?.exchange()
      await this.#somethingHappens()
      if (this.#faults.length > 0 || this.#clients.some(({ faults }) => faults.length > 0)) this.#check(bystanders)
    }
  }

  /** Clients that are gone are no longer of interest; of those that stay, there are only so many. */
  #forget(): void {
    const open = this.#clients.filter(({ isClosed }) => !isClosed)
    for (const client of open.slice(0, Math.max(0, open.length - MOST_OPEN))) client.abort()
    for (const { codes } of this.#clients.filter(({ isClosed }) => isClosed)) this.#codes.push(...codes)
    this.#clients.splice(0, Infinity, ...open)
  }

  async #somethingHappens(): Promise<void> {
    const random = this.#random
    const draw = random.below(200)
    if (draw < 100) await this.#settle()
    else if (draw < 110) await this.#clock.advance(random.size(4_000))
    else if (draw < 130) this.#host.promised.give(random)
    else if (draw < 140) await turn()
    else if (draw < 146) this.#publish()
    else if (draw < 149) this.#subscribe()
    else if (draw < 152) this.#subscriptions.splice(random.below(this.#subscriptions.length + 1), 1)[0]?.unsubscribe()
  }

  #publish(): void {
    const random = this.#random
    const host = random.pick(['', ...(this.#host.options.hosts ?? [])])
    const headers = random.maybe(0.3, () => ({ by: 'host\r\n:', expires: String(this.#clock.epoch() + 200) }))
    const options = headers === undefined ? { host } : { headers, host }
    const body = 'h'.repeat(random.size(800))
    if (random.chance(0.5)) this.#broker.publish(random.pick(DESTINATIONS), body, options)
    else this.#broker.publishConfirmed(random.pick(DESTINATIONS), body, options).catch(mustBeStompError)
  }

  #subscribe(): void {
    const random = this.#random
    const listener = this.#host.listener()
    const options = {
      ack: random.pick(['auto', 'client', 'client-individual'] as const),
      prefetch: 1 + random.below(3),
    }
    try {
      const subscription = this.#broker.subscribe(random.pick(DESTINATIONS), options, (delivery) => {
        const draw = random.below(10)
        if (draw < 6) delivery.ack()
        else if (draw < 8) delivery.nack({ requeue: draw === 6 })
        return listener()
      })
      this.#subscriptions.push(subscription)
    } catch (error) {
      mustBeStompError(error)
    }
  }

  /** All that was asked to be done soon is done, and what was read is answered. */
  async #settle(): Promise<void> {
    if (this.#door.name === 'memory') this.#clock.run()
    else await turn()
  }

  /** All clients go, each in its way, and time passes until nothing is left to wait for. */
  async #end(bystanders: number): Promise<void> {
    for (const client of this.#clients) client.leave()
    await this.#passTime()
    for (const client of this.#clients) client.abort()
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    await this.#passTime()
    await this.#until(() => this.#clients.every(({ isClosed }) => isClosed), 'the end of all connections')
    await this.#until(() => this.#broker.stats().sessions === bystanders, 'the end of all sessions')
    this.#forget()
    for (let rounds = 0; rounds < 3; rounds++) await this.#drain()
  }

  async #passTime(): Promise<void> {
    for (let step = 0; step < 4; step++) {
      await turn()
      this.#host.promised.give()
      await turn()
      await this.#clock.advance(LONG_MS / 4)
    }
  }

  /** What waits in queues whose names are known is taken out; in all others it expires. */
  async #drain(): Promise<void> {
    for (const host of ['', ...(this.#host.options.hosts ?? [])])
      for (const destination of DESTINATIONS) await this.#drainOne(host, destination)
    await this.#passTime()
  }

  async #drainOne(host: string, destination: string): Promise<void> {
    try {
      const subscription = this.#broker.subscribe(destination, { host }, () => undefined)
      await this.#settle()
      await turn()
      await this.#settle()
      subscription.unsubscribe()
    } catch (error) {
      mustBeStompError(error)
    }
  }

  async #exchange(bystanders: Bystanders): Promise<void> {
    await this.#settle()
    bystanders.exchange()
    await this.#until(() => bystanders.isContent, 'the message of the bystanders')
    bystanders.leave()
    await this.#until(() => bystanders.hasLeft, 'the end of the bystanders')
    await this.#settle()
    this.#check(bystanders)
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    for (let turns = 0; turns < 5 && !isTrue(); turns++) {
      await this.#settle()
      await turn()
    }
    if (this.#door.name !== 'memory') await until(isTrue, what)
    else if (!isTrue()) throw new Error(`waited in vain for ${what}`)
  }

  #check(bystanders: Bystanders | undefined): void {
    const faults = [...this.#faults, ...this.#clients.flatMap((client) => client.faults)]
    faults.push(...(bystanders?.faults ?? []), ...(this.#host.store?.faults ?? []))
    expect(faults.join('\n'), 'what went wrong').toBe('')
  }

  #nothingIsLeft(): void {
    const left = Object.entries(this.#broker.stats()).filter(([, count]) => count !== 0)
    expect(`${left}`, 'what the broker still holds').toBe('')
    expect(this.#clock.timers, 'timers still set').toBe(0)
    expect((this.#host.store?.left ?? []).join(' '), 'what the store still keeps').toBe('')
  }
}

function mustBeStompError(error: unknown): void {
  if (!(error instanceof StompError)) throw error
}

/** A broker whose sessions may be told anything, and must not throw for it. */
function guarded(broker: Broker, faults: string[]): Broker {
  const accept: Broker['accept'] = (connection) => guardedInbound(broker.accept(connection), faults)
  return new Proxy(broker, {
    get: (_, key) => {
      if (key === 'accept') return accept
      const value: unknown = Reflect.get(broker, key, broker)
      return typeof value === 'function' ? value.bind(broker) : value
    },
  })
}

function guardedInbound(inbound: Inbound, faults: string[]): Inbound {
  const guard = (name: string, call: () => void): void => {
    try {
      call()
    } catch (error) {
      faults.push(`${name} threw ${(error as Error).stack}`)
    }
  }
  return {
    receive: (octets) => guard('receive', () => inbound.receive(octets)),
    drained: () => guard('drained', () => inbound.drained()),
    ended: () => guard('ended', () => inbound.ended()),
    refuse: (error) => guard('refuse', () => inbound.refuse(error)),
    closed: (cause) => guard('closed', () => inbound.closed(cause)),
  }
}
