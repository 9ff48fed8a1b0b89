/** How much a queue holds, and whether that is too much. */

import { StompError } from '../errors.js'
import type { StoredMessage } from '../message.js'
import type { Policy } from './policy.js'

/** Counts what a queue holds against the bounds of its rule. */
export class Room {
  readonly #name: string
  readonly #policy: Policy
  /** Messages held or about to arrive, waiting or not. */
  messages = 0
  #bytes = 0
  /** Of these, what is on its way out and takes up no room. */
  #leavingMessages = 0
  #leavingBytes = 0

  constructor(name: string, policy: Policy) {
    this.#name = name
    this.#policy = policy
  }

  /** Whether more is held than may be. */
  get isExceeded(): boolean {
    const { maxMessages, maxBytes } = this.#policy
    return this.messages - this.#leavingMessages > maxMessages || this.#bytes - this.#leavingBytes > maxBytes
  }

  /** Whether a message has room where nothing else is. */
  isLargeEnough({ bytes }: StoredMessage): boolean {
    return bytes <= this.#policy.maxBytes
  }

  /** Counts a message. */
  take({ bytes }: StoredMessage): void {
    this.messages++
    this.#bytes += bytes
  }

  /** Counts it no more. */
  give({ bytes }: StoredMessage): void {
    this.messages--
    this.#bytes -= bytes
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
    return this.messages > maxMessages
      ? new StompError(
          'queue-full',
          `${this.#name} may hold ${maxMessages} messages, and does (option destinations[].maxMessages)`,
        )
      : new StompError(
          'queue-full',
          `${this.#name} may hold ${maxBytes} octets, this makes ${this.#bytes} (option destinations[].maxBytes)`,
        )
  }
}
