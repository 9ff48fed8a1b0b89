/** What the clients of the crowd send to, and the well-behaved pair. */

export const FLOODED = '/queue/flooded'
export const UNREAD = '/topic/unread'
export const UNFINISHED = '/queue/unfinished'
export const ORDERLY = '/queue/orderly'
