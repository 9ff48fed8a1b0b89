/** How the sockets in memory come into the broker. */

import { type Broker, connectMemory, type MemoryClient, type MemoryReceiver } from '@xtomp/core'

/** What a socket in memory does with what comes, beside what any client in memory does. */
export interface ShapeReceiver extends MemoryReceiver {
  /** The broker's side has ended; what is written is not answered any more. */
  ended(): void
}

/** A way in, for sockets of any shape. */
export interface MemoryDoor {
  readonly clock: Broker['clock']
  /** Opens a connection; undefined where it is refused. */
  open(receiver: ShapeReceiver, transport: string): MemoryClient | undefined
}

/** What takes connections, and can be told how to end the broker's side of one. */
export interface TappedBroker extends Pick<Broker, 'clock'> {
  readonly isRefusing: boolean
  accept(connection: Parameters<Broker['accept']>[0], halfClose: () => void): ReturnType<Broker['accept']>
}

/** Makes the door of a broker. */
export function memoryDoorOf(broker: TappedBroker): MemoryDoor {
  const { clock } = broker
  return {
    clock,
    open: (receiver, transport) => {
      if (broker.isRefusing) return undefined
      const acceptor: Pick<Broker, 'accept' | 'clock'> = {
        clock,
        accept: (connection) => broker.accept(connection, () => receiver.ended()),
      }
      return connectMemory(acceptor, receiver, { transport })
    },
  }
}
