/** Where every message is, as a broker in this process tells it, held against what producers and consumers have seen. */

import type { Broker, Message } from '@xtomp/core'
import type { Left } from './client-ledger.js'
import type { Client, ClientNotes, Seen } from './client-notes.js'
import { AUTO, DEAD_LETTERS, isWhole, QUEUES, queueFor, senderOf } from './load.js'

interface Made {
  readonly entry: Entry
  readonly isFirst: boolean
}

/** One message, from the first that the broker says of it. */
interface Entry {
  readonly id: string
  /** Its place in the order in which messages were accepted; 0 until it is. */
  order: number
  sender: { readonly producer: string; readonly number: number } | undefined
  queue: string
  deliveries: number
  /** It came out of a store: how often it was delivered before, nobody knows. */
  isRecovered: boolean
  holder: string | undefined
  /** Who had it when his session ended: his ACK may be on its way into a store, and is told once it is there. */
  lastHolder: string | undefined
  acknowledged: number
  deadLettered: number
}

/** Notes what the broker does, finds fault with it at once where it can, and adds everything up at the end. */
export class BrokerLedger {
  /** What is wrong, each a sentence. */
  readonly faults: string[] = []
  readonly #entries = new Map<string, Entry>()
  /** By client and subscription: what the broker delivered, in order. */
  readonly #made = new Map<string, Made[]>()
  /** Delivered although somebody has it: only his NACK or his end, told in the same turn, explains that. */
  readonly #suspects = new Map<Entry, string>()
  /** By queue: what was delivered, came back, and waits to be delivered again. */
  readonly #returned = new Map<string, Set<Entry>>(QUEUES.map(({ queue }) => [queue, new Set()]))
  readonly #isStored: boolean
  /** Whose session is over. */
  readonly #gone = new Set<string>()
  #accepted = 0
  /** SENDs that a producer had begun when it was killed, and that were not accepted. */
  #unsent = 0

  /** With a store, what is given up has left its queue before anybody tells of it: then it is not known what waits. */
  constructor({ isStored }: { readonly isStored: boolean }) {
    this.#isStored = isStored
  }

