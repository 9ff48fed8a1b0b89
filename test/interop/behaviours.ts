/** The columns of the table: what every client is to show, and what it then says that it saw. */

import type { Version } from '@xtomp/core'

/** The versions, oldest first. */
const VERSIONS: readonly Version[] = ['1.0', '1.1', '1.2']

/** What the programs call the behaviours. */
export type BehaviourName =
  | 'connect'
  | 'order'
  | 'receipts'
  | 'bodies'
  | 'auto'
  | 'client'
  | 'client-individual'
  | 'nack'
  | 'transactions'
  | 'heart-beats'
  | 'disconnect'

/** Something that clients do. */
export interface Behaviour {
  readonly name: BehaviourName
  /** What a client does, after its name. */
  readonly does: string
  /** The versions in which it is shown; `usual` is the one that the client's users have. */
  readonly in: readonly Version[] | 'usual'
  /** Whether it is a matter of time, and so not to be shown while other clients keep the machine busy. */
  readonly isTimed?: true
  /** What the client says that it saw. A message that was redelivered is followed by `(again)`. */
  readonly sees: (version: Version) => string
  /** How many deliveries are acknowledged, in each version; an ACK in mode `client` may cover several. Default: none. */
  readonly acknowledged?: number
  /** How many are negatively acknowledged, in each version. Default: none. */
  readonly nacked?: number
}

const NACK_CAME_WITH = '1.1'

/** Every client does the same: the steps are in its program, one function for each behaviour. */
export const behaviours: readonly Behaviour[] = [
  {
    name: 'connect',
    does: 'connects, in each version',
    in: VERSIONS,
    sees: (version) => `connected with ${version}`,
  },
  {
    name: 'order',
    does: 'receives 10,000 messages in the order in which they were sent',
    in: 'usual',
    sees: () => '10000 in order',
  },
  {
    name: 'receipts',
    does: 'receives the receipts that it asks for',
    in: VERSIONS,
    sees: () => 'SUBSCRIBE SEND ACK UNSUBSCRIBE',
    acknowledged: 1,
  },
  {
    name: 'bodies',
    does: 'receives bodies of no octet, of every octet, and of 1 MiB, as they were sent',
    in: VERSIONS,
    sees: () => '0 256 1048576',
  },
  {
    name: 'auto',
    does: 'acknowledges nothing in mode auto',
    in: VERSIONS,
    sees: () => 'one two three, then end',
  },
  {
    name: 'client',
    does: 'acknowledges a message and all before it in mode client',
    in: VERSIONS,
    sees: () => 'one two three, then three (again) end',
    acknowledged: 2,
  },
  {
    name: 'client-individual',
    does: 'acknowledges a message alone in mode client-individual',
    in: VERSIONS,
    sees: () => 'one two three, then one (again) three (again) end',
    acknowledged: 1,
  },
  {
    name: 'nack',
    does: 'receives again what it negatively acknowledges',
    in: VERSIONS.filter((version) => version >= NACK_CAME_WITH),
    sees: () => 'one, then one (again)',
    acknowledged: 1,
    nacked: 1,
  },
  {
    name: 'transactions',
    does: 'commits and aborts what it sends and acknowledges in transactions',
    in: VERSIONS,
    sees: () => 'outside a b d, then b (again) d (again) end',
    acknowledged: 2,
  },
  {
    name: 'disconnect',
    does: 'disconnects',
    in: VERSIONS,
    sees: () => 'disconnected',
  },
  {
    name: 'heart-beats',
    does: 'beats and is beaten to for three seconds of silence',
    in: 'usual',
    isTimed: true,
    sees: () => 'alive',
  },
]
