/** The store, as the destinations use it: batches are answered in the order in which they were given. */

import type { Clock } from '../clock.js'
import { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Settlement, Store, StoreBatch, StoredEntry } from '../ports/store.js'

type Done = (error?: StompError) => void

/** What a store threw, or rejected with. */
class Failed {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}

/** No joint batch has more entries and settlements than that, nor more octets of bodies; one part by itself may. */
const MOST_ENTRIES = 1_000
const MOST_BYTES = 1024 * 1024

/** What one frame wants written: not answered, or its answer waits for those before. */
class Part {
  /** Undefined where nothing is written: it only waits for those before. */
  readonly batch: StoreBatch | undefined
  readonly done: Done
  isAnswered: boolean
  error: StompError | undefined
  /** The one after it. */
  next: Part | undefined

  constructor(batch: StoreBatch | undefined, done: Done) {
    this.batch = batch
    this.done = done
    this.isAnswered = batch === undefined
  }
}

/**
 * Gives the store what is to be written, and passes its answers on in order: a queue then holds its messages in the
 * order in which they were sent, and RECEIPTs leave in the order of their frames.
 *
 * What comes while nothing is unanswered is given at once. What comes while something is, is given at the end of the turn
 * as one joint batch. Where that fails its parts are tried one by one, so that one of them does not fail the others;
 * lest they end up behind what came after them, nothing is given while a joint batch is unanswered.
 */
export class Journal {
  readonly #store: Store | undefined
  readonly #clock: Clock
  readonly #report: (error: unknown) => void
  #first: Part | undefined
  #last: Part | undefined
  /** The first that the store was not given yet. */
  #ungiven: Part | undefined
  #isPlanned = false
  #isJointOut = false

  constructor(store: Store | undefined, clock: Clock, report: (error: unknown) => void) {
    this.#store = store
    this.#clock = clock
    this.#report = report
  }

  /** Whether there is a store: without one there is nothing to write, and nothing to wait for. */
  get isDurable(): boolean {
    return this.#store !== undefined
  }

  /** Resolves when everything so far is answered. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#first === undefined) resolve()
      else this.#add(new Part(undefined, () => resolve()))
    })
  }

  /** Writes a batch; `done` is told in turn, inside the call where the store answers at once and nothing waits. */
  write(batch: StoreBatch, done: Done): void {
    if (this.#first !== undefined) {
      const part = this.#add(new Part(batch, done))
      this.#ungiven ??= part
      this.#plan()
      return
    }
    const answer = this.#apply(batch)
    if (answer === undefined) done()
    else if (answer instanceof Failed) done(this.#failure(answer))
    else this.#wait(answer, [this.#add(new Part(batch, done))])
  }

  #add(part: Part): Part {
    if (this.#last === undefined) this.#first = part
    else this.#last.next = part
    this.#last = part
    return part
  }

  #plan(): void {
    if (this.#isPlanned || this.#isJointOut) return
    this.#isPlanned = true
    this.#clock.soon(() => {
      this.#isPlanned = false
      this.#giveAll()
    })
  }

  #giveAll(): void {
    while (this.#ungiven !== undefined && !this.#isJointOut) this.#give(this.#nextParts())
    this.#tell()
  }

  /** As many as may be given together. */
  #nextParts(): readonly Part[] {
    const parts: Part[] = []
    let entries = 0
    let bytes = 0
    let part = this.#ungiven
    for (; part !== undefined; part = part.next) {
      if (part.batch === undefined) continue
      entries += part.batch.appends.length + part.batch.settlements.length
      for (const { body } of part.batch.appends) bytes += body.length
      if (parts.length > 0 && (entries > MOST_ENTRIES || bytes > MOST_BYTES)) break
      parts.push(part)
    }
    this.#ungiven = part
    return parts
  }

  #give(parts: readonly Part[]): void {
    const answer = this.#apply(joined(parts))
    if (answer === undefined || answer instanceof Failed) this.#answered(parts, answer)
    else this.#wait(answer, parts)
  }

  /** Whatever it is that the store gave: a promise of another library will do. */
  #wait(answer: Promise<void>, parts: readonly Part[]): void {
    const isJoint = parts.length > 1
    if (isJoint) this.#isJointOut = true
    const goOn = (failed: Failed | undefined): void => {
      if (isJoint) this.#isJointOut = false
      this.#answered(parts, failed)
      // What that leads to may be given with what waits already.
      this.#tell()
      this.#giveAll()
    }
    Promise.resolve(answer).then(
      () => goOn(undefined),
      (cause: unknown) => goOn(new Failed(cause)),
    )
  }

  #answered(parts: readonly Part[], failed: Failed | undefined): void {
    // Nothing of it was taken. Who fails again is told of then.
    if (failed !== undefined && parts.length > 1) {
      for (const part of parts) this.#give([part])
      return
    }
    const error = failed === undefined ? undefined : this.#failure(failed)
    for (const part of parts) {
      part.isAnswered = true
      part.error = error
    }
  }

  #apply(batch: StoreBatch): undefined | Failed | Promise<void> {
    try {
      return this.#store?.apply(batch)
    } catch (cause) {
      return new Failed(cause)
    }
  }

  #failure({ cause }: Failed): StompError {
    this.#report(cause)
    return new StompError('store-failed', 'the message store failed; nothing of this was done, try again')
  }

  /** Passes on what is answered and has nothing unanswered before it. */
  #tell(): void {
    while (this.#first?.isAnswered) {
      const { done, error, next } = this.#first
      this.#first = next
      if (next === undefined) this.#last = undefined
      done(error)
    }
  }
}

function joined(parts: readonly Part[]): StoreBatch {
  const batches = parts.flatMap(({ batch }) => batch ?? [])
  if (batches.length === 1) return batches[0] as StoreBatch
  return {
    appends: batches.flatMap(({ appends }) => appends),
    settlements: batches.flatMap(({ settlements }) => settlements),
  }
}

/** A message, as the store keeps it for a queue. */
export function entryOf(queue: string, message: StoredMessage): StoredEntry {
  const { id, headers, body, expiresAt, isDeadLetter } = message
  return { queue, id, headers, body, expiresAt, isDeadLetter }
}

/** That a queue needs a message no longer. */
export function settlementOf(queue: string, message: StoredMessage): Settlement {
  return { queue, id: message.id }
}
