/** The broker that has the queues of all workers, and no door: what links are made to. */

import type { Duplex } from 'node:stream'
import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import type { Inside, StoredMessage } from '@xtomp/core/destination'
import type { Backplane, BackplaneBroker, Completion } from '@xtomp/core/ports'
import { CODE } from '../link/codes.js'
import { FrameReader } from '../link/frame-reader.js'
import { FrameWriter } from '../link/frame-writer.js'
import { readMessage, writeMessage } from '../link/messages.js'
import { Hub, type HubMember } from './hub.js'
import { Pressure } from './pressure.js'
import { WorkerLink, type WorkerLinkEvents } from './worker-link.js'

/** What stands before a message in a frame: its length, and what it is. */
const HEAD_OCTETS = 5

/** The owner's own broker as a member of the hub: the host may publish and subscribe there, and so do dead letters. */
class OwnMember implements HubMember, Backplane {
  readonly #hub: Hub
  readonly #broker: BackplaneBroker & Pick<Inside, 'router'>
  readonly #writer = new FrameWriter()

  constructor(hub: Hub, broker: BackplaneBroker & Pick<Inside, 'router'>) {
    this.#hub = hub
    this.#broker = broker
  }

  pass(octets: Uint8Array): void {
    const reader = new FrameReader().read(
      Buffer.from(octets.buffer, octets.byteOffset - 1, octets.length + 1),
      0,
      octets.length + 1,
    )
    const { host, message } = readMessage(reader)
    this.#broker.router(host)?.receive(message)
  }

  whenTaken(task: () => void): void {
    task()
  }

  publish(host: string, message: StoredMessage, completion: Completion): void {
    writeMessage(this.#writer.begin(CODE.message), host, message).end()
    this.#hub.publish(this, host, message.destination, this.#writer.written.subarray(HEAD_OCTETS))
    this.#writer.reuse(true)
    completion.done()
  }

  subscribe(host: string, name: string, isFirst: boolean, completion: Completion): void {
    if (isFirst) this.#hub.want(this, host, name)
    completion.done()
  }

  unsubscribe(host: string, name: string): void {
    this.#hub.unwant(this, host, name)
  }
}

/** The broker without doors, and its links. */
export interface Owner {
  readonly broker: Broker
  /** Takes a worker's end of a link. */
  connect(stream: Duplex, events: WorkerLinkEvents): WorkerLink
}

/** Makes it. Hooks ask about clients, and there are none. */
export function createOwner({ hooks: _, backplane: _own, ...options }: BrokerOptions): Owner {
  const hub = new Hub()
  let inside: Inside | undefined
  const broker = createBroker({
    ...options,
    backplane: (given) => {
      // Every broker of ours gives that.
      inside = given as Inside
      return new OwnMember(hub, inside)
    },
  })
  const pressure = new Pressure(broker)
  return {
    broker,
    connect: (stream, events) => {
      const link = new WorkerLink(
        stream,
        { inside: inside as Inside, hub, pressure, broker },
        {
          ...events,
          closed: () => {
            pressure.remove(link)
            events.closed()
          },
        },
      )
      pressure.add(link)
      return link
    },
  }
}
