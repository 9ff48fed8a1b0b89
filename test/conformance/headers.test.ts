/** Headers on the wire: names, values, repeats, limits and escapes. */

import { inspect } from 'node:util'
import { expect } from 'vitest'
import { echo } from '../support/echo.js'
import { conformance } from '../support/suite.js'
import { turn } from '../support/variants.js'

const VERSIONS = ['1.0', '1.1', '1.2']
const ESCAPING = ['1.1', '1.2']

conformance('headers', (test) => {
  test('keeps a value with colons whole [24]', async (env) => {
    for (const version of VERSIONS) {
      const { send } = await echo(env, version)
      const { headers } = await send('time:12:30:45\nurl:http://host:80/\n')
      expect(headers).toMatchObject({ time: '12:30:45', url: 'http://host:80/' })
    }
  })

  test('refuses a header line without a colon [25]', async ({ connect, client }) => {
    for (const version of VERSIONS) {
      const late = await connect({}, version)
      late.write('SEND\ndestination:/topic/a\nnonsense\n\n\0')
      const error = await late.error('bad-frame')
      expect(error.text).toContain('nonsense')
    }
    const early = await client()
    early.write('CONNECT\naccept-version\n\n\0')
    await early.error('bad-frame')
  })

  test('keeps an empty value [26]', async (env) => {
    for (const version of VERSIONS) {
      const { send } = await echo(env, version)
      expect((await send('empty:\nfull:x\n')).headers).toMatchObject({ empty: '', full: 'x' })
    }
  })

  test('refuses an empty name, and goes on serving others [27]', async (env) => {
    const { send } = await echo(env)
    for (const version of VERSIONS) {
      const broken = await env.connect({}, version)
      broken.write('SEND\ndestination:/topic/a\n:value\n\n\0')
      await broken.error('bad-frame')
    }
    expect((await send('', 'alive')).text).toBe('alive')
  })

  test('uses the first of repeated headers, and hands the others on behind it [28]', async (env) => {
    const { client, topic, send } = await echo(env)
    const repeated = await send('foo:first\nbar:x\nfoo:second\n')
    expect(repeated.headers.foo).toBe('first')
    expect(repeated.lines.slice(-3)).toEqual(['foo:first', 'bar:x', 'foo:second'])
    client.write(`SEND\ndestination:${topic}\ndestination:/topic/elsewhere\n\nhere\0`)
    const message = await client.frame('MESSAGE', { destination: topic })
    expect(message.lines.filter((line) => line.startsWith('destination:'))).toHaveLength(1)
    client.write('BEGIN\ntransaction:t\nreceipt:one\nreceipt:two\n\n\0')
    await client.frame('RECEIPT', { 'receipt-id': 'one' })
    client.write(`SEND\ndestination:${topic}\ncontent-length:3\ncontent-length:1\n\na\0b\0`)
    expect((await client.frame('MESSAGE')).text).toBe('a\0b')
    await client.expectNothing()
  })

  test('counts every line toward the header limit, repeats too [29]', async (env) => {
    await env.open({ limits: { headers: 5 } })
    const { client, topic, send } = await echo(env)
    expect((await send('a:1\na:2\na:3\na:4\n')).headers.a).toBe('1')
    client.write(`SEND\ndestination:${topic}\na:1\na:2\na:3\na:4\na:5\n\n\0`)
    await client.error('headers-too-many')
  })

  test('takes as many headers as the limit allows, and not one more, in one piece or two [30]', async (env) => {
    await env.open({ limits: { headers: 8 } })
    const lines = (count: number) => Array.from({ length: count }, (_, at) => `h${at}:${at}\n`).join('')
    for (const cut of [0, 1, 20, 30]) {
      const { client, topic } = await echo(env)
      const write = async (text: string) => {
        const at = text.length - 1 - cut
        client.write(text.slice(0, at))
        await turn()
        await turn()
        client.write(text.slice(at))
      }
      await write(`SEND\ndestination:${topic}\n${lines(7)}\n\0`)
      expect((await client.frame('MESSAGE')).headers).toMatchObject({ h0: '0', h6: '6' })
      await write(`SEND\ndestination:${topic}\n${lines(8)}\n\0`)
      const error = await client.error('headers-too-many')
      expect(error.text).toMatch(/limits\.headers\b/)
    }
  })

  test('takes header lines, bodies and a CONNECT up to their limits, and no longer ones [31]', async (env) => {
    await env.open({ limits: { headerLineBytes: 100, bodyBytes: 200, connectBytes: 300 } })
    const { client, topic, send } = await echo(env)
    const long = `x:${'v'.repeat(98)}`
    expect((await send(`${long}\n`)).lines).toContain(long)
    expect((await send('', 'b'.repeat(200))).body).toHaveLength(200)
    client.write(`SEND\ndestination:${topic}\n${long}v\n\n\0`)
    expect((await client.error('header-too-long')).text).toContain('limits.headerLineBytes')
    const endless = await env.connect()
    endless.write(`SEND\n${'v'.repeat(101)}`)
    await endless.error('header-too-long')
    for (const length of ['', 'content-length:201\n']) {
      const large = await env.connect()
      large.write(`SEND\ndestination:${topic}\n${length}\n${'b'.repeat(201)}\0`)
      expect((await large.error('body-too-large')).text).toContain('limits.bodyBytes')
    }
    const slow = await env.client()
    slow.write(`CONNECT\n${'a:b\n'.repeat(80)}\n\0`)
    expect((await slow.error('connect-too-large')).text).toContain('limits.connectBytes')
  })

  test('reads escapes and writes the same octets again [32]', async (env) => {
    const { send } = await echo(env)
    const line = 'text:line\\nfeed return\\r colon\\c back\\\\slash'
    const { lines, headers } = await send(`${line}\n`)
    expect(lines).toContain(line)
    expect(headers.text).toBe('line\nfeed return\r colon: back\\slash')
    const older = await echo(env, '1.1')
    const line11 = 'text:line\\nfeed colon\\c back\\\\slash'
    expect((await older.send(`${line11}\n`)).lines).toContain(line11)
    const oldest = await echo(env, '1.0')
    const line10 = 'text:not\\nan \\t escape \\\\ \\c'
    expect((await oldest.send(`${line10}\n`)).lines).toContain(line10)
  })

  test('does not read an escape twice [33]', async (env) => {
    const { topic, send } = await echo(env)
    const oldest = await env.connect({}, '1.0')
    await oldest.confirm('SUBSCRIBE', { destination: topic })
    const line = 'text:\\\\r\\\\n\\\\\\\\c'
    const { lines, headers } = await send(`${line}\n`)
    expect(lines).toContain(line)
    expect(headers.text).toBe('\\r\\n\\\\c')
    // 1.0 has no escapes: what was meant is there as it is.
    expect((await oldest.frame('MESSAGE')).lines).toContain('text:\\r\\n\\\\c')
  })

  test('reads and writes escapes in names too [34]', async (env) => {
    for (const version of ESCAPING) {
      const { send } = await echo(env, version)
      const { lines, headers } = await send('a\\cb\\nc\\\\d:value\n')
      expect(lines).toContain('a\\cb\\nc\\\\d:value')
      expect(headers['a:b\nc\\d']).toBe('value')
    }
  })

  test('writes to each version what that version can read: no undefined escape, no line end, no colon in a name', async (env) => {
    const { topic, send } = await echo(env)
    const written: Record<string, string> = {
      '1.0': 'a\\cb:line\\nfeed return\\r colon: back\\slash',
      // 1.1 has no escape for a CR, and its grammar takes one as it is.
      '1.1': 'a\\cb:line\\nfeed return\r colon\\c back\\\\slash',
      '1.2': 'a\\cb:line\\nfeed return\\r colon\\c back\\\\slash',
    }
    const others = await Promise.all(VERSIONS.map((version) => env.connect({}, version)))
    for (const other of others) await other.confirm('SUBSCRIBE', { id: 'other', destination: topic })
    await send(`${written['1.2']}\n`)
    for (const other of others) expect((await other.frame('MESSAGE')).lines).toContain(written[other.version])
  })

  test('refuses an undefined escape in 1.1 and 1.2 [35]', async ({ connect }) => {
    const undefinedEscapes = { '1.1': ['\\t', '\\r', '\\N', '\\0'], '1.2': ['\\t', '\\N', '\\:', '\\ '] }
    for (const [version, escapes] of Object.entries(undefinedEscapes)) {
      for (const undefinedEscape of escapes) {
        for (const line of [`name:a${undefinedEscape}b`, `na${undefinedEscape}me:x`]) {
          const client = await connect({}, version)
          client.write(`SEND\ndestination:/topic/a\n${line}\n\n\0`)
          await client.error('bad-escape')
        }
      }
    }
  })

  test('refuses a backslash at the end of a value, and reads an escape cut in two [36]', async (env) => {
    for (const version of ESCAPING) {
      const { client, topic } = await echo(env, version)
      client.write(`SEND\ndestination:${topic}\ntext:a\\`)
      await turn()
      await turn()
      client.write('nb\n\n\0')
      expect((await client.frame('MESSAGE')).headers.text).toBe('a\nb')
      client.write(`SEND\ndestination:${topic}\ntext:a\\\n\n\0`)
      await client.error('bad-escape')
    }
  })

  test('neither reads nor writes escapes in CONNECT and CONNECTED [37]', async ({ open, client }) => {
    const logins: (string | undefined)[] = []
    await open({
      serverName: 'name:with\\colon',
      hooks: {
        authenticate: ({ login }) => {
          logins.push(login)
          return {}
        },
      },
    })
    for (const command of ['CONNECT', 'STOMP']) {
      const plain = await client()
      plain.write(`${command}\naccept-version:1.2\nhost:localhost\nlogin:a\\cb\\tc:d\n\n\0`)
      const { lines } = await plain.frame('CONNECTED')
      expect(lines).toContain('server:name:with\\colon')
    }
    expect(logins).toEqual(['a\\cb\\tc:d', 'a\\cb\\tc:d'])
  })

  test('trims names and values in 1.0 only [38]', async (env) => {
    const line = ' padded \t:\t value in the middle  '
    const oldest = await echo(env, '1.0')
    expect((await oldest.send(`${line}\n`)).lines).toContain('padded:value in the middle')
    for (const version of ESCAPING) {
      const { send } = await echo(env, version)
      expect((await send(`${line}\n`)).lines).toContain(line)
    }
    const { client, topic } = await echo(env)
    client.write(`SEND\n destination:${topic}\n\n\0`)
    await client.error('header-missing')
  })

  test('trims long runs of spaces in 1.0 in time that grows as they do, not as their square [38]', async (env) => {
    await env.open({ limits: { headerLineBytes: 1 << 20, connectBytes: 1 << 20 } })
    const spaced = `a${' '.repeat(1_000_000)}b`
    const client = await env.client()
    client.write(`CONNECT\nx:${spaced}\n\n\0`)
    await client.frame('CONNECTED', { version: '1.0' })
    const destination = env.topic('spaced')
    await client.confirm('SUBSCRIBE', { destination })
    client.send('SEND', { destination, spaced: ` \t${spaced}\t ` })
    expect((await client.frame('MESSAGE')).headers.spaced).toBe(spaced)
  })

  test('keeps spaces in names [39]', async (env) => {
    for (const version of VERSIONS) {
      const { send } = await echo(env, version)
      expect((await send('name with spaces:value\n')).lines).toContain('name with spaces:value')
    }
  })

  test('passes UTF-8 through in names and values [40]', async (env) => {
    const lines = ['größe:änderung', 'имя:значение', '名前:値', '😀:👩‍👩‍👧', 'bom:x\ufeffx', 'wide:x\u3000x']
    for (const version of VERSIONS) {
      const { send } = await echo(env, version)
      expect((await send(`${lines.join('\n')}\n`)).lines).toEqual(expect.arrayContaining(lines))
    }
    const broken = await env.connect()
    broken.write(
      Uint8Array.from([...new TextEncoder().encode('SEND\ndestination:/topic/a\nx:'), 0xc3, 0x28, 10, 10, 0]),
    )
    await broken.error('bad-utf8')
  })

  test('hands custom headers to each subscriber, in their order [41]', async (env) => {
    const { topic, send } = await echo(env)
    const others = await Promise.all(VERSIONS.map((version) => env.connect({}, version)))
    for (const other of others) await other.confirm('SUBSCRIBE', { id: 'other', destination: topic })
    const lines = ['zebra:1', 'Apple:2', 'apple:3', 'content-type:text/x']
    await send(`${lines.join('\n')}\n`)
    for (const other of others) {
      const message = await other.frame('MESSAGE')
      expect(message.lines.filter((line) => lines.includes(line))).toEqual(lines)
    }
  })

  test('keeps long values whole [42]', async (env) => {
    const { send } = await echo(env)
    for (const length of [100, 1_000, 1_024, 4_096, 16_000]) {
      const value = 'abcdefghij'.repeat(length / 10 + 1).slice(0, length)
      expect((await send(`long:${value}\n`)).headers.long).toBe(value)
    }
  })

  test('ignores the message-id of a SEND [43]', async (env) => {
    const { send } = await echo(env)
    const first = await send('message-id:mine\nmessage-id:mine too\n')
    const second = await send('message-id:mine\n')
    expect(first.headers['message-id']).toMatch(/^[0-9A-Za-z-]+$/)
    expect(first.headers['message-id']).not.toBe('mine')
    expect(second.headers['message-id']).not.toBe(first.headers['message-id'])
    expect(first.lines.filter((line) => line.startsWith('message-id:'))).toHaveLength(1)
  })

  test("hands none of the broker's own headers from a SEND to a consumer [44]", async (env) => {
    const { client, send } = await echo(env)
    const owned = ['redelivered:true', 'subscription:mine', 'ack:mine', 'receipt-id:mine']
    const { headers, lines } = await send([...owned, ...owned, 'kept:yes', ''].join('\n'))
    expect(headers).toMatchObject({ subscription: 'echo', kept: 'yes' })
    expect(lines.filter((line) => line.startsWith('subscription:'))).toEqual(['subscription:echo'])
    for (const name of ['redelivered', 'ack', 'receipt-id', 'receipt', 'transaction'])
      expect(headers[name], name).toBeUndefined()
    await client.confirm('BEGIN', { transaction: 't' })
    await client.confirm('SEND', [
      ['destination', headers.destination as string],
      ['transaction', 't'],
    ])
    await client.confirm('COMMIT', { transaction: 't' })
    const committed = await client.frame('MESSAGE')
    expect(committed.headers.transaction).toBeUndefined()
    expect(committed.headers.receipt).toBeUndefined()
  })

  test('shows the passcode to nobody but authenticate [45]', async ({ open, client, connect, faults }) => {
    const seen: unknown[] = []
    const log = (...parts: unknown[]) => {
      seen.push(parts)
    }
    const broker = await open({
      logger: { info: log, warn: log, error: log },
      hooks: {
        authenticate: (credentials) => {
          if (credentials.passcode !== 'open sesame') throw new Error('the user table is gone')
          if (credentials.login === 'nobody') return false
          seen.push(credentials.headers)
          return { name: credentials.login }
        },
        connect: (request) => {
          seen.push(request)
        },
        subscribe: (request) => {
          seen.push(request)
        },
        authorize: (request) => {
          seen.push(request)
          return true
        },
      },
    })
    for (const event of ['connect', 'disconnect', 'subscribe', 'error'] as const) broker.on(event, log)
    const passcode = 'open sesame'
    const known = await connect({ login: 'somebody', passcode })
    await known.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    await known.disconnect()
    const unknown = await client()
    unknown.send('CONNECT', { 'accept-version': '1.2', login: 'nobody', passcode })
    seen.push(await unknown.error('auth-failed'))
    const unlucky = await client()
    unlucky.send('CONNECT', { 'accept-version': '1.2', login: 'somebody', passcode: 'open barley' })
    seen.push(await unlucky.error('hook-failed'))
    expect(faults).toEqual([])
    expect(seen.length).toBeGreaterThan(7)
    const all = inspect(seen, { depth: 10, showHidden: true, maxStringLength: 100_000 })
    expect(all).toContain('somebody')
    expect(all).not.toMatch(/open (sesame|barley)/)
  })
})
