/** How much a queue holds, and whether that is too much. */

import { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Counts } from './context.js'
import type { Policy } from './policy.js'

/** Counts what a queue holds against the bounds of its rule. */
export class Room {
  readonly #name: string
  readonly #policy: Policy
  readonly #counts: Counts
  /** Messages held or about to arrive, waiting or not. */
  messages = 0
  /** Their octets. */
  bytes = 0
  /** Of these, what is on its way out and takes up no room. */
  #leavingMessages = 0
  #leavingBytes = 0

  constructor(name: string, policy: Policy, counts: Counts) {
    this.#name = name
    this.#policy = policy
    this.#counts = counts
  }

  /** Whether more is held than may be. */
  get isExceeded(): boolean {
    const { maxMessages, maxBytes } = this.#policy
    return this.messages - this.#leavingMessages > maxMessages || this.bytes - this.#leavingBytes > maxBytes
  }

  /** Whether a message has room where nothing else is. */
  isLargeEnough({ bytes }: StoredMessage): boolean {
    return bytes <= this.#policy.maxBytes
  }

  /** Counts a message. */
  take({ bytes }: StoredMessage): void {
    this.messages++
    this.#counts.messages++
    this.bytes += bytes
  }

  /** Counts it no more. */
  give({ bytes }: StoredMessage): void {
    this.messages--
    this.#counts.messages--
    this.bytes -= bytes
  }

  /** A message that is counted is on its way out. */
  leaves({ bytes }: StoredMessage): void {
    this.#leavingMessages++
    this.#leavingBytes += bytes
  }

  /** It has left, or stays after all. */
  leavesNoMore({ bytes }: StoredMessage): void {
    this.#leavingMessages--
    this.#leavingBytes -= bytes
  }

  /** Why the message that was counted last has no room. */
  full(): StompError {
    const { maxMessages, maxBytes } = this.#policy
    const isCount = this.messages > maxMessages
    const excess = {
      what: this.#name,
      limit: isCount ? maxMessages : maxBytes,
      seen: isCount ? this.messages : this.bytes,
      unit: isCount ? 'messages' : 'octets',
      option: `destinations[].${isCount ? 'maxMessages' : 'maxBytes'}`,
    }
    const { what, limit, seen, unit, option } = excess
    return new StompError('queue-full', `${what} may hold ${limit} ${unit}, this makes ${seen} (option ${option})`, {
      excess,
    })
  }
}
