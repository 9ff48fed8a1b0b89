/** Deliveries that wait to be acknowledged, by subscription and in order. */
export class Deliveries {
  #session
  /** @type {Map<string, Map<string, { mode: string, tell(word: string): void }>>} */
  #waiting = new Map()

  constructor(session) {
    this.#session = session
  }

  /** `tell` hears in one word how it ended. */
  add(subscription, ackId, mode, tell) {
    const waiting = this.#waiting.get(subscription) ?? new Map()
    this.#waiting.set(subscription, waiting.set(ackId, { mode, tell }))
  }

  /** How many wait. */
  countOf(subscription) {
    return this.#waiting.get(subscription)?.size ?? 0
  }

  /** @param {'ack' | 'nack'} verb */
  settle(verb, subscription, ackId) {
    const waiting = this.#waiting.get(subscription)
    const delivery = waiting?.get(ackId)
    if (delivery === undefined || !this.#session.isOpen) return
    this.#session.settle(verb, ackId, subscription)
    // In client mode with all that came before it.
    const settled = delivery.mode === 'client' ? [...waiting.keys()] : [ackId]
    for (const id of settled) {
      this.#end(waiting, id, verb === 'ack' ? 'acknowledged' : 'not acknowledged')
      if (id === ackId) break
    }
  }

  /** Acknowledges all that wait. */
  acknowledgeAll(subscription) {
    const waiting = this.#waiting.get(subscription) ?? new Map()
    const ids = [...waiting.keys()]
    // The last one speaks for all, where its mode is client.
    const spoken = waiting.get(ids.at(-1))?.mode === 'client' ? ids.slice(-1) : ids
    for (const id of spoken) this.settle('ack', subscription, id)
  }

  /** The session is lost: the broker gives them to others, or once more. */
  lose() {
    for (const waiting of this.#waiting.values()) for (const id of [...waiting.keys()]) this.#end(waiting, id, 'lost')
    this.#waiting.clear()
  }

  #end(waiting, id, word) {
    waiting.get(id).tell(word)
    waiting.delete(id)
  }
}
