/** What happens while a worker takes less than the others send: producers wait, and memory does not grow. */

import type { Broker } from '@xtomp/core'
import type { Link } from '../link/link.js'
import { patience } from './patience.js'

/** Beyond so many octets for one worker no worker is read, until it has half of them. */
const MOST_UNSENT = 16 * 1024 * 1024

/** A worker's link, as far as its octets are concerned. */
export interface Pressed {
  readonly link: Pick<Link, 'unsentBytes' | 'pause' | 'resume' | 'destroy'>
}

/** Reads all links, or none. */
export class Pressure {
  readonly #broker: Pick<Broker, 'clock' | 'logger'>
  readonly #links = new Set<Pressed>()
  #stopWaiting: (() => void) | undefined

  constructor(broker: Pick<Broker, 'clock' | 'logger'>) {
    this.#broker = broker
  }

  /** Counts a link in. */
  add(link: Pressed): void {
    this.#links.add(link)
    if (this.#stopWaiting !== undefined) link.link.pause()
  }

  /** Counts it out. */
  remove(link: Pressed): void {
    this.#links.delete(link)
    this.eased()
  }

  /** A link has more to send. */
  pressed({ link }: Pressed): void {
    if (link.unsentBytes <= MOST_UNSENT || this.#stopWaiting !== undefined) return
    for (const each of this.#links) each.link.pause()
    this.#stopWaiting = patience(
      this.#broker.clock,
      () => true,
      () => this.#cut(),
    )
  }

  /** A link has less to send. */
  eased(): void {
    if (this.#stopWaiting === undefined || this.#full.length > 0) return
    this.#stopWaiting()
    this.#stopWaiting = undefined
    for (const { link } of this.#links) link.resume()
  }

  get #full(): Pressed[] {
    return [...this.#links].filter(({ link }) => link.unsentBytes > MOST_UNSENT / 2)
  }

  #cut(): void {
    const { logger } = this.#broker
    for (const { link } of this.#full) {
      logger.error({ unsentBytes: link.unsentBytes }, 'a worker takes nothing any more; it is cut')
      link.destroy()
    }
  }
}
