/** ERROR: what it tells, that it arrives, and what it keeps to itself. */

import { type Hooks, Refusal } from '@xtomp/core'
import { expect } from 'vitest'
import { conformance } from '../support/suite.js'
import type { WireClient } from '../support/wire-client.js'

const VERSIONS = ['1.0', '1.1', '1.2']

/** Every frame that a client may send, each wrong in one way, and the code of what is wrong. */
const wrong: readonly (readonly [command: string, headers: Record<string, string>, code: string])[] = [
  ['SEND', {}, 'header-missing'],
  ['SEND', { destination: '/topic/a', transaction: 'none' }, 'transaction-unknown'],
  ['SEND', { destination: '/user/a' }, 'destination-reserved'],
  ['SUBSCRIBE', { id: '0' }, 'header-missing'],
  ['UNSUBSCRIBE', { id: 'none' }, 'subscription-unknown'],
  ['ACK', { id: 'none', 'message-id': 'none', subscription: 'none' }, 'ack-unknown'],
  ['BEGIN', {}, 'header-missing'],
  ['COMMIT', { transaction: 'none' }, 'transaction-unknown'],
  ['ABORT', { transaction: 'none' }, 'transaction-unknown'],
  ['CONNECT', { 'accept-version': '1.2', host: 'localhost' }, 'already-connected'],
  ['NONSENSE', {}, 'bad-command'],
]

