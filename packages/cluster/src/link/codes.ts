/** What a frame of the link is, and what is in it; numbers are 32 bits unless said otherwise, texts have their length before them. */

export const CODE = {
  /** Both ways: a topic's message. */
  message: 1,
  /** To the primary: request, host, name. A name or pattern has its first subscription in this worker. */
  want: 2,
  /** To the primary: host, name. It has none any more. */
  unwant: 3,
  /** To the primary: request. Asks for nothing but to be answered in turn. */
  fence: 4,
  /** To the primary: request, message. For a queue. */
  send: 5,
  /** To the primary: request, subscription, most unacknowledged (64 bits), whether `auto` (8), host, name. */
  open: 6,
  /** To the primary: subscription. What was not handed over goes back. */
  end: 7,
  /** To the primary: subscription, count. The oldest so many were handed over. */
  handed: 8,
  /** To the primary: request or 0, outcome (8), deliveries to the end. */
  settle: 9,
  /** To the primary: request, host, count of messages, each with its length before it; deliveries to the end. */
  commit: 10,
  /** Both ways: JSON. What is rare. */
  tell: 11,
  /** To a worker: first and last request that are done. */
  done: 12,
  /** To a worker: request, code, JSON. It failed. */
  failed: 13,
  /** To a worker: subscription, delivery, whether redelivered (8), message. */
  deliver: 14,
  /** To a worker: request. It waits for room. */
  waits: 15,
  /** To the primary: request. Whoever waits is gone. */
  withdraw: 16,
  /** To the primary: request. To be answered once the others have taken what it has published since it asked last. */
  whenTaken: 17,
  /** To a worker: nothing. It is to say so when it has taken all that is before this. */
  ask: 18,
  /** To the primary: nothing. It has taken all that was before the oldest `ask`. */
  taken: 19,
} as const

/** How a delivery ends, as the link says it: the outcomes of the port, and two ways back that are nobody's fault. */
export const OUTCOMES = ['acknowledged', 'nacked', 'rejected', 'returned', 'put-back', 'untouched'] as const
export type LinkOutcome = (typeof OUTCOMES)[number]
