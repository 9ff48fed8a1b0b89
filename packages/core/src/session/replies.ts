/** What a session has begun and not answered: RECEIPTs leave in the order of its frames, and too much keeps it from the next. */

import type { StompError } from '../errors.js'
import type { Completion } from '../ports/destination.js'
import { HELD_BY_QUEUE, type Incoming, UNSTORED_WORK } from './incoming.js'

/** What a session does when a frame is done. */
export interface Replying {
  /** The frame was processed, and asked to be told. */
  replied(receipt: string): void
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
    this.#replies.session.hold(withdraw)
  }

  done(error?: StompError): void {
    this.isDone = true
    this.error = error
    this.#replies.settle()
  }
}

/** The frames of a session that are begun and not answered, in order: made when there is one, and dropped when none is left and all is sent. */
export class Replies {
  readonly session: Replying
  readonly #incoming: Incoming
  readonly #mostBytes: number
  #first: Reply | undefined
  #last: Reply | undefined
  /** What they count, together. */
  #bytes = 0
  /** What takes the frames back that queues ask to wait; several where they say so after the call. */
  #held: (() => void)[] | undefined
  #afterAll: (() => void) | undefined

  /** Beyond `mostBytes` nothing more is begun. */
  constructor(session: Replying, incoming: Incoming, mostBytes: number) {
    this.session = session
    this.#incoming = incoming
    this.#mostBytes = mostBytes
  }

  /** Whether every frame is answered that has a reply here. */
  get isEmpty(): boolean {
    return this.#first === undefined
  }

  /** Whether nothing is left of them, neither to be answered nor to be waited for. */
  get isDone(): boolean {
    return this.isEmpty && !this.isHeld
  }

  /** Whether a queue asks the session to wait. */
  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** The completion of the next frame. */
  add(parts: ReplyParts): Completion {
    this.#bytes += parts.bytes
    if (this.#bytes > this.#mostBytes) this.#incoming.pause(UNSTORED_WORK)
    const reply = new Reply(this, parts)
    if (this.#last === undefined) this.#first = reply
    else this.#last.next = reply
    this.#last = reply
    return reply
  }

  /** A queue has no room: no other frame is begun until all that are begun are done. */
  hold(withdraw: () => void): void {
    this.#held ??= []
    this.#held.push(withdraw)
    this.#incoming.pause(HELD_BY_QUEUE)
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
      if (error === undefined) this.#answer(receipt, bytes)
      else this.session.fail(error, receipt)
      told?.()
    }
    const task = this.#afterAll
    if (!this.isEmpty || task === undefined) return
    this.#afterAll = undefined
    task()
  }

  #answer(receipt: string | undefined, bytes: number): void {
    this.#bytes -= bytes
    if (receipt !== undefined) this.session.replied(receipt)
    if (this.#bytes <= this.#mostBytes) this.#incoming.goOn(UNSTORED_WORK)
    this.letGo()
  }

  /** A frame is done: where nothing is left that was begun, no queue keeps the session waiting. */
  letGo(): void {
    if (this.#held === undefined || !this.isEmpty) return
    this.#held = undefined
    this.#incoming.goOn(HELD_BY_QUEUE)
  }

  /** Forgets everything: nobody is there to be answered, and what waits for room waits no longer. */
  close(): void {
    this.#first = undefined
    this.#last = undefined
    this.#afterAll = undefined
    const held = this.#held
    this.#held = undefined
    for (const withdraw of held ?? []) withdraw()
  }
}
