/** The subscriptions, with how much came and what waits to be acknowledged. */

import { button, element } from './element.js'

/** Draws a line for each subscription. */
export class SubscriptionList {
  #list
  #session
  #deliveries
  #lines = new Map()

  constructor(list, session, deliveries) {
    this.#list = list
    this.#session = session
    this.#deliveries = deliveries
  }

  /** Where they lead, in their order. */
  get destinations() {
    return [...this.#lines.values()].map(({ destination }) => destination)
  }

  add(destination, ack) {
    const id = this.#session.subscribe(destination, ack)
    const facts = element('span', { class: 'hint' })
    const all = button('Ack all', { class: 'quiet', 'aria-label': `Acknowledge all of ${destination}` }, () =>
      this.#deliveries.acknowledgeAll(id),
    )
    const label = `Unsubscribe from ${destination}`
    const end = button('✕', { class: 'quiet', title: 'Unsubscribe', 'aria-label': label }, () => {
      this.#session.unsubscribe(id)
      this.drop(id)
    })
    const row = element('li', {}, element('span', { class: 'mono' }, destination), facts, all, end)
    this.#lines.set(id, { destination, ack, count: 0, facts, all, row })
    this.#list.append(row)
    this.draw()
  }

  drop(id) {
    this.#lines.get(id)?.row.remove()
    this.#lines.delete(id)
  }

  /** A message came; answers the ack mode, where there is such a subscription. */
  count(id) {
    const line = this.#lines.get(id)
    if (line !== undefined) line.count++
    return line?.ack
  }

  draw() {
    for (const [id, { ack, count, facts, all }] of this.#lines) {
      const waiting = this.#deliveries.countOf(id)
      all.hidden = waiting === 0
      const text = waiting > 0 ? `${waiting} of ${count} wait` : `${ack === 'auto' ? '' : `${ack}, `}${count}`
      if (facts.textContent !== text) facts.textContent = text
    }
  }
}
