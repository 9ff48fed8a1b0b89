/** What a client of Node does to show each behaviour: the same steps as in the programs of the other languages. */

import { setTimeout } from 'node:timers/promises'
import type { AckMode, Version } from '@xtomp/core'
import type { BehaviourName } from './behaviours.js'
import type { Connect, Received } from './node-client.js'

type Show = (version: Version) => Promise<string>

/** How a client shows each behaviour to the broker on a port. */
export function showsOf<Taken extends Received>(
  connect: Connect<Taken>,
  port: number,
): Readonly<Record<BehaviourName, Show>> {
  const settles = (mode: AckMode, acknowledged: readonly number[]): Show => {
    return async (version) => {
      const queue = `/queue/${mode}`
      const client = await connect(port, version)
      await client.subscribe(queue, mode)
      for (const body of ['one', 'two', 'three']) client.send(queue, body)
      const messages = [await client.next(), await client.next(), await client.next()]
      for (const at of acknowledged) await client.ack(messages[at] as Taken)
      await client.disconnect()
      return `${toldAll(messages)}, then ${await leftIn(queue, version)}`
    }
  }

  /** What somebody else gets from a queue, down to a message that is sent last. */
  const leftIn = async (queue: string, version: Version): Promise<string> => {
    const client = await connect(port, version)
    await client.subscribe(queue, 'auto')
    client.send(queue, 'end')
    const messages: Taken[] = []
    do messages.push(await client.next())
    while (told(messages.at(-1)) !== 'end')
    await client.disconnect()
    return toldAll(messages)
  }

  return {
    connect: async (version) => {
      const client = await connect(port, version)
      const spoken = client.version
      await client.disconnect()
      return `connected with ${spoken}`
    },

    order: async (version) => {
      const consumer = await connect(port, version)
      await consumer.subscribe('/queue/order', 'auto')
      const producer = await connect(port, version)
      for (let number = 1; number <= 10_000; number++) producer.send('/queue/order', String(number))
      for (let number = 1; number <= 10_000; number++) {
        const body = told(await consumer.next())
        if (body !== String(number)) throw new Error(`${body} came in the place of ${number}`)
      }
      await producer.disconnect()
      await consumer.disconnect()
      return '10000 in order'
    },

    receipts: async (version) => {
      const client = await connect(port, version)
      await client.subscribe('/queue/receipts', 'client')
      await client.sendConfirmed('/queue/receipts', 'a')
      await client.ack(await client.next())
      await client.unsubscribe()
      await client.disconnect()
      return 'SUBSCRIBE SEND ACK UNSUBSCRIBE'
    },

    bodies: async (version) => {
      const client = await connect(port, version)
      await client.subscribe('/queue/bodies', 'auto')
      const sizes: number[] = []
      for (const size of [0, 256, 1024 * 1024]) {
        const body = Uint8Array.from({ length: size }, (_, at) => at)
        client.send('/queue/bodies', body)
        const came = (await client.next()).body
        if (Buffer.compare(came, body) !== 0) throw new Error(`of ${size} octets came ${came.length}, or others`)
        sizes.push(came.length)
      }
      await client.disconnect()
      return sizes.join(' ')
    },

    auto: settles('auto', []),
    client: settles('client', [1]),
    'client-individual': settles('client-individual', [1]),

    nack: async (version) => {
      const client = await connect(port, version)
      await client.subscribe('/queue/nack', 'client-individual')
      client.send('/queue/nack', 'one')
      const first = await client.next()
      client.nack(first)
      const second = await client.next()
      await client.ack(second)
      await client.disconnect()
      return `${told(first)}, then ${told(second)}`
    },

    transactions: async (version) => {
      const queue = '/queue/transactions'
      const client = await connect(port, version)
      await client.subscribe(queue, 'client-individual')
      client.begin('t1')
      client.send(queue, 'a', 't1')
      client.send(queue, 'b', 't1')
      client.send(queue, 'outside')
      const outside = await client.next()
      client.commit('t1')
      const [a, b] = [await client.next(), await client.next()]
      client.begin('t2')
      client.send(queue, 'c', 't2')
      client.abort('t2')
      client.send(queue, 'd')
      const d = await client.next()
      await client.ack(outside)
      client.begin('t3')
      await client.ack(a, 't3')
      client.commit('t3')
      client.begin('t4')
      await client.ack(b, 't4')
      client.abort('t4')
      await client.disconnect()
      return `${toldAll([outside, a, b, d])}, then ${await leftIn(queue, version)}`
    },

    'heart-beats': async (version) => {
      const client = await connect(port, version, 1_000)
      await client.subscribe('/queue/beats', 'auto')
      const before = client.beats
      await setTimeout(3_200)
      if (client.beats - before < 2) throw new Error(`heard ${client.beats - before} beats`)
      client.send('/queue/beats', 'alive')
      const seen = told(await client.next())
      await client.disconnect()
      return seen
    },

    disconnect: async (version) => {
      const client = await connect(port, version)
      await client.disconnect()
      return 'disconnected'
    },
  }
}

function told(message: Received | undefined): string {
  if (message === undefined) return 'nothing'
  const again = message.headers.redelivered === 'true' ? ' (again)' : ''
  return new TextDecoder().decode(message.body) + again
}

function toldAll(messages: readonly Received[]): string {
  return messages.map(told).join(' ')
}
