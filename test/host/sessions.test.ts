/** What a host can see of its sessions and destinations, and how it ends one of them. */

import { type CloseReason, createBroker } from '@xtomp/core'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { conformance, overMemory } from '../support/suite.js'

conformance('a session', (test) => {
  test('is told from its connection to its end, with the reason of it', async ({ open, connect, client, until }) => {
    const broker = await open()
    const heard = new Heard(broker, ['open', 'close', 'connect', 'disconnect'])
    const polite = await connect()
    await polite.disconnect()
    await until(() => heard.names.includes('close'))
    expect(heard.names).toEqual(['open', 'connect', 'disconnect', 'close'])
    const stranger = await client()
    stranger.write('HELLO\n\n\0')
    await stranger.error('bad-command')
    await until(() => heard.of('close').length === 2)
    const lost = await connect()
    lost.abort()
    await until(() => heard.of('close').length === 3)
    expect(heard.names.slice(4)).toEqual(['open', 'close', 'open', 'connect', 'disconnect', 'close'])
    const codes = heard.of('close').map(({ reason }) => reason.code)
    expect(codes.slice(0, 2)).toEqual(['disconnect', 'bad-command'])
    expect(codes[2]).toMatch(/^peer-/)
    expect(heard.of('close').map(({ session }) => session.id)).toEqual(
      heard.of('open').map(({ session }) => session.id),
    )
  })
})

overMemory('sessions', (test) => {
  test('are seen one by one, each as it is at that moment', async ({ open, connect, client, until }) => {
    const broker = await open({ hooks: { authenticate: ({ login }) => ({ name: login ?? 'nobody' }) } })
    await client()
    const ann = await connect({ login: 'ann' })
    await ann.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client' })
    await ann.confirm('SEND', { destination: '/queue/a' }, 'x')
    await ann.frame('MESSAGE')
    const [first, second, ...others] = [...broker.sessions()]
    expect(others).toEqual([])
    expect(first).toMatchObject({ state: 'connecting', version: undefined, subscriptions: 0, unacknowledged: 0 })
    expect(second).toMatchObject({ state: 'connected', version: '1.2', subscriptions: 1, unacknowledged: 1 })
    expect(second?.user).toEqual({ name: 'ann' })
    expect(second?.connection.transport).toBe('memory')
    await until(() => [...broker.sessions()][1]?.unsentBytes === 0)
  })

  test('are ended by the host, with a reason of its own or none', async ({ open, connect, until }) => {
    const broker = await open()
    const heard = new Heard(broker)
    const clients = [await connect(), await connect()]
    const [one, two] = [...broker.sessions()]
    one?.close()
    two?.close({ code: 'token-expired', message: 'your token has expired; log in again' })
    await clients[0]?.error('session-closed')
    expect((await clients[1]?.error('token-expired'))?.text).toContain('log in again')
    await until(() => broker.stats().sessions === 0)
    expect(heard.of('disconnect').map(({ reason }) => reason.code)).toEqual(['session-closed', 'token-expired'])
    one?.close()
  })

  test('are not ended by a reason whose code is no word, which is told to whoever gave it', async ({
    open,
    connect,
  }) => {
    const broker = await open()
    const client = await connect()
    const [session] = [...broker.sessions()]
    expect(() => session?.close({ message: 'go' } as CloseReason)).toThrow('a code must be a word; given undefined')
    await client.confirm('SEND', { destination: '/topic/a' })
  })

  test('are ended from within a hook and an event, without harm to the rest', async ({ open, connect, until }) => {
    const broker = await open({
      hooks: {
        send: (message, { session }) => {
          if (message.text() === 'bye') session.close({ code: 'enough', message: 'that was it' })
        },
      },
    })
    broker.on('deliver', ({ session, message }) => {
      if (message.text() === 'last') session.close()
    })
    const [first, second, third] = [await connect(), await connect(), await connect()]
    for (const client of [first, second]) await client?.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    third?.send('SEND', { destination: '/topic/a' }, 'bye')
    await third?.error('enough')
    broker.publish('/topic/a', 'last')
    for (const client of [first, second]) {
      await client?.frame('MESSAGE')
      await client?.error('session-closed')
    }
    await until(() => broker.stats().sessions === 0)
  })

  test('tell of each delivery, as it is shown', async ({ open, connect }) => {
    const broker = await open({ hooks: { deliver: (message) => message.with({ body: message.text().toUpperCase() }) } })
    const heard = new Heard(broker, ['deliver'])
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '7', destination: '/topic/a' })
    broker.publish('/topic/a', 'x')
    await client.frame('MESSAGE')
    expect(heard.of('deliver')).toMatchObject([{ subscription: { id: '7', destination: '/topic/a', ackMode: 'auto' } }])
    expect(heard.of('deliver')[0]?.message.text()).toBe('X')
  })

  test('tell of a limit, with what was seen and the option that moves it', async ({ open, connect }) => {
    const broker = await open({
      limits: { headers: 3, totalBytes: 5_000 },
      destinations: [{ match: '/queue/full', maxMessages: 0 }],
    })
    const heard = new Heard(broker, ['limit'])
    for (const [lines, code] of [
      ['destination:/topic/a\na:1\nb:2\nc:3\n', 'headers-too-many'],
      ['destination:/queue/full\n', 'queue-full'],
      [`destination:/queue/a\n\n${'x'.repeat(5_000)}`, 'memory-full'],
    ] as const) {
      const client = await connect()
      client.write(`SEND\n${lines}\n\0`)
      await client.error(code)
    }
    expect(heard.of('limit').map(({ error }) => error.excess)).toMatchObject([
      { option: 'limits.headers', limit: 3, seen: 4, unit: 'headers' },
      { option: 'destinations[].maxMessages', limit: 0, seen: 1, unit: 'messages', what: '/queue/full' },
      { option: 'limits.totalBytes', limit: 5_000, unit: 'octets' },
    ])
    const client = await connect()
    client.send('SEND', { destination: '' })
    await client.error('header-missing')
    expect(heard.names).toHaveLength(3)
  })

  test('are told that the broker drains', async ({ open, connect }) => {
    const broker = await open()
    const heard = new Heard(broker, ['drain', 'disconnect', 'close'])
    await connect()
    await broker.close({ drainMs: 20 })
    expect(heard.names).toEqual(['drain', 'disconnect', 'close'])
    expect(heard.of('drain')).toEqual([{ drainMs: 20 }])
  })
})

