/** What producers send and consumers look for: queues, ways to acknowledge, and bodies that show whether they are whole. */

import { createHash } from 'node:crypto'
import { randomFrom } from '../support/random.js'

/** The code with which a client ends whose connection was cut. */
export const CUT = 3

/** Where queues give their messages up to. */
export const DEAD_LETTERS = '/queue/dead-letter'

/** The queue whose messages nobody acknowledges. */
export const AUTO = '/queue/auto'

/** How a queue is used. */
export interface QueueUse {
  readonly queue: string
  readonly ack: 'auto' | 'client' | 'client-individual'
  readonly prefetch?: number
  /** Whether each ACK asks for a RECEIPT. */
  readonly confirms?: boolean
}

/** All queues; a subscription's id is the place here. */
export const QUEUES: readonly QueueUse[] = [
  { queue: '/queue/one-by-one', ack: 'client-individual', prefetch: 10, confirms: true },
  { queue: '/queue/at-will', ack: 'client-individual' },
  { queue: '/queue/together', ack: 'client', prefetch: 100 },
  { queue: AUTO, ack: 'auto' },
]

/** The queue that a producer's message goes to. */
export function queueFor(number: number): string {
  const use = number % 10 === 0 ? QUEUES[3] : QUEUES[number % 3]
  return (use as QueueUse).queue
}

/** What a subscription's id stands for. */
export function useOf(subscription: string): QueueUse {
  const use = QUEUES[Number(subscription)]
  if (use === undefined) throw new Error(`nobody has subscription ${subscription}`)
  return use
}

const UNWANTED_EVERY = 499
const LARGE_EVERY = 211

/** A body that no consumer takes: it comes back until it is given up. */
export const UNWANTED = /^\S+ \d+ unwanted /

/** Who, the number, whether it is wanted, a checksum of the rest, and the rest; mostly short, sometimes long. */
export function bodyOf(producer: string, number: number): string {
  const random = randomFrom(number)
  const size = Math.floor(random() ** 3 * (number % LARGE_EVERY === 0 ? 200_000 : 1_000))
  const rest = `${producer}-${number}.`.repeat(1 + size / 8).slice(0, size)
  const wanted = number % UNWANTED_EVERY === 0 ? 'unwanted' : 'wanted'
  return `${producer} ${number} ${wanted} ${checksumOf(rest)} ${rest}`
}

/** Whether a body is as it was made: neither half of one, nor parts of two. */
export function isWhole(body: string): boolean {
  const [producer = '', number = '', wanted, checksum, rest] = body.split(' ')
  if (rest === undefined || checksumOf(rest) !== checksum) return false
  return body.length === producer.length + number.length + (wanted ?? '').length + checksum.length + rest.length + 4
}

/** Who sent a body, and as which of his messages. */
export function senderOf(body: string): { readonly producer: string; readonly number: number } {
  const [producer = '', number = ''] = body.split(' ', 2)
  return { producer, number: Number(number) }
}

function checksumOf(text: string): string {
  return createHash('sha1').update(text).digest('hex').slice(0, 16)
}
