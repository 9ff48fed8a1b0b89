/** What a session was given and has not settled, found by the id that its ACK will name. */

import type { Counts } from '../destination/context.js'
import type { Delivery, Origin } from '../destination/delivery.js'

/** Deliveries of one origin, in the order in which they were handed over. */
export interface DeliveryGroup {
  readonly origin: Origin
  readonly deliveries: readonly Delivery[]
}

/**
 * Unsettled deliveries by their key: in 1.2 the number in the MESSAGE's `ack` header, before that the message's id,
 * which several subscriptions of a session may have at the same time.
 */
export class Unacknowledged {
  readonly #byKey = new Map<number | string, Delivery>()
  readonly #keyOf: (delivery: Delivery) => number | string
  readonly #counts: Counts
  /** How many there are. */
  size = 0

  /** `isNumbered` where ACK names the delivery's number: in STOMP 1.2. */
  constructor(isNumbered: boolean, counts: Counts) {
    this.#counts = counts
    this.#keyOf = isNumbered ? ({ number }) => number : ({ message }) => message.id
  }

  /** Adds one; its subscription has it in its own list already. */
  add(delivery: Delivery): void {
    const key = this.#keyOf(delivery)
    const twin = this.#byKey.get(key)
    if (twin === undefined) this.#byKey.set(key, delivery)
    else lastTwin(twin).twin = delivery
    this.size++
    this.#counts.unacknowledged++
  }

  /** The oldest delivery with that key, of that subscription where one is named; undefined where there is none. */
  find(key: number | string, subscription?: string): Delivery | undefined {
    let found = this.#byKey.get(key)
    while (found !== undefined && subscription !== undefined && found.holder?.id !== subscription) found = found.twin
    return found
  }

  /** Whether a delivery is still to be settled. */
  has(delivery: Delivery): boolean {
    let found = this.#byKey.get(this.#keyOf(delivery))
    while (found !== undefined && found !== delivery) found = found.twin
    return found !== undefined
  }

  /** The delivery, and all before it in its subscription. */
  upTo(delivery: Delivery): Delivery[] {
    const covered: Delivery[] = []
    for (const other of delivery.holder?.unacknowledged ?? []) {
      covered.push(other)
      if (other === delivery) break
    }
    return covered
  }

  /** Takes one out, of its subscription's list too. */
  remove(delivery: Delivery): void {
    const key = this.#keyOf(delivery)
    const first = this.#byKey.get(key)
    if (first === undefined) return
    if (first === delivery) {
      if (delivery.twin === undefined) this.#byKey.delete(key)
      else this.#byKey.set(key, delivery.twin)
    } else {
      let before = first
      while (before.twin !== undefined && before.twin !== delivery) before = before.twin
      before.twin = delivery.twin
    }
    delivery.twin = undefined
    delivery.holder?.forget(delivery)
    this.size--
    this.#counts.unacknowledged--
  }

  /** Takes all out, by where they come from, in the order in which they were handed over. */
  removeAll(): DeliveryGroup[] {
    const all: Delivery[] = []
    for (const first of this.#byKey.values())
      for (let delivery: Delivery | undefined = first; delivery !== undefined; delivery = delivery.twin)
        all.push(delivery)
    for (const delivery of all) this.remove(delivery)
    return byOrigin(all.sort((one, other) => one.number - other.number))
  }
}

function lastTwin(delivery: Delivery): Delivery {
  let last = delivery
  while (last.twin !== undefined) last = last.twin
  return last
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

/** Deliveries by where they come from, each group in the order given. */
export function byOrigin(deliveries: readonly Delivery[]): DeliveryGroup[] {
  const origin = deliveries[0]?.origin
  if (origin !== undefined && deliveries.every((delivery) => delivery.origin === origin))
    return [{ origin, deliveries }]
  const groups = new Map<Origin, Delivery[]>()
  for (const delivery of deliveries) getOrMake(groups, delivery.origin, () => []).push(delivery)
  return [...groups].map(([origin, group]) => ({ origin, deliveries: group }))
}