overMemory('destinations', (test) => {
  test('are seen one by one, with what they hold and who is subscribed', async ({ open, connect }) => {
    const broker = await open({ hosts: ['eu'] })
    for (const body of ['a', 'b']) broker.publish('/queue/jobs', body, { host: 'eu' })
    const client = await connect([['host', 'eu']]).catch(() => undefined)
    expect(client).toBeUndefined()
    broker.subscribe('/topic/news', {}, () => undefined)
    expect([...broker.destinations()]).toEqual([
      { host: '', name: '/topic/news', type: 'topic', messages: 0, bytes: 0, subscriptions: 1 },
      { host: 'eu', name: '/queue/jobs', type: 'queue', messages: 2, bytes: expect.any(Number), subscriptions: 0 },
    ])
    expect([...broker.destinations()][1]?.bytes).toBe(broker.stats().bytes)
  })

  test('stop at nothing that comes and goes while they are looked at', async ({ open }) => {
    const broker = await open()
    for (let number = 0; number < 100; number++) broker.publish(`/queue/${number}`, 'x')
    let seen = 0
    for (const { name } of broker.destinations()) {
      seen++
      if (seen <= 10) broker.subscribe(name, {}, () => undefined).unsubscribe()
      if (seen === 50) break
    }
    expect(seen).toBe(50)
  })
})

overMemory('a broker', (test) => {
  test('is closed at the end of the block that it was made for', async () => {
    const closed: string[] = []
    {
      await using broker = createBroker()
      broker.on('drain', () => closed.push('drain'))
      broker.publish('/queue/a', 'x')
    }
    expect(closed).toEqual(['drain'])
  })
})
