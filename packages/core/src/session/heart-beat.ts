/** Heart-beats: what is agreed on, when one is due, and when silence is too long. */

import type { Clock } from '../clock.js'
import type { HeartBeatOffer } from '../command/command.js'
import { Alarm, type Wheel } from '../wheel.js'

/** What the broker offers and wants in beats (STOMP 1.2, Heart-beating). */
export interface HeartBeatOptions {
  /** How often the broker can send one, in milliseconds; 0 for never. @defaultValue 10,000 */
  readonly outgoingMs: number
  /** How often the broker wants one, in milliseconds; 0 for never. @defaultValue 10,000 */
  readonly incomingMs: number
  /** No interval is agreed below this, in milliseconds. @defaultValue 1,000 */
  readonly leastMs: number
  /** How many intervals of silence end a session. @defaultValue 2 */
  readonly graceFactor: number
}

/** What both sides agreed on, in milliseconds; 0 for never. */
export interface Beats {
  /** How often the broker sends at least. */
  readonly sendMs: number
  /** How often the client sends at least. */
  readonly expectMs: number
}

/** Each direction beats as slowly as either side wants, and not at all where one does not want it (STOMP 1.2, Heart-beating). */
export function agreeOnBeats(client: HeartBeatOffer, { outgoingMs, incomingMs, leastMs }: HeartBeatOptions): Beats {
  const agree = (can: number, want: number): number => (can === 0 || want === 0 ? 0 : Math.max(can, want, leastMs))
  return { sendMs: agree(outgoingMs, client.wantMs), expectMs: agree(client.sendMs, incomingMs) }
}

/** What the broker says of itself in CONNECTED. */
export function offerOf({ outgoingMs, incomingMs, leastMs }: HeartBeatOptions): HeartBeatOffer {
  const least = (ms: number): number => (ms === 0 ? 0 : Math.max(ms, leastMs))
  return { sendMs: least(outgoingMs), wantMs: least(incomingMs) }
}

/** What a session does when a beat is due or missing. */
export interface Beating {
  /** Sends a beat, unless data wait that will do. */
  beat(): void
  /** The client has been silent for too long. */
  missed(silentMs: number): void
}

/** The wheel is coarse: a beat is sent that much before it is due. */
const EARLY_MS = 200

/** So many are shared: what clients ask for is nearly always the same. */
const MOST_SHARED = 64

/** What beats are like, for all sessions that have agreed on the same. */
interface Rhythm extends Beats {
  /** How long a client may be silent, in milliseconds. */
  readonly patienceMs: number
  readonly wheel: Wheel
  readonly clock: Clock
}

/** The beats of a broker's sessions: each is one small object, and what is the same for many stands in one place. */
export class Rhythms {
  readonly #time: { readonly wheel: Wheel; readonly clock: Clock }
  readonly #graceFactor: number
  readonly #shared = new Map<string, Rhythm>()

  constructor(time: { readonly wheel: Wheel; readonly clock: Clock }, { graceFactor }: HeartBeatOptions) {
    this.#time = time
    this.#graceFactor = graceFactor
  }

  /** Begins to beat for a session; not at all where neither side wants it. */
  begin(session: Beating, beats: Beats): HeartBeat | undefined {
    return beats.sendMs > 0 || beats.expectMs > 0 ? new HeartBeat(session, this.#of(beats)) : undefined
  }

  #of({ sendMs, expectMs }: Beats): Rhythm {
    const key = `${sendMs},${expectMs}`
    const known = this.#shared.get(key)
    if (known !== undefined) return known
    const { wheel, clock } = this.#time
    const made = { sendMs, expectMs, patienceMs: expectMs * this.#graceFactor, wheel, clock }
    if (this.#shared.size < MOST_SHARED) this.#shared.set(key, made)
    return made
  }
}

/** The beats of one session, on one alarm. */
export class HeartBeat extends Alarm {
  readonly #session: Beating
  readonly #rhythm: Rhythm
  /** When the client was last heard, and when it was last sent anything; in the wheel's time. */
  heardAt: number
  spokeAt: number
  /** Time in which the client is not read does not count as its silence. */
  isDeaf = false
  #isStopped = false

  constructor(session: Beating, rhythm: Rhythm) {
    super()
    this.#session = session
    this.#rhythm = rhythm
    const { wheel } = rhythm
    wheel.set(this, 1)
    this.heardAt = wheel.now
    this.spokeAt = wheel.now
    this.#plan()
  }

  ring(): void {
    const { wheel, clock, sendMs } = this.#rhythm
    const { now } = wheel
    if (this.isDeaf) this.heardAt = now
    if (this.#isSilent) {
      // The beat may lie in a socket that was not read yet: a loop that was held up must not blame its clients.
      clock.soon(() => this.#judge())
      return
    }
    if (sendMs > 0 && now - this.spokeAt >= sendMs - EARLY_MS) {
      this.spokeAt = now
      this.#session.beat()
    }
    this.#plan()
  }

  /** Ends the beats. */
  stop(): void {
    this.#rhythm.wheel.clear(this)
    this.#isStopped = true
  }

  get #silentMs(): number {
    return this.#rhythm.wheel.now - this.heardAt
  }

  get #isSilent(): boolean {
    return this.#rhythm.expectMs > 0 && this.#silentMs >= this.#rhythm.patienceMs
  }

  #judge(): void {
    if (this.#isStopped) return
    if (this.#isSilent) this.#session.missed(this.#silentMs)
    else this.#plan()
  }

  #plan(): void {
    const { wheel, sendMs, expectMs, patienceMs } = this.#rhythm
    const untilBeat = sendMs > 0 ? this.spokeAt + sendMs - EARLY_MS : Number.POSITIVE_INFINITY
    const untilMissed = expectMs > 0 ? this.heardAt + patienceMs : Number.POSITIVE_INFINITY
    wheel.set(this, Math.min(untilBeat, untilMissed) - wheel.now)
  }
}
