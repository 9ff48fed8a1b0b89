/** What one process does in a run, but for what makes one workload different from another. */

import { Crowd } from '../load/crowd.js'
import type { Plan, Telling } from '../load/plan.js'
import type { Recorder } from '../load/recorder.js'
import { type Fault, Session, type SessionEvents, type Shared } from '../load/session.js'

/** What a workload is given. */
export interface Surroundings {
  readonly plan: Plan
  readonly shared: Shared
  readonly recorder: Recorder
  tell(telling: Telling): void
}

/** Opens subscribed sessions and notes how long each took: by itself, what `connect` and `hold` do. */
export class Work implements SessionEvents {
  protected readonly plan: Plan
  protected readonly shared: Shared
  protected readonly recorder: Recorder
  protected readonly crowd: Crowd
  readonly #tell: Surroundings['tell']
  readonly #subscribe: Buffer

  constructor({ plan, shared, recorder, tell }: Surroundings) {
    this.plan = plan
    this.shared = shared
    this.recorder = recorder
    this.#tell = tell
    this.#subscribe = shared.frames.subscribe(plan.destination)
    this.crowd = new Crowd({
      atOnce: plan.atOnce,
      open: (number) => this.open(number),
      opened: (count) => tell({ opened: count }),
    })
  }

  /** All sessions, those that are gone among them. */
  get sessions(): readonly Session[] {
    return this.crowd.sessions
  }

  /** Opens sessions until there are so many. */
  grow(wanted: number): void {
    this.crowd.grow(wanted)
  }

  /** Begins. */
  go(): void {}

  /** Sends nothing any more. */
  rest(): void {}

  /** The other processes have seen so many deliveries. */
  elsewhere(_deliveries: number): void {}

  /** Cuts all connections; they are to come back. */
  cut(): void {}

  ready(session: Session): void {
    this.count(session)
    this.crowd.ready()
  }

  message(_session: Session, sentUs: number): void {
    this.recorder.received++
    this.recorder.lastUs = this.shared.readUs
    this.recorder.took(this.shared.readUs - sentUs)
  }

  receipt(_session: Session): void {}

  left(_session: Session): void {}

  drained(_session: Session): void {}

  lost(session: Session, { message, code }: Fault): void {
    if (session.wasReady) this.recorder.connections--
    this.tell({ fault: message, code })
  }

  /** Counts a session that is ready, and notes how long that took. */
  protected count(session: Session, sinceUs = session.begunUs): void {
    this.recorder.connections++
    this.recorder.took(this.shared.readUs - sinceUs)
  }

  protected open(number: number): Session {
    return this.dial(number, number < this.plan.producers ? undefined : this.#subscribe)
  }

  protected dial(number: number, subscribe: Buffer | undefined): Session {
    return new Session(this.shared, this, { index: this.plan.first + number, subscribe })
  }

  protected tell(telling: Telling): void {
    this.#tell(telling)
  }
}
