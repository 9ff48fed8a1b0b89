/** RECEIPTs in the order of their frames, whenever what they wait for is done. */

import type { StompError } from '../errors.js'
import type { Completion } from '../ports/destination.js'

/** What a session does when a frame is done. */
export interface Replying {
  /** The frame was processed; `receipt` is what it asked for. */
  replied(receipt: string | undefined, bytes: number): void
  /** The frame failed. */
  fail(error: StompError, receipt: string | undefined): void
  /** A frame waits for room; `withdraw` takes it back. */
  hold(withdraw: () => void): void
}

/** What a frame asks for, and what it costs until it is done. */
export interface ReplyParts {
  readonly receipt: string | undefined
  /** What the frame counts while it waits. */
  readonly bytes: number
  /** Runs when the receipt has been written. */
  readonly told?: (() => void) | undefined
}

/** The end of one frame: done when its destinations say so, told when all frames before it are. */
class Reply implements Completion {
  readonly receipt: string | undefined
  /** Runs when the receipt has been written. */
  readonly told: (() => void) | undefined
  /** What the frame counts while it waits. */
  readonly bytes: number
  readonly #replies: Replies
  isDone = false
  error: StompError | undefined
  /** The frame after this one. */
  next: Reply | undefined

  constructor(replies: Replies, { receipt, bytes, told }: ReplyParts) {
    this.#replies = replies
    this.receipt = receipt
    this.bytes = bytes
    this.told = told
  }

  waits(withdraw: () => void): void {
    this.#replies.hold(withdraw)
  }

  done(error?: StompError): void {
    this.isDone = true
    this.error = error
    this.#replies.settle()
  }
}

/** The frames of a session that are begun and not answered, in order. */
export class Replies {
  readonly #session: Replying
  #first: Reply | undefined
  #last: Reply | undefined
  #afterAll: (() => void) | undefined

  constructor(session: Replying) {
    this.#session = session
  }

  /** Whether every frame is answered. */
  get isEmpty(): boolean {
    return this.#first === undefined
  }

  /** The completion of the next frame. */
  add(parts: ReplyParts): Completion {
    const reply = new Reply(this, parts)
    if (this.#last === undefined) this.#first = reply
    else this.#last.next = reply
    this.#last = reply
    return reply
  }

  /** A frame waits for room. */
  hold(withdraw: () => void): void {
    this.#session.hold(withdraw)
  }

  /** Runs `task` once every frame so far is answered: at once where they are. */
  whenEmpty(task: () => void): void {
    this.#afterAll = task
    this.settle()
  }

  /** Answers whatever is done and has nothing undone before it. */
  settle(): void {
    while (this.#first?.isDone) {
      const { error, receipt, bytes, told, next } = this.#first
      this.#first = next
      if (next === undefined) this.#last = undefined
      if (error === undefined) this.#session.replied(receipt, bytes)
      else this.#session.fail(error, receipt)
      told?.()
    }
    const task = this.#afterAll
    if (!this.isEmpty || task === undefined) return
    this.#afterAll = undefined
    task()
  }

  /** Forgets everything: nobody is there to be answered. */
  close(): void {
    this.#first = undefined
    this.#last = undefined
    this.#afterAll = undefined
  }
}
