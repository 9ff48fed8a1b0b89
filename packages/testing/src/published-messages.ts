/** What the host itself publishes, noted as what clients send is: no event tells of it. */

import { type Broker, Headers, type PublishOptions } from '@xtomp/core'
import type { ReceivedMessage, ReceivedMessages } from './received-messages.js'

/** `publish` and `publishConfirmed` of a broker, which note what is accepted. */
export function notingPublish<User>(
  broker: Broker<User>,
  messages: ReceivedMessages,
): Pick<Broker<User>, 'publish' | 'publishConfirmed'> {
  const publishPlainly = broker.publish.bind(broker)
  const confirmPlainly = broker.publishConfirmed.bind(broker)
  const published: ReceivedMessage[] = []
  const note = (destination: string, body: string | Uint8Array, { headers = {} }: PublishOptions): ReceivedMessage => {
    const octets = typeof body === 'string' ? new TextEncoder().encode(body) : Uint8Array.from(body)
    return messages.add({ destination, headers: Headers.from(headers), body: octets, session: undefined })
  }
  broker.on('refuse', ({ message }) => {
    const at = published.findLastIndex((other) => isSame(other, message))
    if (at >= 0) messages.remove(...published.splice(at, 1))
  })
  return {
    publish: (destination, body, options = {}) => {
      // Before it is: what is refused is so within the call, and others may be told within it what came of it.
      const message = note(destination, body, options)
      published.push(message)
      try {
        publishPlainly(destination, body, options)
      } catch (error) {
        messages.remove(message)
        throw error
      }
      messages.watch.changed()
    },
    publishConfirmed: async (destination, body, options = {}) => {
      await confirmPlainly(destination, body, options)
      note(destination, body, options)
      messages.watch.changed()
    },
  }
}

function isSame(one: Pick<ReceivedMessage, 'destination' | 'body'>, other: typeof one): boolean {
  return (
    one.destination === other.destination &&
    one.body.length === other.body.length &&
    one.body.every((octet, at) => octet === other.body[at])
  )
}
