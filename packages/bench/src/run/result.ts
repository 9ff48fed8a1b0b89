/** What came out of a run. */

import type { WorkloadName } from '../load/plan.js'
import type { Sample } from './timeline.js'
import type { Times } from './times.js'

/** What came out of a run. Where it failed, what there is of it. */
export interface Result {
  readonly workload: WorkloadName
  /** The broker's URL, without login and passcode. */
  readonly broker: string
  readonly isOk: boolean
  /** Why not. */
  readonly fault?: string | undefined
  /** When. */
  readonly date: string
  /** By which Node. */
  readonly node: string
  /** On which kind of machine. */
  readonly machine: string
  /** What was asked for: numbers, modes and names, no passcode. */
  readonly asked: Readonly<Record<string, string | number>>
  /** How many processes the clients were in. */
  readonly processes: number
  /** Sessions that were subscribed. */
  readonly connections: number
  /** How they came to be. */
  readonly connect: ConnectFigures
  /** What followed, where messages were sent, or sessions came and went. */
  readonly work?: WorkFigures | undefined
  /** What followed, where everybody lost its connection. */
  readonly storm?: StormFigures | undefined
  /** What the broker took, where its process is known. */
  readonly server?: ServerFigures | undefined
  /** Resident memory of the largest process of clients, in octets. */
  readonly clientBytes: number
  /** Moment by moment. */
  readonly samples: readonly Sample[]
}

/** How sessions came to be. */
export interface ConnectFigures {
  readonly perSecond: number
  readonly seconds: number
  /** From the first octet to the RECEIPT of SUBSCRIBE. */
  readonly times?: Times | undefined
}

/** What followed. */
export interface WorkFigures {
  readonly seconds: number
  readonly sent: number
  readonly received: number
  /** Sessions that came and went. */
  readonly cycles: number
  /** Deliveries a second, or sessions that came and went. */
  readonly perSecond: number
  /** Of deliveries, or of sessions until they were subscribed. */
  readonly times?: Times | undefined
}

/** What followed when everybody had lost its connection. */
export interface StormFigures {
  /** How long it took until all were subscribed again, for each time. */
  readonly seconds: readonly number[]
  /** Connections that failed and were tried again. */
  readonly retries: number
  /** From the loss of a connection until it was subscribed again. */
  readonly times?: Times | undefined
  /** How long the messages took that another session sent itself, before the first storm. */
  readonly bystanderBefore?: Times | undefined
  /** The same, from then on. */
  readonly bystanderDuring?: Times | undefined
}

/** What the broker took: resident memory, in octets, and processor time. */
export interface ServerFigures {
  readonly bytesBefore: number
  readonly bytesConnected: number
  readonly bytesAfter: number
  /** What each connection took that was added between two counts; without it, these were too few, or the process gave back more. */
  readonly bytesPerConnection?: number
  /** These counts. */
  readonly between: readonly [few: number, many: number]
  /** While there was work. */
  readonly cpuSeconds: number
  /** The same as a share of one core. */
  readonly cpuShare: number
}