  /** The hook `deliver`: every delivery passes here before it is written. */
  delivered({ id }: Message, session: string, subscription: string): void {
    const entry = this.#entry(id)
    const { holder } = entry
    if (holder !== undefined && !this.#gone.has(holder)) this.#suspect(entry, holder)
    if (entry.acknowledged + entry.deadLettered > 0) this.faults.push(`${id} was delivered after its end`)
    const key = `${session} ${subscription}`
    const made = this.#made.get(key)
    const delivery = { entry, isFirst: entry.deliveries === 0 && !entry.isRecovered }
    const returned = this.#returned.get(queueOf(subscription))
    returned?.delete(entry)
    const before = delivery.isFirst ? returned?.values().next().value : undefined
    if (before !== undefined) this.faults.push(`${id} was delivered while ${before.id} waited, which had come back`)
    if (made === undefined) this.#made.set(key, [delivery])
    else made.push(delivery)
    entry.deliveries++
    entry.holder = isAuto(subscription) ? undefined : session
  }

  /** Listens to a broker. */
  listen(broker: Broker<{ readonly name: string }>): void {
    broker.on('send', ({ message }) => this.#sent(message))
    broker.on('acknowledge', ({ session, message }) => {
      if (session !== undefined) this.#acknowledged(message, session.user.name)
    })
    broker.on('nack', ({ session, message }) => {
      if (session !== undefined) this.#refused(message, session.user.name)
    })
    broker.on('disconnect', ({ session: { user } }) => {
      this.#gone.add(user.name)
      for (const entry of this.#entries.values()) if (entry.holder === user.name) this.#cameBack(entry)
    })
    broker.on('dead-letter', ({ message, movedTo }) => {
      const entry = this.#entry(message.id)
      if (movedTo !== DEAD_LETTERS) this.faults.push(`${message.id} was given up and went to ${movedTo}`)
      entry.deadLettered++
      entry.holder = undefined
      this.#returned.get(message.destination)?.delete(entry)
    })
  }

  /** The broker was closed: whatever is delivered next comes out of its store. */
  restarted(): void {
    for (const entry of this.#entries.values()) {
      entry.isRecovered = true
      entry.holder = undefined
    }
  }

  /** Adds up, with what the clients wrote down, and with what is left in each queue. */
  balance({ clients }: ClientNotes, left: ReadonlyMap<string, readonly Left[]>): void {
    this.#checkProducers(clients.values())
    for (const client of clients.values()) if (client.role === 'consumer') this.#checkConsumer(client)
    const places = new Map<string, string[]>()
    for (const [queue, deliveries] of left) {
      for (const { id, text, redelivered } of deliveries) {
        const entry = this.#entry(id)
        places.set(id, [...(places.get(id) ?? []), queue])
        if (!isWhole(text)) this.faults.push(`${id} in ${queue} is not as it was sent`)
        if (queue !== DEAD_LETTERS) {
          if (queue !== entry.queue) this.faults.push(`${id} was sent to ${entry.queue} and is in ${queue}`)
          if (redelivered !== (entry.deliveries > 0 || entry.isRecovered))
            this.faults.push(`${id} was delivered ${entry.deliveries} times and says redelivered:${redelivered}`)
        }
      }
    }
    for (const entry of this.#entries.values()) this.#checkPlace(entry, places.get(entry.id) ?? [])
  }

  /** How many messages were accepted, begun in vain, acknowledged, given up, and delivered more than once. */
  get counts() {
    const entries = [...this.#entries.values()]
    return {
      accepted: this.#accepted,
      unsent: this.#unsent,
      acknowledged: entries.filter(({ acknowledged }) => acknowledged > 0).length,
      deadLettered: entries.filter(({ deadLettered }) => deadLettered > 0).length,
      redelivered: entries.filter(({ deliveries }) => deliveries > 1).length,
    }
  }

  #entry(id: string): Entry {
    let entry = this.#entries.get(id)
    if (entry === undefined) {
      entry = {
        ...{ id, order: 0, sender: undefined, queue: '', deliveries: 0, isRecovered: false },
        ...{ holder: undefined, lastHolder: undefined, acknowledged: 0, deadLettered: 0 },
      }
      this.#entries.set(id, entry)
    }
    return entry
  }

  #sent(message: Message): void {
    const entry = this.#entry(message.id)
    const text = message.text()
    if (entry.order > 0) this.faults.push(`${message.id} was accepted twice`)
    if (!isWhole(text)) this.faults.push(`half a SEND was accepted: ${text.slice(0, 100)}`)
    entry.order = ++this.#accepted
    entry.sender = senderOf(text)
    entry.queue = message.destination
    if (queueFor(entry.sender.number) !== message.destination) this.faults.push(`${message.id} went astray`)
  }

  #acknowledged({ id }: Message, session: string): void {
    const entry = this.#entry(id)
    const isStoredLate = this.#isStored && entry.holder === undefined && entry.lastHolder === session
    if (entry.holder !== session && !isStoredLate)
      this.faults.push(`${session} acknowledged ${id}, which ${entry.holder} had`)
    entry.holder = undefined
    entry.acknowledged++
  }

  #refused({ id }: Message, session: string): void {
    const entry = this.#entry(id)
    if (this.#suspects.get(entry) === session) this.#suspects.delete(entry)
    else if (entry.holder === session) this.#cameBack(entry)
    else if (entry.deadLettered === 0) this.faults.push(`${session} refused ${id}, which ${entry.holder} had`)
  }

  #cameBack(entry: Entry): void {
    entry.lastHolder = entry.holder
    entry.holder = undefined
    if (!this.#isStored) this.#returned.get(entry.queue)?.add(entry)
  }

  #suspect(entry: Entry, holder: string): void {
    if (this.#suspects.size === 0) setImmediate(() => this.#endTurn())
    this.#suspects.set(entry, holder)
  }

  #endTurn(): void {
    for (const [{ id, holder }, first] of this.#suspects)
      if (!this.#gone.has(first))
        this.faults.push(`${id} was delivered to ${holder} while ${first} had it, who was there`)
    this.#suspects.clear()
  }

  /** What a producer sent was accepted from the first on without a gap, and whatever was receipted is among that. */
  #checkProducers(clients: Iterable<Client>): void {
    const accepted = new Map<string, number>()
    for (const { sender, order } of [...this.#entries.values()].sort((one, other) => one.order - other.order)) {
      if (sender === undefined) {
        if (order > 0) this.faults.push(`number ${order} has no sender`)
        continue
      }
      const next = (accepted.get(sender.producer) ?? 0) + 1
      if (sender.number !== next)
        this.faults.push(`of ${sender.producer}, ${sender.number} was accepted where ${next} was due`)
      accepted.set(sender.producer, sender.number)
    }
    for (const { name, receipts, begun } of clients) {
      this.#unsent += Math.max(0, begun - (accepted.get(name) ?? 0))
      if (receipts > (accepted.get(name) ?? 0))
        this.faults.push(`${name} got ${receipts} receipts, and ${accepted.get(name)} messages were accepted`)
    }
  }

  /** A consumer saw what the broker delivered, in that order: all of it, or up to where it was killed. */
  #checkConsumer({ name, child, subscriptions }: Client): void {
    for (const at of QUEUES.keys()) {
      const subscription = String(at)
      const made = this.#made.get(`${name} ${subscription}`) ?? []
      const list = subscriptions.get(subscription)?.all ?? []
      if (list.length > made.length || (!child.isKilled && list.length < made.length))
        this.faults.push(`${name} saw ${list.length} of ${made.length} deliveries from queue ${subscription}`)
      this.#checkSeen(name, list, made)
    }
  }

  #checkSeen(name: string, seen: readonly Seen[], made: readonly Made[]): void {
    let last = 0
    for (const [at, { id, redelivered, isWhole }] of seen.entries()) {
      const delivery = made[at]
      if (delivery === undefined) return
      const { entry, isFirst } = delivery
      if (id !== entry.id) this.faults.push(`${name} saw ${id} where ${entry.id} was delivered`)
      if (!isWhole) this.faults.push(`${name} saw ${id}, and not as it was sent`)
      if (redelivered === isFirst) this.faults.push(`${name} saw ${id} with redelivered:${redelivered}`)
      if (redelivered) continue
      if (entry.order < last) this.faults.push(`${name} saw ${id} out of order`)
      last = entry.order
    }
  }

  /** A message that was accepted is in one place: acknowledged, in its queue, or given up; with auto, delivered or in its queue. */
  #checkPlace(entry: Entry, places: readonly string[]): void {
    const { id, order, queue, acknowledged, deadLettered, deliveries } = entry
    if (order === 0) this.faults.push(`${id} was delivered and never accepted`)
    const inQueue = places.filter((place) => place === queue).length
    const inDeadLetters = places.length - inQueue
    const isDone = queue === AUTO ? deliveries : acknowledged
    if (isDone + inQueue + inDeadLetters === 1 && inDeadLetters === deadLettered) return
    this.faults.push(
      `${id} of ${queue}: done ${isDone} times, given up ${deadLettered} times, found in ${places.join(', ') || 'no queue'}`,
    )
  }
}

function queueOf(subscription: string): string {
  return QUEUES[Number(subscription)]?.queue ?? ''
}

function isAuto(subscription: string): boolean {
  return QUEUES[Number(subscription)]?.ack === 'auto'
}