conformance('errors', (test) => {
  test('names the receipt of the frame at fault, answers those before it, and closes [185]', async ({
    connect,
    queue,
  }) => {
    for (const version of VERSIONS) {
      for (const [command, headers, code] of wrong) {
        const client = await connect({}, version)
        client.send('SEND', { destination: queue('before'), receipt: 'before' })
        client.send(command, { ...headers, receipt: 'of the wrong one' })
        client.send('SEND', { destination: queue('after'), receipt: 'after' })
        await client.frame('RECEIPT', { 'receipt-id': 'before' })
        // Of a frame that is none, no header is known.
        const named = command === 'NONSENSE' ? {} : { 'receipt-id': 'of the wrong one' }
        const error = await client.error(code, named)
        if (command === 'NONSENSE') expect(error.headers).not.toHaveProperty('receipt-id')
      }
    }
  })

  test('names no receipt where none was asked for [185]', async ({ connect, topic }) => {
    const client = await connect()
    client.send('SEND', { destination: topic('a'), receipt: 'other' })
    await client.frame('RECEIPT', { 'receipt-id': 'other' })
    client.send('SEND', {})
    expect((await client.error('header-missing')).headers).not.toHaveProperty('receipt-id')
  })

  test('says what is wrong: message, code, content-type and a body to read, which ends at its NUL [186]', async ({
    connect,
  }) => {
    for (const version of VERSIONS) {
      for (const [command, headers, code] of wrong) {
        const client = await connect({}, version)
        client.send(command, headers)
        const error = await client.error(code)
        expect(error.headers.message).toMatch(/^.{3,60}$/)
        expect(error.headers['content-type']).toBe('text/plain')
        // With one, stompit ends its process.
        expect(error.headers).not.toHaveProperty('content-length')
        // A sentence, and the end of its line: somebody may be typing by hand.
        expect(error.text).toMatch(/^.{10,}\n$/)
        expect(error.headers).not.toHaveProperty('version')
      }
    }
  })

  test('lists the versions that there are to a client that has none of them [186]', async ({ client }) => {
    const foreign = await client()
    foreign.send('CONNECT', { 'accept-version': '2.0,0.9', host: 'localhost' })
    const error = await foreign.error('version-unsupported', { version: '1.0,1.1,1.2', 'content-type': 'text/plain' })
    expect(error.headers.message).toBeTruthy()
    for (const version of VERSIONS) expect(error.text).toContain(version)
  })

  test('reaches the client before the end, though it is in the midst of sending much more [188]', async ({
    connect,
    topic,
  }) => {
    const destination = topic('much')
    const more = `SEND\ndestination:${destination}\n\n${'m'.repeat(10_000)}\0`.repeat(50)
    for (let times = 0; times < 5; times++) {
      const client = await connect()
      client.write(`SEND\n\n\0${more}`)
      for (let writes = 0; writes < 10; writes++) client.write(more)
      await client.error('header-missing')
    }
  })

  test('comes behind what was sent before, to a client that was not reading [188]', async ({ connect, topic }) => {
    const destination = topic('large')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    const producer = await connect()
    client.pause()
    const large = 'l'.repeat(8_000_000)
    await producer.confirm('SEND', { destination }, large)
    client.send('UNSUBSCRIBE', { id: 'nobody', receipt: 'r' })
    for (let trips = 0; trips < 5; trips++) await producer.roundTrip()
    client.resume()
    expect((await client.frame('MESSAGE')).text === large).toBe(true)
    await client.error('subscription-unknown', { 'receipt-id': 'r' })
  })

  /** Failures as they come from real code, and words of theirs that nobody else is to see. */
  const failures: readonly (() => never)[] = [
    () => {
      throw new Error('connect ECONNREFUSED db.internal:5432 password=hunter2')
    },
    () => {
      throw Object.assign(new TypeError('password=hunter2'), { code: 'ERR_INTERNAL', user: 'hunter2' })
    },
    () => {
      throw 'password=hunter2'
    },
    () => {
      throw { message: 'password=hunter2', code: 'access-refused' }
    },
  ]
  const asked: Readonly<Record<'authenticate' | 'connect' | 'authorize' | 'subscribe' | 'send', string>> = {
    authenticate: 'CONNECT',
    connect: 'CONNECT',
    authorize: 'SEND',
    subscribe: 'SUBSCRIBE',
    send: 'SEND',
  }
  for (const [hook, command] of Object.entries(asked)) {
    test(`tells nothing of what went wrong inside the hook ${hook} [189]`, async ({ open, client, topic, faults }) => {
      let fail = failures[0] as () => never
      await open({ hooks: { [hook]: () => fail() } as Hooks })
      for (const failure of failures) {
        fail = failure
        const refused = await client()
        if (command !== 'CONNECT') await refused.connect({ login: 'me', passcode: 'swordfish' })
        const headers = command === 'CONNECT' ? { 'accept-version': '1.2', login: 'me', passcode: 'swordfish' } : {}
        refused.send(command, { ...headers, id: '0', destination: topic('a'), receipt: 'r' })
        const error = await refused.error('hook-failed', { 'receipt-id': 'r' })
        expectNoInternals(error.raw)
      }
      // Whoever runs the broker hears of it.
      expect(faults.splice(0)).toHaveLength(failures.length)
    })
  }

  test('tells of a refusal what the host says of it, and nothing more [189]', async ({ open, client, connect }) => {
    await open({
      hooks: {
        authenticate: ({ login }) => {
          if (login === 'suspended') throw new Refusal('account-suspended', 'pay your bill first', { cause: 'hunter2' })
          return login === 'me' ? { name: 'me' } : undefined
        },
        authorize: () => false,
      },
    })
    const refused = async (login: string): Promise<WireClient> => {
      const opened = await client()
      opened.send('CONNECT', { 'accept-version': '1.2', host: 'localhost', login, passcode: 'swordfish' })
      return opened
    }
    const suspended = await (await refused('suspended')).error('account-suspended')
    expect(suspended.text).toBe('pay your bill first\n')
    const unknown = await (await refused('somebody')).error('auth-failed')
    const user = await connect({ login: 'me' })
    user.send('SEND', { destination: '/topic/a' })
    const forbidden = await user.error('access-refused')
    for (const { raw } of [suspended, unknown, forbidden]) expectNoInternals(raw)
  })

  test('tells nothing of a store that fails [189]', async ({ open, connect, queue, faults }) => {
    const apply = () => Promise.reject(new Error('ENOSPC: /var/lib/broker password=hunter2'))
    await open({ store: { apply, async *recover() {} } })
    const client = await connect()
    client.send('SEND', { destination: queue('a'), receipt: 'r' })
    const error = await client.error('store-failed', { 'receipt-id': 'r' })
    expectNoInternals(error.raw)
    expect(error.text).not.toContain('ENOSPC')
    expect(faults.splice(0)).toHaveLength(1)
  })
})

/** No words of a failure, no place in the code, and nothing that the client itself should keep to itself. */
function expectNoInternals(octets: Uint8Array): void {
  const text = new TextDecoder().decode(octets)
  expect(text).not.toMatch(/hunter2|swordfish|password|db\.internal|ECONNREFUSED/)
  expect(text).not.toMatch(/\bat .*:\d+|node_modules|\.[jt]s\b|file:/)
}
