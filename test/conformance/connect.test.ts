/** CONNECT and what follows from it: versions, hosts, logins, and what may not come before or again. */

import { Refusal } from '@xtomp/core'
import { expect } from 'vitest'
import { conformance } from '../support/suite.js'
import { turn } from '../support/variants.js'

const VERSIONS = ['1.0', '1.1', '1.2']

/** What would show a stack, a path or a type of the host's to a peer. */
const INTERNALS = /\n\s+at |\.[jt]s\b|node:|Error:|stack|secret detail/

conformance('connect', (test) => {
  test('connects in each version, by CONNECT and by STOMP [63]', async ({ client }) => {
    for (const command of ['CONNECT', 'STOMP']) {
      for (const version of VERSIONS) {
        const known = await client()
        known.send(command, { 'accept-version': version, host: 'localhost' })
        await known.frame('CONNECTED', { version })
        await known.expectNothing()
        await known.disconnect()
      }
    }
  })

  test('speaks 1.0 with a client that names no version [64]', async ({ client, topic }) => {
    const destination = topic('oldest')
    const oldest = await client()
    oldest.send('CONNECT', { login: 'guest', passcode: 'guest' })
    await oldest.frame('CONNECTED')
    expect(oldest.version).toBe('1.0')
    await oldest.confirm('SUBSCRIBE', { destination })
    await oldest.confirm('SEND', { destination, text: 'no\\tescape' })
    const message = await oldest.frame('MESSAGE', { destination })
    expect(message.lines).toContain('text:no\\tescape')
    expect(message.headers.subscription).toBeUndefined()
  })

  test('agrees on the highest common version, whatever the order [65]', async ({ connect }) => {
    for (const [accepted, agreed] of [
      ['1.0,1.1,1.2', '1.2'],
      ['1.2,1.1,1.0', '1.2'],
      ['1.1,1.2,1.0', '1.2'],
      ['1.2,1.2,1.2', '1.2'],
      ['1.1,1.0', '1.1'],
      ['1.0,1.1,1.1', '1.1'],
      ['1.0', '1.0'],
      ['1.0, 1.1', '1.1'],
    ] as const) {
      const client = await connect({}, accepted)
      expect(client.version, accepted).toBe(agreed)
    }
  })

  test('falls back to the version it knows among others [66]', async ({ connect }) => {
    for (const [accepted, agreed] of [
      ['1.0,1.1,2.0', '1.1'],
      ['9.9,1.2', '1.2'],
      ['1.10,1.0', '1.0'],
      ['nonsense,,1.1', '1.1'],
      ['1,1.1.1,1.2.3,1.0', '1.0'],
    ] as const) {
      const client = await connect({}, accepted)
      expect(client.version, accepted).toBe(agreed)
    }
  })

  test('refuses a client without a common version, and names its own [67]', async ({ client }) => {
    for (const accepted of ['2.0', '1.3,1.4', '', '1.2.0', 'x'.repeat(200)]) {
      const unknown = await client()
      unknown.send('CONNECT', { 'accept-version': accepted, host: 'localhost' })
      const error = await unknown.error('version-unsupported')
      expect(error.headers.version?.split(',').sort()).toEqual(['1.0', '1.1', '1.2'])
    }
  })

  test('says version, session, server and heart-beat in CONNECTED [68]', async ({ client }) => {
    const sessions = new Set<string>()
    for (const version of VERSIONS) {
      const any = await client()
      const { headers, body } = await any.connect({}, version)
      expect(headers).toMatchObject({ version, server: expect.stringMatching(/^xtomp(\/|$)/) })
      expect(headers['heart-beat']).toMatch(/^\d+,\d+$/)
      expect(headers.session).toMatch(/^[0-9A-Za-z-]+$/)
      expect(body).toHaveLength(0)
      sessions.add(headers.session as string)
    }
    expect(sessions.size).toBe(VERSIONS.length)
  })

  test('names itself as it is told to, or not at all [68]', async ({ open, client }) => {
    await open({ serverName: false })
    const any = await client()
    expect((await any.connect()).headers.server).toBeUndefined()
  })

  test('takes a connection as in the specification, or without a host [70]', async ({ client }) => {
    const spec = await client()
    spec.write('CONNECT\naccept-version:1.2\nhost:stomp.github.org\n\n\0')
    await spec.frame('CONNECTED', { version: '1.2' })
    for (const version of VERSIONS) {
      const homeless = await client()
      homeless.write(`CONNECT\naccept-version:${version}\n\n\0`)
      await homeless.frame('CONNECTED', { version })
    }
  })

  test('puts all hosts into one space while none are configured [70]', async ({ client, topic }) => {
    const destination = topic('shared')
    const one = await client()
    one.write('CONNECT\naccept-version:1.2\nhost:one\n\n\0')
    await one.frame('CONNECTED')
    await one.confirm('SUBSCRIBE', { id: '0', destination })
    const two = await client()
    two.write('CONNECT\naccept-version:1.2\nhost:two\n\n\0')
    await two.frame('CONNECTED')
    await two.confirm('SEND', { destination }, 'from two')
    expect((await one.frame('MESSAGE')).text).toBe('from two')
  })

  test('refuses an unknown host where hosts are configured, and shares nothing between them [70]', async (env) => {
    await env.open({ hosts: ['one', 'two'] })
    const connected = async (lines: string) => {
      const client = await env.client()
      client.write(`CONNECT\naccept-version:1.2\n${lines}\n\0`)
      await client.frame('CONNECTED')
      return client
    }
    for (const version of VERSIONS) {
      const stranger = await env.client()
      stranger.write(`CONNECT\naccept-version:${version}\nhost:three\n\n\0`)
      await stranger.error('host-unknown')
    }
    const queue = env.queue('same')
    const topic = env.topic('same')
    const [one, two, none] = [await connected('host:one\n'), await connected('host:two\n'), await connected('')]
    for (const client of [two, none]) {
      await client.confirm('SUBSCRIBE', { id: 'q', destination: queue })
      await client.confirm('SUBSCRIBE', { id: 't', destination: topic })
    }
    await one.confirm('SEND', { destination: queue }, 'kept')
    await one.confirm('SEND', { destination: topic }, 'lost')
    await two.expectNothing()
    await none.expectNothing()
    await one.confirm('SUBSCRIBE', { id: 'q', destination: queue })
    expect((await one.frame('MESSAGE')).text).toBe('kept')
  })

  test('refuses a wrong user, a wrong passcode and no credentials, and tells nothing more [71]', async (env) => {
    await env.open({
      hooks: {
        authenticate: ({ login, passcode }) => {
          if (login === 'broken') throw new Error('secret detail')
          if (login === 'suspended') throw new Refusal('account-suspended', 'pay your bill first')
          return login === 'ada' && passcode === 'right' && { name: login }
        },
      },
    })
    const refused = async (credentials: Record<string, string>, code: string) => {
      const client = await env.client()
      client.send('CONNECT', { 'accept-version': '1.2', host: 'localhost', ...credentials })
      client.send('SEND', { destination: '/topic/a' })
      const error = await client.error(code)
      expect(error.headers.message).toBeTruthy()
      expect(Buffer.from(error.raw).toString()).not.toMatch(INTERNALS)
      return error
    }
    await refused({ login: 'nobody', passcode: 'right' }, 'auth-failed')
    await refused({ login: 'ada', passcode: 'wrong' }, 'auth-failed')
    await refused({ login: 'ada' }, 'auth-failed')
    await refused({ passcode: 'right' }, 'auth-failed')
    await refused({}, 'auth-failed')
    const suspended = await refused({ login: 'suspended' }, 'account-suspended')
    expect(suspended.text).toContain('pay your bill first')
    expect(env.faults).toEqual([])
    await refused({ login: 'broken' }, 'hook-failed')
    expect(env.faults.splice(0)).toHaveLength(1)
    await env.connect({ login: 'ada', passcode: 'right' })
  })

  test('refuses a user whom the connect hook does not want [71]', async (env) => {
    await env.open({ hooks: { connect: ({ headers }) => headers.get('login') !== 'late' } })
    const late = await env.client()
    late.send('CONNECT', { 'accept-version': '1.2', login: 'late' })
    await late.error('access-refused')
    await env.connect({ login: 'early' })
  })

  test('refuses every frame before CONNECT, and goes on serving others [73]', async ({ client, connect, queue }) => {
    const destination = queue('early')
    const other = await connect()
    await other.confirm('SUBSCRIBE', { id: '0', destination })
    for (const frame of [
      `SEND\ndestination:${destination}\n\nearly`,
      `SUBSCRIBE\nid:0\ndestination:${destination}\n\n`,
      'UNSUBSCRIBE\nid:0\n\n',
      'ACK\nid:0\n\n',
      'NACK\nid:0\n\n',
      'BEGIN\ntransaction:t\n\n',
      'COMMIT\ntransaction:t\n\n',
      'ABORT\ntransaction:t\n\n',
      'DISCONNECT\n\n',
      'SEND\n\n',
    ]) {
      const early = await client()
      early.write(`${frame}\0CONNECT\naccept-version:1.2\n\n\0`)
      await early.error('not-connected')
    }
    await other.expectNothing()
  })

  test('refuses a second CONNECT or STOMP [74]', async ({ connect, client }) => {
    for (const command of ['CONNECT', 'STOMP']) {
      const twice = await connect()
      twice.send(command, { 'accept-version': '1.2', host: 'localhost' })
      await twice.error('already-connected')
      const atOnce = await client()
      atOnce.write(`CONNECT\naccept-version:1.2\n\n\0${command}\naccept-version:1.2\n\n\0`)
      await atOnce.frame('CONNECTED')
      await atOnce.error('already-connected')
    }
  })

  test('closes a connection without a whole CONNECT in time, and leaves the others alone [75]', async (env) => {
    await env.open({ limits: { connectTimeoutMs: 5_000 }, heartBeat: { incomingMs: 0, outgoingMs: 0 } })
    const connected = await env.connect()
    const silent = await env.client()
    const slow = await env.client()
    slow.write('CONNECT\naccept-ver')
    const beating = await env.client()
    beating.write('\n\n')
    await connected.roundTrip()
    await env.clock.advance(4_900)
    for (const client of [silent, slow, beating]) expect(client.received).toEqual([])
    slow.write('sion:1.2\n')
    beating.write('\n')
    await connected.roundTrip()
    await env.clock.advance(400)
    for (const client of [silent, slow, beating]) await client.error('connect-timeout')
    await env.clock.advance(60_000)
    await connected.expectNothing()
  })

  test('ends a client that no hook answers in time, whose fault that is not [75]', async (env) => {
    const asked: string[] = []
    const broker = await env.open({
      limits: { connectTimeoutMs: 5_000 },
      hooks: { authenticate: ({ login }) => (login === 'ann' ? 'ann' : new Promise(() => asked.push(login ?? ''))) },
    })
    const connected = await env.connect({ login: 'ann' })
    const [waiting, gone] = [await env.client(), await env.client()]
    for (const client of [waiting, gone]) {
      client.send('CONNECT', { 'accept-version': '1.2', host: '/' })
      // What follows waits, and never takes effect.
      client.send('SEND', { destination: '/queue/a' }, 'x')
    }
    await env.until(() => asked.length === 2)
    gone.abort()
    // A UNIX socket knows no reset: there the client has only said all that it has to say.
    if (env.door !== 'unix socket') await env.until(() => broker.stats().sessions === 2)
    await env.clock.advance(4_800)
    expect(waiting.received).toEqual([])
    await env.clock.advance(400)
    const error = await waiting.error('connect-timeout')
    expect(error.text).toContain('the broker did not answer')
    await connected.roundTrip()
    await env.until(() => broker.stats().sessions === 1)
    expect(broker.stats()).toMatchObject({ messages: 0, bytes: 0 })
    await env.clock.advance(60_000)
    expect(broker.stats()).toMatchObject({ alarms: 0 })
  })

  test('waits 10 s for a CONNECT when nothing is said [75]', async ({ client, connect, clock }) => {
    const silent = await client()
    const prompt = await connect()
    await clock.advance(9_900)
    await prompt.roundTrip()
    expect(silent.received).toEqual([])
    await clock.advance(400)
    await silent.error('connect-timeout')
    await prompt.expectNothing()
  })

  test('takes 64 KiB before the login, and the full limit after it [76]', async ({ connect, client, topic }) => {
    const large = await client()
    const lines = Array.from({ length: 5 }, (_, at) => `x${at}:${'v'.repeat(14_000)}\n`).join('')
    large.write(`CONNECT\naccept-version:1.2\n${lines}\n\0`)
    const error = await large.error('connect-too-large')
    expect(error.text).toContain('limits.connectBytes')
    const stranger = await client()
    stranger.write(`SEND\ndestination:/topic/a\ncontent-length:100000\n\n`)
    await stranger.frame('ERROR')
    await stranger.expectClosed()
    const destination = topic('large')
    const known = await connect()
    await known.confirm('SUBSCRIBE', { id: '0', destination })
    known.write(`SEND\ndestination:${destination}\n${lines}\n${'b'.repeat(100_000)}\0`)
    expect((await known.frame('MESSAGE')).body).toHaveLength(100_000)
    // What is pipelined behind a CONNECT waits for it, and is no part of it.
    const piped = await client()
    piped.write(`CONNECT\naccept-version:1.2\n\n\0SEND\ndestination:${destination}\n\n${'b'.repeat(100_000)}\0`)
    await piped.frame('CONNECTED')
    expect((await known.frame('MESSAGE')).body).toHaveLength(100_000)
  })

  test('keeps nothing of clients that come and go [77]', async ({ broker, client, connect, queue, topic, until }) => {
    const stays = await connect()
    await stays.roundTrip()
    const before = broker.stats()
    for (let round = 0; round < 30; round++) {
      const [silent, half, lost, polite] = [await client(), await client(), await connect(), await connect()]
      half.write('CONNECT\naccept-')
      await lost.confirm('SUBSCRIBE', { id: '0', destination: topic('loop') })
      await lost.confirm('BEGIN', { transaction: 't' })
      await lost.confirm('SEND', { destination: '/topic/a', transaction: 't' }, 'never')
      await polite.confirm('SUBSCRIBE', { id: '0', destination: queue('loop'), ack: 'client' })
      silent.end()
      half.abort()
      lost.abort()
      await polite.disconnect()
    }
    await until(() => broker.stats().sessions === 1, 'one session')
    expect(broker.stats()).toEqual(before)
    await stays.expectNothing()
  })

  test('takes frames that follow a CONNECT at once, and does them after it [63]', async ({ client, topic }) => {
    const destination = topic('at once')
    const eager = await client()
    eager.write(
      `CONNECT\naccept-version:1.2\nhost:localhost\n\n\0SUBSCRIBE\nid:0\ndestination:${destination}\nreceipt:r\n\n\0` +
        `SEND\ndestination:${destination}\n\nhello\0DISCONNECT\nreceipt:bye\n\n\0`,
    )
    await turn()
    await eager.frame('CONNECTED')
    await eager.frame('RECEIPT', { 'receipt-id': 'r' })
    expect((await eager.frame('MESSAGE')).text).toBe('hello')
    await eager.frame('RECEIPT', { 'receipt-id': 'bye' })
    await eager.expectClosed()
  })
})
