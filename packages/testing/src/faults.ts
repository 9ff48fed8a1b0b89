/** What goes wrong, on purpose: each fault is a verb, holds until it is taken back, and is for one connection or for all. */

import type { ServerCommand } from '@xtomp/core/codec'

/** A fault that holds. */
export interface Fault {
  /** Takes it back. What it held up goes on its way; what it swallowed is gone. */
  end(): void
  /** Is {@link Fault.end}: `using fault = broker.faults.delay(100)`. */
  [Symbol.dispose](): void
}

/** What a frame is answered with by {@link Faults.answerNext}. */
export interface FaultyAnswer {
  /** Which command is answered so; others pass until it comes. @defaultValue whatever comes next */
  readonly to?: string
  /** The `code` header. @defaultValue 'internal-error' */
  readonly code?: string
  /** The `message` header. @defaultValue 'a fault, on purpose' */
  readonly message?: string
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>
  /** The body. */
  readonly body?: string
}

/** Which frames are swallowed. */
export interface SwallowOptions {
  /** How many, then the fault is over. @defaultValue all */
  readonly times?: number
}

/** The faults of one connection, or of all that there are and will be. */
export interface Faults {
  /** Cuts the connection now, without a word: a WebSocket closes with 1006, a socket with ECONNRESET. */
  drop(): void
  /**
   * The broker's side ends, now and for good: a socket gets its `end`, a WebSocket is `CLOSING` and stays so, and nothing
   * that the client sends is answered any more. {@link Faults.drop} ends that.
   */
  halfClose(): void
  /** Frames of this command do not reach the client: a CONNECTED, a RECEIPT that never comes. */
  swallow(command: ServerCommand, options?: SwallowOptions): Fault
  /** What the broker sends arrives so much later, by the broker's clock, in its order. */
  delay(ms: number): Fault
  /** What the broker sends arrives in pieces of that many octets: over a WebSocket each is a message. */
  split(octets: number): Fault
  /** What the broker sends waits until there are so many frames, which arrive in one piece: one message over a WebSocket. */
  merge(frames: number): Fault
  /** The broker's heart-beats do not reach the client. */
  missHeartBeats(): Fault
  /** The next frame of a client is not acted on but answered with an ERROR, and the connection is closed. Once. */
  answerNext(answer?: FaultyAnswer): Fault
  /** Takes all of these back, those for one connection only with its own `clear`. */
  clear(): void
}

/** The faults of all connections, those to come included. */
export interface BrokerFaults extends Faults {
  /** Who connects is turned away before a word: a WebSocket closes with 1006, a socket fails with ECONNREFUSED. */
  refuse(): Fault
}

/** A fault, as those who have to heed it see it. */
export type ActiveFault =
  | { readonly kind: 'swallow'; readonly command: ServerCommand; left: number }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'split'; readonly octets: number }
  | { readonly kind: 'merge'; readonly frames: number }
  | { readonly kind: 'miss-heart-beats' }
  | { readonly kind: 'answer-next'; readonly answer: FaultyAnswer }
  | { readonly kind: 'refuse' }

/** A connection that faults can strike. */
export interface Stricken {
  drop(): void
  halfClose(): void
  /** Faults have come or gone. */
  faultsChanged(): void
}

/** The faults of the connections that `stricken` lists; `wider` are those of more connections, which hold as well. */
export class FaultList implements BrokerFaults {
  readonly #faults: ActiveFault[] = []
  readonly #stricken: () => Iterable<Stricken>
  readonly #wider: FaultList | undefined

  constructor(stricken: () => Iterable<Stricken>, wider?: FaultList) {
    this.#stricken = stricken
    this.#wider = wider
  }

  drop(): void {
    for (const connection of [...this.#stricken()]) connection.drop()
  }

  halfClose(): void {
    for (const connection of [...this.#stricken()]) connection.halfClose()
  }

  swallow(command: ServerCommand, { times = Number.POSITIVE_INFINITY }: SwallowOptions = {}): Fault {
    return this.#begin({ kind: 'swallow', command, left: atLeastOne('times', times) })
  }

  delay(ms: number): Fault {
    return this.#begin({ kind: 'delay', ms: atLeastOne('ms', ms) })
  }

  split(octets: number): Fault {
    return this.#begin({ kind: 'split', octets: atLeastOne('octets', octets) })
  }

  merge(frames: number): Fault {
    return this.#begin({ kind: 'merge', frames: atLeastOne('frames', frames) })
  }

  missHeartBeats(): Fault {
    return this.#begin({ kind: 'miss-heart-beats' })
  }

  answerNext(answer: FaultyAnswer = {}): Fault {
    return this.#begin({ kind: 'answer-next', answer })
  }

  refuse(): Fault {
    return this.#begin({ kind: 'refuse' })
  }

  clear(): void {
    this.#faults.length = 0
    this.#tell()
  }

  /** The fault of this kind that holds, the connection's own first, then the latest. */
  find<Kind extends ActiveFault['kind']>(
    kind: Kind,
    concerns: (fault: Extract<ActiveFault, { kind: Kind }>) => boolean = () => true,
  ): Extract<ActiveFault, { kind: Kind }> | undefined {
    const isIt = (fault: ActiveFault): fault is Extract<ActiveFault, { kind: Kind }> =>
      fault.kind === kind && concerns(fault as Extract<ActiveFault, { kind: Kind }>)
    return this.#faults.findLast(isIt) ?? this.#wider?.find(kind, concerns)
  }

  /** Ends a fault that has done what it was for. */
  spend(fault: ActiveFault): void {
    const at = this.#faults.indexOf(fault)
    if (at >= 0) this.#faults.splice(at, 1)
    else this.#wider?.spend(fault)
  }

  #begin(fault: ActiveFault): Fault {
    this.#faults.push(fault)
    this.#tell()
    const end = (): void => {
      this.spend(fault)
      this.#tell()
    }
    return { end, [Symbol.dispose]: end }
  }

  #tell(): void {
    for (const connection of [...this.#stricken()]) connection.faultsChanged()
  }
}

function atLeastOne(name: string, given: number): number {
  if (!(typeof given === 'number' && given >= 1))
    throw new TypeError(`${name} must be a number, 1 or more; given ${String(given)}`)
  return given
}
