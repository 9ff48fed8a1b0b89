/** Heart-beats: what is agreed on, when one is due, and when silence is too long. */

import type { Clock } from '../clock.js'
import type { HeartBeatOffer } from '../command/command.js'
import { Alarm, type Wheel } from '../wheel.js'
import type { HeartBeatOptions } from './context.js'

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

/** What tells the time. */
export interface Time {
  readonly wheel: Wheel
  readonly clock: Clock
}

/** The wheel is coarse: a beat is sent that much before it is due. */
const EARLY_MS = 200

/** The beats of one session, on one alarm; there is none for a session without beats. */
export class HeartBeat extends Alarm {
  readonly #session: Beating
  readonly #wheel: Wheel
  readonly #clock: Clock
  readonly #beats: Beats
  readonly #patienceMs: number
  /** When the client was last heard, and when it was last sent anything; in the wheel's time. */
  heardAt: number
  spokeAt: number
  /** Time in which the client is not read does not count as its silence. */
  isDeaf = false
  #isStopped = false

  constructor(session: Beating, { wheel, clock }: Time, { beats, graceFactor }: { beats: Beats; graceFactor: number }) {
    super()
    this.#session = session
    this.#wheel = wheel
    this.#clock = clock
    this.#beats = beats
    this.#patienceMs = beats.expectMs * graceFactor
    wheel.set(this, 1)
    this.heardAt = wheel.now
    this.spokeAt = wheel.now
    this.#plan()
  }

  ring(): void {
    const { now } = this.#wheel
    const { sendMs } = this.#beats
    if (this.isDeaf) this.heardAt = now
    if (this.#isSilent) {
      // The beat may lie in a socket that was not read yet: a loop that was held up must not blame its clients.
      this.#clock.soon(() => this.#judge())
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
    this.#wheel.clear(this)
    this.#isStopped = true
  }

  get #isSilent(): boolean {
    return this.#beats.expectMs > 0 && this.#wheel.now - this.heardAt >= this.#patienceMs
  }

  #judge(): void {
    if (this.#isStopped) return
    if (this.#isSilent) this.#session.missed(this.#wheel.now - this.heardAt)
    else this.#plan()
  }

  #plan(): void {
    const { sendMs, expectMs } = this.#beats
    const untilBeat = sendMs > 0 ? this.spokeAt + sendMs - EARLY_MS : Number.POSITIVE_INFINITY
    const untilMissed = expectMs > 0 ? this.heardAt + this.#patienceMs : Number.POSITIVE_INFINITY
    this.#wheel.set(this, Math.min(untilBeat, untilMissed) - this.#wheel.now)
  }
}
