/** What a host writes as options: all of it is checked at once, and a mistake is told so that it can be mended. */

import { type Broker, type BrokerOptions, createBroker } from '@xtomp/core'
import { describe, expect, it } from 'vitest'
import { EVENT_NAMES } from '../support/heard.js'

/** Mistakes, as a host without types makes them, and what is said of each. */
const mistakes: readonly (readonly [options: unknown, says: string])[] = [
  [
    { limit: {} },
    'there is no option limit; there are hooks, destinations, hosts, limits, heartBeat, store, backplane, serverName, logger, clock',
  ],
  [{ limits: { constructor: 3 } }, 'there is no option limits.constructor; there are connectBytes,'],
  ['fast', 'the options must be an object; given "fast"'],
  [null, 'the options must be an object; given null'],
  [
    { hooks: { authorise: () => true } },
    'there is no option hooks.authorise; there are authenticate, connect, authorize, subscribe, send, deliver',
  ],
  [{ hooks: { send: true } }, 'hooks.send must be a function; given true'],
  [{ hooks: 'all' }, 'hooks must be an object; given "all"'],
  [{ hosts: 'a' }, 'hosts must be a list; given "a"'],
  [{ hosts: ['a', 7] }, 'hosts[1] must be a line of text; given 7'],
  [{ limits: { header: 3 } }, 'there is no option limits.header; there are connectBytes, headerLineBytes, headers,'],
  [{ limits: { headers: '3' } }, 'limits.headers must be a whole number, 0 or more; given "3"'],
  [{ limits: { headers: -1 } }, 'limits.headers must be a whole number, 0 or more; given -1'],
  [{ limits: { headers: 1.5 } }, 'limits.headers must be a whole number, 0 or more; given 1.5'],
  [{ limits: { headers: Number.NaN } }, 'limits.headers must be a whole number, 0 or more; given NaN'],
  [{ heartBeat: { graceFactor: 0.5 } }, 'heartBeat.graceFactor must be a number, 1 or more; given 0.5'],
  [{ heartBeat: { incomingMs: -1 } }, 'heartBeat.incomingMs must be a whole number, 0 or more; given -1'],
  [{ store: {} }, 'store must be an object with the methods apply, recover; given an object'],
  [{ store: 'disk' }, 'store must be an object with the methods apply, recover; given "disk"'],
  [{ logger: console.log }, 'logger must be an object with the methods info, warn, error; given a function'],
  [{ clock: Date }, 'clock must be an object with the methods now, epoch, soon, after; given a function'],
  [{ serverName: '' }, 'serverName must be false, or a line of text; given ""'],
  [{ serverName: 'a\nb' }, 'serverName must be false, or a line of text; given "a\\nb"'],
  [{ serverName: true }, 'serverName must be false, or a line of text; given true'],
  [{ destinations: {} }, 'destinations must be a list; given an object'],
  [
    { destinations: [{ maxMessages: 1 }] },
    'destinations[0].match must be the name of a destination, or a pattern; given undefined',
  ],
  [{ destinations: [{ match: 7 }] }, 'destinations[0].match must be a line of text; given 7'],
  [
    { destinations: [{ match: '/queue/a', maxMessage: 1 }] },
    'there is no option destinations[/queue/a].maxMessage; there are match, type, maxMessages,',
  ],
  [
    { destinations: [{ match: '/queue/a', maxDeliveries: 0 }] },
    'destinations[/queue/a].maxDeliveries must be a whole number, 1 or more; given 0',
  ],
  [
    { destinations: [{ match: '/queue/a', whenFull: 'drop' }] },
    'destinations[/queue/a].whenFull must be one of reject, drop-oldest, hold; given "drop"',
  ],
  [
    { destinations: [{ match: '/queue/a', deadLetter: true }] },
    'destinations[/queue/a].deadLetter must be false, or a line of text; given true',
  ],
  [
    { destinations: [{ match: '/queue/a', deadLetter: '/queue/*' }] },
    'destinations[/queue/a].deadLetter must be false, or a name, not a pattern; given "/queue/*"',
  ],
]

describe('createBroker', () => {
  it.each(mistakes)('throws a TypeError at %j, and says what is wrong', (options, says) => {
    expect(() => createBroker(options as BrokerOptions)).toThrow(TypeError)
    expect(() => createBroker(options as BrokerOptions)).toThrow(says)
  })

  it('takes undefined for an option that is left out', async () => {
    const broker = createBroker({ limits: { headers: undefined }, store: undefined } as unknown as BrokerOptions)
    expect(broker.stats().sessions).toBe(0)
    await broker.close()
  })

  it('takes Infinity for no limit', async () => {
    const limits = { totalBytes: Number.POSITIVE_INFINITY }
    await createBroker({
      limits,
      destinations: [{ match: '/queue/**', maxMessages: Number.POSITIVE_INFINITY }],
    }).close()
  })
})

/** Mistakes in what the broker's methods are given. */
const misuses: readonly (readonly [says: string, call: (broker: Broker) => unknown])[] = [
  ['there is no option header; there are headers, host', (it) => it.publish('/topic/a', 'x', { header: {} } as object)],
  ['the options must be an object; given null', (it) => it.publish('/topic/a', 'x', null as unknown as object)],
  ['the body must be a string or a Uint8Array; given undefined', (it) => it.publish('/topic/a', undefined as never)],
  ['the body must be a string or a Uint8Array; given an object', (it) => it.publish('/topic/a', {} as string)],
  ['the destination must be a name without NUL; given undefined', (it) => it.publish(undefined as never, 'x')],
  ['there is no option drainms; there are drainMs', (it) => it.close({ drainms: 5 } as object)],
  ['drainMs must be a number, 0 or more; given -1', (it) => it.close({ drainMs: -1 })],
  ['the options must be an object; given null', (it) => it.subscribe('/topic/a', null as unknown as object)],
  ['prefetch must be a whole number, 1 or more; given 1.5', (it) => it.subscribe('/queue/a', { prefetch: 1.5 })],
  ['the listener must be a function; given undefined', (it) => it.on('connect', undefined as never)],
  ['the event must be one of open, close, connect, disconnect,', (it) => it.on('conect' as 'connect', () => undefined)],
  ['the event must be one of open, close, connect, disconnect,', (it) => it.off('opened' as 'open', () => undefined)],
]

describe('a method of the broker', () => {
  it.each(misuses)('throws a TypeError that says: %s', async (says, call) => {
    const broker = createBroker()
    expect(() => call(broker)).toThrow(TypeError)
    expect(() => call(broker)).toThrow(says)
    await broker.close()
  })

  it('knows every event', async () => {
    const broker = createBroker()
    for (const name of EVENT_NAMES) broker.on(name, () => undefined)
    await broker.close()
  })

  it('rejects a confirmed publication with an unknown option', async () => {
    const broker = createBroker()
    await expect(broker.publishConfirmed('/topic/a', 'x', { header: {} } as object)).rejects.toThrow(
      'there is no option header',
    )
    await broker.close()
  })
})
