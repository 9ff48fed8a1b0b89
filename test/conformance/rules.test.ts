/** The protocol's tables, walked: every header that a command needs, every command in every state, every value with a form. */

import { CLIENT_COMMANDS, type ClientCommand, VERSIONS, type Version } from '@xtomp/core/codec'
import { expect } from 'vitest'
import { COMMANDS_WITH_BODY, LEGAL_COMMANDS, REQUIRED_HEADERS } from '../../packages/core/src/command/rules.js'
import { conformance } from '../support/suite.js'

/** A value for every header that some command needs. */
const VALUES: Readonly<Record<string, string>> = {
  destination: '/topic/a',
  id: '1',
  'message-id': 'x-1',
  subscription: '0',
  transaction: 't',
}

const NO_CONNECT = CLIENT_COMMANDS.filter((command) => !LEGAL_COMMANDS.connecting.includes(command))

/** Just the headers that a command must have, each with a value. */
function needs(command: ClientCommand, version: Version): (readonly [string, string])[] {
  return REQUIRED_HEADERS[command][version].map((name) => [name, VALUES[name] ?? ''] as const)
}

conformance('rules', (test) => {
  test('refuses each command without each header that it needs, missing or empty, and names it', async ({
    connect,
  }) => {
    let refused = 0
    for (const version of VERSIONS) {
      for (const command of NO_CONNECT) {
        for (const missing of REQUIRED_HEADERS[command][version]) {
          const others = needs(command, version).filter(([name]) => name !== missing)
          for (const empty of [[], [[missing, ''] as const]]) {
            const client = await connect({}, version)
            client.send(command, [...others, ...empty, ['receipt', 'r']])
            const error = await client.error('header-missing', { 'receipt-id': 'r' })
            expect(error.text).toContain(`${command} in STOMP ${version} needs the header ${missing}`)
            refused++
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(40)
  })

  test('refuses no command for a header that it does not need', async ({ connect }) => {
    for (const version of VERSIONS) {
      for (const command of NO_CONNECT) {
        const client = await connect({}, version)
        client.send(command, needs(command, version))
        const answer = await client.confirm('BEGIN', { transaction: 'after' }).catch(() => client.received[0])
        // Nothing is there to be settled, ended, committed or aborted; UNSUBSCRIBE in 1.0 has one header of two.
        if (answer?.command === 'ERROR')
          expect(answer.headers.code, `${command} in ${version}`).toMatch(
            command === 'UNSUBSCRIBE' && version === '1.0' ? /^header-missing$/ : /unknown$|^nack-unsupported$/,
          )
      }
    }
  })

  test('takes in each state the commands that are legal there, and refuses all others', async ({ client, connect }) => {
    for (const command of CLIENT_COMMANDS) {
      const early = await client()
      early.send(command, { receipt: 'r', ...VALUES })
      if (LEGAL_COMMANDS.connecting.includes(command)) await early.frame('CONNECTED')
      else await early.error('not-connected', { 'receipt-id': 'r' })
      const late = await connect()
      late.send(command, { receipt: 'r', ...VALUES })
      if (!LEGAL_COMMANDS.connected.includes(command)) await late.error('already-connected', { 'receipt-id': 'r' })
      else expect((await late.next()).headers.code ?? '').not.toMatch(/connected$/)
    }
  })

  test('takes a body in 1.1 and 1.2 from the commands that may have one, and from no other', async ({ connect }) => {
    for (const version of ['1.1', '1.2'] as const) {
      for (const command of NO_CONNECT) {
        const client = await connect({}, version)
        client.send(command, [...needs(command, version), ['receipt', 'r']], 'body')
        if (COMMANDS_WITH_BODY.includes(command)) await client.frame('RECEIPT')
        else await client.error('unexpected-body', { 'receipt-id': 'r' })
      }
    }
  })

  test('refuses a value that has no meaning, and says which header and what it must be', async ({ connect, topic }) => {
    const destination = topic('a')
    const cases: readonly (readonly [string, string, readonly string[]])[] = [
      ['SUBSCRIBE', 'ack', ['', 'Client', 'client_individual', 'auto ', 'none']],
      ['SUBSCRIBE', 'prefetch-count', ['', '-1', 'many', '1.5', '10000000000']],
      ['SEND', 'expires', ['', '-1', 'tomorrow', '1e12', '2026-11-24']],
    ]
    for (const [command, name, values] of cases) {
      for (const value of values) {
        const client = await connect()
        client.send(command, { id: '0', destination, [name]: value, receipt: 'r' })
        expect((await client.error('header-invalid', { 'receipt-id': 'r' })).text).toContain(`header ${name} must be`)
      }
    }
  })

  test('refuses a selector, rather than deliver what it would keep away', async ({ connect, topic }) => {
    for (const version of VERSIONS) {
      const client = await connect({}, version)
      client.send('SUBSCRIBE', { id: '0', destination: topic('a'), selector: "colour = 'red'", receipt: 'r' })
      await client.error('selector-unsupported', { 'receipt-id': 'r' })
    }
  })

  test('ignores headers that it does not know on every frame, and hands those of a SEND on', async ({
    client,
    connect,
    topic,
  }) => {
    const vendor = { persistent: 'true', durable: 'true', 'activemq.prefetchSize': '1', priority: '9', 'X-Mine': '1' }
    const destination = topic('a')
    const knowing = await client()
    knowing.send('CONNECT', { 'accept-version': '1.2', host: '/', 'client-id': 'me', ...vendor })
    await knowing.frame('CONNECTED')
    await knowing.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client', ...vendor })
    await knowing.confirm('SEND', { destination, ...vendor })
    const message = await knowing.frame('MESSAGE', vendor)
    await knowing.confirm('BEGIN', { transaction: 't', ...vendor })
    await knowing.confirm('ACK', { id: message.headers.ack ?? '', transaction: 't', ...vendor })
    await knowing.confirm('ABORT', { transaction: 't', ...vendor })
    await knowing.confirm('NACK', { id: message.headers.ack ?? '', ...vendor })
    await knowing.confirm('BEGIN', { transaction: 't', ...vendor })
    await knowing.confirm('COMMIT', { transaction: 't', ...vendor })
    await knowing.confirm('UNSUBSCRIBE', { id: '0', ...vendor })
    await knowing.confirm('DISCONNECT', { ...vendor })
    const other = await connect()
    await other.expectNothing()
  })

  test('tells a header by its exact name: one of another case is another header', async ({ connect, topic }) => {
    const client = await connect()
    const destination = topic('a')
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    await client.confirm('SEND', { Destination: '/topic/elsewhere', destination, 'Content-Length': '1' }, 'whole')
    const message = await client.frame('MESSAGE', { Destination: '/topic/elsewhere', destination })
    expect(message.text).toBe('whole')
    client.send('SEND', { Destination: destination })
    await client.error('header-missing')
  })

  test('writes in every MESSAGE where it was sent, who it is and whose it is', async ({ connect, queue, topic }) => {
    const ids = new Set<string>()
    for (const version of VERSIONS) {
      const consumer = await connect({}, version)
      for (const destination of [queue('a b'), topic('größe'), `${topic('a')}.b/c d`, 'plain', topic('*a')]) {
        for (const ack of ['auto', 'client', 'client-individual']) {
          await consumer.confirm('SUBSCRIBE', { id: ack, destination, ack })
          await consumer.confirm('SEND', { destination })
          const { headers } = await consumer.frame('MESSAGE', { destination, subscription: ack })
          expect(headers.redelivered).toBeUndefined()
          ids.add(headers['message-id'] ?? '')
          if (ack !== 'auto') {
            const id = version === '1.2' ? { id: headers.ack ?? '' } : { 'message-id': headers['message-id'] ?? '' }
            await consumer.confirm('ACK', { ...id, ...(version === '1.1' ? { subscription: ack } : {}) })
          }
          await consumer.confirm('UNSUBSCRIBE', { id: ack })
        }
      }
    }
    expect(ids.size).toBe(VERSIONS.length * 5 * 3)
    for (const id of ids) expect(id).toMatch(/^[0-9A-Za-z-]+$/)
  })

  test("takes other brokers' prefixes for topics, and their wildcards for characters", async ({ connect, topic }) => {
    const base = topic('a')
    const consumer = await connect()
    const names = ['/exchange/e/key', '/amq/queue/q', 'jms.queue.q', 'queue/q', `${base}.>`, `${base}.#`]
    for (const destination of names) {
      await consumer.confirm('SEND', { destination }, 'nobody is there')
      await consumer.confirm('SUBSCRIBE', { id: destination, destination })
    }
    await consumer.confirm('SEND', { destination: `${base}.b` })
    await consumer.expectNothing()
    for (const destination of names) {
      await consumer.confirm('SEND', { destination })
      await consumer.frame('MESSAGE', { destination, subscription: destination })
    }
    await consumer.expectNothing()
  })
})
