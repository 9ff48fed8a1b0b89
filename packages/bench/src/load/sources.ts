/** Where connections come from: addresses of this machine, and the ports of each in turn. */

/** A share of them, that no other process of a run has. */
export interface Sources {
  /** Addresses from this one on, counted from 127.0.0.1. */
  readonly first: number
  readonly addresses: number
  /** The lowest and the highest port. */
  readonly ports: readonly [lowest: number, highest: number]
  /** How many ports are left out before the first: where processes have to share their addresses. */
  readonly skipped: number
}

/** One place to come from. */
export interface Source {
  readonly localAddress: string
  readonly localPort: number
}

/** Addresses of a block of 256 that are used. */
const USED = 250

/**
 * Names each port itself: a system that is to find a free one for an address looks through all that are taken, which is
 * most of the time from some ten thousand on.
 */
export class SourcePicker {
  readonly #sources: Sources
  #next = 0

  constructor(sources: Sources) {
    this.#sources = sources
  }

  /** The next one: a port comes again when all others had their turn. */
  next(): Source {
    const { first, addresses, ports, skipped } = this.#sources
    const [lowest, highest] = ports
    const number = this.#next++
    const address = first + (number % addresses)
    const port = (skipped + Math.floor(number / addresses)) % (highest - lowest + 1)
    return {
      localAddress: `127.0.${Math.floor(address / USED)}.${(address % USED) + 1}`,
      localPort: lowest + port,
    }
  }
}
