/** What a process of clients is told, and what it tells: nothing but data, for it goes from one process to another. */

import type { Sources } from './sources.js'

/** The work that there is. */
export const WORKLOADS = ['connect', 'hold', 'fanout', 'queue', 'echo', 'churn', 'storm'] as const

/** One of the workloads. */
export type WorkloadName = (typeof WORKLOADS)[number]

/** Where a broker is, and how it is spoken to. */
export interface Target {
  readonly transport: 'tcp' | 'tls' | 'ws' | 'wss'
  /** Resolved once: nobody looks up a name for each connection. */
  readonly address: string
  readonly port: number
  /** The host as it was given, for certificates and upgrades. */
  readonly host: string
  /** Of a WebSocket. */
  readonly path: string
  /** Who may vouch for the broker's certificate, in PEM; without it, those whom Node knows. */
  readonly ca?: string | undefined
  /** Whether a certificate must be right. */
  readonly isVerified: boolean
}

/** How sessions are made. */
export interface SessionPlan {
  readonly target: Target
  readonly vhost: string
  readonly login?: string | undefined
  readonly passcode?: string | undefined
  /** The header as it is sent: what we can do, what we want, in milliseconds. */
  readonly heartBeat: string
  /** Whether a session waits until its subscription is confirmed: some brokers answer no receipt of a SUBSCRIBE. */
  readonly isConfirmed: boolean
  /** Where connections come from; without it, the system chooses. */
  readonly sources?: Sources | undefined
}

/** The share of one process in a run. */
export interface Plan extends SessionPlan {
  /** The seventh of them, `bystander`, belongs to a storm: it only looks on. */
  readonly workload: WorkloadName | 'bystander'
  /** The number of its first connection among all. */
  readonly first: number
  /** How many sessions it has, subscribed ones and producers. */
  readonly connections: number
  /** How many of these are producers: the first ones. */
  readonly producers: number
  /** How many all processes have that are subscribed. */
  readonly subscribers: number
  /** How many connections it opens at once. */
  readonly atOnce: number
  readonly destination: string
  readonly bodyBytes: number
  readonly ack: 'auto' | 'client' | 'client-individual'
  /** Each so many-th SEND of a producer asks for a receipt; with 0 none does. */
  readonly receiptEvery: number
  /** How many messages may be on their way to all subscribers. */
  readonly window: number
  /** How many messages each producer sends, or how often sessions of this process come and go; without it, until it is stopped. */
  readonly messages?: number | undefined
  /** How many messages each producer of this process sends a second; without it, as many as it can. */
  readonly rate?: number | undefined
  /** How often it tells how far it is. */
  readonly sampleMs: number
}

/** What a process is told after its plan. */
export type Order =
  /** To open its connections until there are so many, all of them subscribed. */
  | { readonly open: number }
  /** To begin with its work. */
  | { readonly go: true }
  /** How many deliveries the other processes have seen. */
  | { readonly elsewhere: number }
  /** To send nothing any more. */
  | { readonly rest: true }
  /** To cut its connections, all at once, and to come back. */
  | { readonly cut: true }
  /** To tell how far it is, cut its connections and go. */
  | { readonly end: true }

/** Counts since the beginning, and times since the last telling. */
export interface Progress {
  /** Sessions that are subscribed, or connected where they are to be no more. */
  readonly connections: number
  readonly sent: number
  readonly received: number
  /** Sessions that came and went. */
  readonly cycles: number
  /** Connections that failed in a storm and were tried again. */
  readonly retries: number
  /** When the last delivery came, on the clock that all processes of a machine share, in microseconds. */
  readonly lastUs: number
  /** How long things took: a histogram, as a list. */
  readonly times: readonly number[]
  /** Resident memory of this process, in octets. */
  readonly memoryBytes: number
}

/** What a process tells. */
export type Telling =
  | { readonly progress: Progress }
  /** All connections that were asked for are subscribed; progress came before. */
  | { readonly opened: number }
  /** It has seen so many deliveries: all of some messages. */
  | { readonly seen: number }
  /** It sends nothing any more; progress came before. */
  | { readonly rested: true }
  /** What went wrong, with the system's code where it has one. */
  | { readonly fault: string; readonly code?: string | undefined }
