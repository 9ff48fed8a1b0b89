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
  /** Of these, what is about to arrive. */
  #comingMessages = 0
  #comingBytes = 0
  /** Of these, what is on its way out and takes up no room. */
  #leavingMessages = 0
  #leavingBytes = 0

  constructor(name: string, policy: Policy, counts: Counts) {
    this.#name = name
    this.#policy = policy
    this.#counts = counts
  }

  /** Whether more is held than may be, with what is about to arrive. */
  get isExceeded(): boolean {
    return this.#exceeds(this.messages - this.#leavingMessages, this.bytes - this.#leavingBytes)
  }

  /** Whether more is held than may be, without what is about to arrive. */
  get isOverfull(): boolean {
    const messages = this.messages - this.#leavingMessages - this.#comingMessages
    return this.#exceeds(messages, this.bytes - this.#leavingBytes - this.#comingBytes)
  }

  /** Whether others will arrive before the message that was counted last. */
  get isExpectingOthers(): boolean {
    return this.#comingMessages > 1
  }

  /** Whether messages have room where nothing else is. */
  couldHold(messages: readonly StoredMessage[]): boolean {
    let bytes = 0
    for (const message of messages) bytes += message.bytes
    return !this.#exceeds(messages.length, bytes)
  }

  /** Counts a message that is about to arrive. */
  expect(message: StoredMessage): void {
    this.take(message)
    this.#comingMessages++
    this.#comingBytes += message.bytes
  }

  /** It has arrived, or will not. */
  expectNoMore({ bytes }: StoredMessage): void {
    this.#comingMessages--
    this.#comingBytes -= bytes
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

  #exceeds(messages: number, bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#policy
    return messages > maxMessages || bytes > maxBytes
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
