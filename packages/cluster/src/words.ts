/** What the primary and its workers say to each other beside the broker's work: JSON, and rare. */

import type { BrokerStats, DestinationSnapshot, SessionSnapshot } from '@xtomp/core'

/** What the primary wants to know. */
export type Question = 'stats' | 'sessions' | 'destinations'

/** What the primary says. */
export type Order =
  | { readonly order: 'ask'; readonly id: number; readonly question: Question }
  | { readonly order: 'close'; readonly drainMs: number }
  | { readonly order: 'reload' }

/** A session, as its worker tells of it: facts that JSON can say. */
export type ToldSession = Omit<SessionSnapshot, 'close'>

/** A destination, and its host. */
export type ToldDestination = DestinationSnapshot & { readonly host: string }

/** What a worker says. */
export type Report =
  | { readonly report: 'ready'; readonly opened: unknown }
  | { readonly report: 'failed'; readonly message: string }
  | { readonly report: 'stats'; readonly id: number; readonly stats: BrokerStats }
  /** A page; the last one is not full. */
  | { readonly report: 'page'; readonly id: number; readonly page: readonly unknown[]; readonly isLast: boolean }
