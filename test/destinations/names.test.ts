/** Names: what stands behind them, which are refused, what patterns match, and when they are forgotten. */

import type { DestinationRule } from '@xtomp/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPattern, matches, RESERVED_PREFIXES } from '../../packages/core/src/destination/name.js'
import { PatternTrie } from '../../packages/core/src/destination/pattern-trie.js'
import { conformance, overMemory } from '../support/suite.js'

describe('patterns', () => {
  const segment = fc.constantFrom('a', 'b', 'cc', '', 'a*')
  const name = fc.array(segment, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('/')}`)
  const pattern = fc
    .array(fc.oneof(segment, fc.constantFrom('*', '**')), { minLength: 1, maxLength: 6 })
    .map((parts) => `/${parts.join('.')}`)

  /** The rule as it is told, without any cleverness. */
  function obeys(wanted: readonly string[], given: readonly string[]): boolean {
    const [first, ...rest] = wanted
    if (first === undefined) return given.length === 0
    if (first === '**') return Array.from({ length: given.length + 1 }).some((_, at) => obeys(rest, given.slice(at)))
    return given.length > 0 && (first === '*' || first === given[0]) && obeys(rest, given.slice(1))
  }

  it('match as it is told: * is one whole segment, ** any number, a * inside a segment is a character', () => {
    fc.assert(
      fc.property(pattern, name, (wanted, given) => {
        expect(matches(wanted, given)).toBe(obeys(wanted.split(/[/.]/), given.split(/[/.]/)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('are found by a name in the trie as they match one by one, whatever was added and taken out', () => {
    const step = fc.record({ pattern, isAdded: fc.boolean(), value: fc.integer({ min: 0, max: 2 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(name, { maxLength: 10 }), (steps, names) => {
        const trie = new PatternTrie<number>()
        const model = new Set<string>()
        for (const { pattern: each, isAdded, value } of steps) {
          if (isAdded) trie.add(each, value)
          else trie.delete(each, value)
          if (isAdded) model.add(`${each} ${value}`)
          else model.delete(`${each} ${value}`)
        }
        expect(trie.size).toBe(model.size)
        for (const given of names) {
          const values = [...model].filter((entry) => matches(entry.split(' ')[0] ?? '', given))
          const expected = new Set(values.map((entry) => Number(entry.split(' ')[1])))
          expect(trie.match(given).sort()).toEqual([...expected].sort())
        }
      }),
      { numRuns: 500 },
    )
  })

  it('are told from names by a whole segment', () => {
    for (const each of ['*', '**', '/topic/*', '/topic/a.*.b', '/topic/**', '*.a']) expect(isPattern(each)).toBe(true)
    for (const each of ['', '/topic/a', '/topic/a*', '/topic/*a', '/topic/***', '/topic/a**b'])
      expect(isPattern(each)).toBe(false)
  })

  it('take a time that grows with pattern and name, not one for every way to match', () => {
    const hostile = `/${Array.from({ length: 30 }, () => '**.a').join('.')}.b`
    const given = `/${Array.from({ length: 500 }, () => 'a').join('.')}`
    expect(matches(hostile, given)).toBe(false)
    const trie = new PatternTrie<number>()
    trie.add(hostile, 1)
    expect(trie.match(given)).toEqual([])
    expect(trie.match(`${given}.b`)).toEqual([1])
  })
})

conformance('a subscription to a pattern', (test) => {
  test('gets a message once, each subscription that matches for itself, topics that come later included', async ({
    connect,
    topic,
  }) => {
    const base = topic('tree')
    const client = await connect()
    for (const [id, destination] of [
      ['exact', `${base}.a.b`],
      ['one', `${base}.*.b`],
      ['any', `${base}.**`],
      ['twice', `${base}.**.**`],
      ['other', `${base}.x.**`],
      ['gone', `${base}.**`],
    ] as const)
      await client.confirm('SUBSCRIBE', { id, destination })
    await client.confirm('UNSUBSCRIBE', { id: 'gone' })
    const producer = await connect()
    await producer.confirm('SEND', { destination: `${base}.a.b` }, '1')
    await producer.confirm('SEND', { destination: `${base}/c` }, '2')
    await client.roundTrip()
    const got = client.received.map(({ text, headers }) => `${text} ${headers.subscription} ${headers.destination}`)
    expect([...got].sort()).toEqual(
      [
        `1 exact ${base}.a.b`,
        `1 one ${base}.a.b`,
        `1 any ${base}.a.b`,
        `1 twice ${base}.a.b`,
        `2 any ${base}/c`,
        `2 twice ${base}/c`,
      ].sort(),
    )
  })

  test('is refused over queues, and a pattern is refused as the destination of a SEND', async ({ connect, queue }) => {
    for (const [command, headers] of [
      ['SUBSCRIBE', { id: '0', destination: `${queue('a')}.*` }],
      ['SUBSCRIBE', { id: '0', destination: '/queue/**' }],
      ['SEND', { destination: '/topic/*' }],
      ['SEND', { destination: '/queue/**' }],
    ] as const) {
      const client = await connect()
      client.send(command, headers)
      await client.error('pattern-refused')
    }
  })

  test('may have ** twice, and no more often', async ({ connect, topic }) => {
    const [two, three] = [`${topic('a')}.**.b.**`, `${topic('a')}.**.b.**.c.**`]
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: two })
    client.send('SUBSCRIBE', { id: '1', destination: three })
    expect((await client.error('pattern-refused')).text).toContain('more than 2 segments that are **')
  })

  test('takes a star inside a segment for a character', async ({ connect, topic }) => {
    const destination = `${topic('a')}*`
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    await client.confirm('SEND', { destination }, 'x')
    await client.frame('MESSAGE', { destination })
  })
})

conformance('reserved names', (test) => {
  test('are refused in SEND and SUBSCRIBE, in a transaction too, and names like them are not', async ({ connect }) => {
    for (const prefix of RESERVED_PREFIXES) {
      for (const send of [true, false]) {
        const client = await connect()
        if (send) client.send('SEND', { destination: `${prefix}a` })
        else client.send('SUBSCRIBE', { id: '0', destination: `${prefix}a` })
        const error = await client.error('destination-reserved')
        expect(error.text).toContain(prefix)
      }
      const client = await connect()
      await client.confirm('SUBSCRIBE', { id: '0', destination: prefix.slice(0, -1) })
      await client.confirm('SEND', { destination: `/topic${prefix}a` })
      await client.confirm('BEGIN', { transaction: 't' })
      client.send('SEND', { destination: `${prefix}a`, transaction: 't' })
      await client.error('destination-reserved')
    }
  })
})

overMemory('what stands behind a name', (test) => {
  test('is a queue under /queue/ and a topic under any other, unless a rule says otherwise', async (env) => {
    const rules: readonly DestinationRule[] = [
      { match: '/topic/kept', type: 'queue' },
      { match: 'jobs.**', type: 'queue' },
      { match: '/queue/news.*', type: 'topic' },
      { match: '/queue/news.*', type: 'queue' },
      { match: '/topic/kept', type: 'topic' },
    ]
    const broker = await env.open({ destinations: rules })
    const queues = ['/queue/a', '/queue/', '/queue/news', '/topic/kept', 'jobs', 'jobs.a.b']
    const topics = ['/topic/a', '/queue', 'queue/a', '/Queue/a', 'a', '/queue/news.a', 'jobs2']
    for (const destination of [...queues, ...topics]) broker.publish(destination, destination)
    expect(broker.stats()).toMatchObject({ messages: queues.length, destinations: queues.length })
    const client = await env.connect()
    for (const destination of queues) {
      await client.confirm('SUBSCRIBE', { id: destination, destination })
      expect((await client.frame('MESSAGE')).text).toBe(destination)
    }
    // A rule that makes a pattern's names queues makes the pattern one over queues.
    client.send('SUBSCRIBE', { id: 'p', destination: 'jobs.*' })
    await client.error('pattern-refused')
  })

  test('takes undefined in a rule for the default', async (env) => {
    const rule = { match: '/queue/a', maxMessages: undefined, deadLetter: undefined, type: undefined }
    const broker = await env.open({ destinations: [rule as unknown as DestinationRule] })
    broker.publish('/queue/a', 'x')
    const client = await env.connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client' })
    await client.confirm('NACK', { id: (await client.frame('MESSAGE')).headers.ack ?? '', requeue: 'false' })
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    expect(broker.stats()).toMatchObject({ messages: 1, destinations: 1 })
  })

  test('is forgotten when it holds nothing and nobody is subscribed', async (env) => {
    const broker = await env.open()
    const client = await env.connect()
    const destinations = (): number => broker.stats().destinations
    for (const destination of ['/queue/a', '/topic/a', '/topic/*']) {
      await client.confirm('SUBSCRIBE', { id: '0', destination })
      await client.confirm('SUBSCRIBE', { id: '1', destination, ack: 'client' })
      if (destination !== '/topic/*') expect(destinations()).toBe(1)
      await client.confirm('UNSUBSCRIBE', { id: '0' })
      if (destination !== '/topic/*') expect(destinations()).toBe(1)
      await client.confirm('UNSUBSCRIBE', { id: '1' })
      expect(destinations()).toBe(0)
    }
    await client.confirm('SEND', { destination: '/topic/a' }, 'to nobody')
    expect(destinations()).toBe(0)
    await client.confirm('SEND', { destination: '/queue/a' }, 'kept')
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client' })
    const { headers } = await client.frame('MESSAGE')
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    // It holds what its client has not settled.
    expect(destinations()).toBe(1)
    await client.confirm('ACK', { id: headers.ack ?? '' })
    expect(destinations()).toBe(0)
  })

  test('is forgotten though patterns were there to match it', async (env) => {
    const broker = await env.open({ limits: { destinations: 10 } })
    const client = await env.connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/**' })
    // Those that only patterns match are kept as long as there is room, and no longer.
    for (let at = 0; at < 100; at++) await client.confirm('SEND', { destination: `/topic/${at}` })
    await client.messages(100)
    expect(broker.stats().destinations).toBeLessThanOrEqual(10)
    await client.confirm('UNSUBSCRIBE', { id: '0' })
    expect(broker.stats()).toMatchObject({ destinations: 0, subscriptions: 0 })
  })

  test('is another on each virtual host: messages, subscriptions, patterns and dead letters', async (env) => {
    const broker = await env.open({ hosts: ['a', 'b'] })
    const clientOf = async (host: string) => {
      const client = await env.client()
      client.send('CONNECT', { 'accept-version': '1.2', host })
      await client.frame('CONNECTED')
      return client
    }
    const [a, b] = [await clientOf('a'), await clientOf('b')]
    for (const [id, destination] of [
      ['q', '/queue/x'],
      ['t', '/topic/x'],
      ['p', '/topic/*'],
      ['d', '/queue/dead-letter'],
    ] as const)
      await b.confirm('SUBSCRIBE', { id, destination, ack: 'client' })
    for (const destination of ['/queue/x', '/topic/x']) await a.confirm('SEND', { destination }, 'of a')
    await a.confirm('SUBSCRIBE', { id: '0', destination: '/queue/x', ack: 'client' })
    await a.confirm('NACK', { id: (await a.frame('MESSAGE')).headers.ack ?? '', requeue: 'false' })
    await b.expectNothing()
    await a.confirm('SUBSCRIBE', { id: '1', destination: '/queue/dead-letter' })
    expect((await a.frame('MESSAGE', { subscription: '1' })).text).toBe('of a')
    broker.publish('/topic/x', 'of b', { host: 'b' })
    expect((await b.messages(2)).map(({ text }) => text)).toEqual(['of b', 'of b'])
    await a.expectNothing()
  })
})

overMemory('the option destinations', (test) => {
  test('is refused where a rule is wrong, by the name of what is wrong', async ({ open }) => {
    const wrong: readonly [Record<string, unknown>, readonly string[]][] = [
      [{}, ['match', 'undefined']],
      [{ match: '' }, ['match']],
      [{ match: '/queue/a', type: 'stack' }, ['destinations[/queue/a].type', 'stack', 'queue, topic']],
      [{ match: '/queue/a', whenFull: 'drop' }, ['whenFull', 'drop', 'reject, drop-oldest, hold']],
      [{ match: '/queue/a', onNack: 'retry' }, ['onNack', 'retry', 'requeue, dead-letter, discard']],
      [{ match: '/queue/a', maxMessages: '5' }, ['maxMessages', '5', 'number']],
      [{ match: '/queue/a', expiryMs: -1 }, ['expiryMs', '-1', '0 or more']],
      [{ match: '/queue/a', maxMesages: 5 }, ['maxMesages']],
      [{ match: '/queue/a', deadLetter: true }, ['deadLetter', 'true', 'false']],
      [{ match: '/queue/a', deadLetter: '/queue/*' }, ['deadLetter', '/queue/*']],
      [{ match: '/queue/a', deadLetter: '' }, ['deadLetter']],
    ]
    for (const [rule, says] of wrong) {
      const opened = open({ destinations: [rule as unknown as DestinationRule] })
      const error = await opened.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error, JSON.stringify(rule)).toBeInstanceOf(TypeError)
      for (const part of says) expect(String(error)).toContain(part)
    }
  })
})
