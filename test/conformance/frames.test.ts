/** Frames on the wire: where they begin and end, whatever pieces and line ends they come in. */

import { expect } from 'vitest'
import { echo } from '../support/echo.js'
import { conformance } from '../support/suite.js'
import { turn } from '../support/variants.js'
import { octetsOf, type WireClient } from '../support/wire-client.js'

const VERSIONS = ['1.0', '1.1', '1.2']
const CLIENT_COMMANDS = [
  'CONNECT',
  'STOMP',
  'SEND',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'ACK',
  'NACK',
  'BEGIN',
  'COMMIT',
  'ABORT',
  'DISCONNECT',
]

/** Writes pieces one turn apart, so that a socket sends each by itself. */
async function writePieces(client: WireClient, pieces: readonly (string | Uint8Array)[]): Promise<void> {
  for (const piece of pieces) {
    client.write(piece)
    await turn()
    await turn()
  }
}

conformance('frames', (test) => {
  test('takes a frame of two headers and a body [1]', async (env) => {
    const { client, topic } = await echo(env)
    client.write(`SEND\ndestination:${topic}\ncolour:blue\n\nhello\0`)
    const message = await client.frame('MESSAGE', { subscription: 'echo', destination: topic, colour: 'blue' })
    expect(message.text).toBe('hello')
    await client.expectNothing()
  })

  test('takes the same frame with CRLF line ends for the same, in every version [2]', async (env) => {
    for (const version of VERSIONS) {
      const { client, topic } = await echo(env, version)
      const frame = `SEND\ndestination:${topic}\ncolour:blue\nempty:\n\nline\r\nline\0`
      client.write(frame)
      client.write(frame.replace(/(?<!\r)\n/g, '\r\n'))
      const [first, second] = await client.messages(2)
      const { 'message-id': firstId, ...headers } = first?.headers ?? {}
      const { 'message-id': secondId, ...others } = second?.headers ?? {}
      expect(others).toEqual(headers)
      expect(headers).toMatchObject({ colour: 'blue', empty: '' })
      expect(secondId).not.toBe(firstId)
      expect(second?.text).toBe('line\r\nline')
    }
  })

  test('takes a command without headers and body [3]', async ({ client, connect }) => {
    const oldest = await client()
    oldest.write('CONNECT\n\n\0')
    await oldest.frame('CONNECTED')
    const leaving = await connect()
    leaving.write('DISCONNECT\n\n\0')
    await leaving.expectClosed()
  })

  test('ignores newlines before a command [4]', async ({ client }) => {
    const early = await client()
    early.write('\n\n\nCONNECT\naccept-version:1.2\nhost:localhost\n\n\0')
    await early.frame('CONNECTED', { version: '1.2' })
    early.write('\n\nBEGIN\ntransaction:t\nreceipt:r\n\n\0')
    await early.frame('RECEIPT', { 'receipt-id': 'r' })
  })

  test('ignores CRLF between frames, and refuses a lone CR there [5]', async ({ client, connect }) => {
    const early = await client()
    early.write('\r\n\r\nCONNECT\naccept-version:1.2\nhost:localhost\n\n\0\r\n\r\n')
    await early.frame('CONNECTED')
    await early.expectNothing()
    early.write('\rBEGIN\ntransaction:t\n\n\0')
    await early.error('bad-frame')
    const split = await connect()
    await writePieces(split, ['\r', '\n', '\r', 'B'])
    await split.error('bad-frame')
  })

  test('ignores NULs between frames [6]', async ({ client }) => {
    const early = await client()
    early.write('\0\0CONNECT\naccept-version:1.2\nhost:localhost\n\n\0\0\0')
    await early.frame('CONNECTED')
    early.write('\0BEGIN\ntransaction:t\nreceipt:r\n\n\0\n\0\n')
    await early.frame('RECEIPT', { 'receipt-id': 'r' })
    await early.expectNothing()
  })

  test('ignores newlines after the NUL of a frame [7]', async (env) => {
    const { client, topic } = await echo(env)
    client.write(`SEND\ndestination:${topic}\n\none\0\n\n\r\n\nSEND\ndestination:${topic}\n\ntwo\0\n`)
    expect((await client.messages(2)).map(({ text }) => text)).toEqual(['one', 'two'])
    await client.expectNothing()
  })

  test('takes a lone newline for a heart-beat, not for a frame [8]', async ({ connect, clock }) => {
    const client = await connect({ 'heart-beat': '10000,0' })
    const other = await connect()
    for (let beats = 0; beats < 5; beats++) {
      await clock.advance(15_000)
      client.write('\n')
      for (let trips = 0; trips < 2; trips++) await other.roundTrip()
    }
    await client.expectNothing()
  })

  test('refuses a CR inside a command, and CR CR LF at its end [9]', async ({ client, connect }) => {
    for (const line of ['CON\rNECT\n', 'CONNECT\r\r\n']) {
      const early = await client()
      early.write(`${line}accept-version:1.2\n\n\0`)
      await early.error('bad-frame')
    }
    for (const line of ['SE\rND\n', 'SEND\r\r\n', '\r\rSEND\n']) {
      const late = await connect()
      late.write(`${line}destination:/topic/a\n\n\0`)
      await late.error('bad-frame')
    }
  })

  test('refuses a CR inside a header name or value [10]', async ({ connect }) => {
    for (const version of VERSIONS) {
      for (const line of ['na\rme:value\n', 'name:va\rlue\n', 'name\r:value\n', 'name:\rvalue\n', 'name:value\r\r\n']) {
        const client = await connect({}, version)
        client.write(`SEND\ndestination:/topic/a\n${line}\n\0`)
        await client.error('bad-frame')
      }
    }
  })

  test('refuses a NUL inside a line: a frame whose blank line was forgotten is found out there', async ({
    client,
    connect,
  }) => {
    for (const version of VERSIONS) {
      for (const frame of ['SEND\0', 'SEND\ndestination:/topic/a\0', 'SEND\ndestination\0:/topic/a\n\n\0']) {
        const late = await connect({}, version)
        late.write(frame)
        await late.error('bad-frame')
      }
    }
    const early = await client()
    early.write('CONNECT\naccept-version:1.2\0')
    await early.error('bad-frame')
  })

  test('goes on where the octets stopped: in a command, a name, a value, a body [11]', async (env) => {
    const { client, topic } = await echo(env)
    const name = octetsOf('größe:ä😀ö\n')
    const body = octetsOf('body 😀 end')
    const cutName = [name.subarray(0, 3), name.subarray(3, 10), name.subarray(10, 12), name.subarray(12)]
    await writePieces(client, ['SE', 'ND', '\n', 'desti', `nation:${topic}`, '\n', ...cutName, '\n'])
    await writePieces(client, [body.subarray(0, 7), body.subarray(7), '\0'])
    const message = await client.frame('MESSAGE', { größe: 'ä😀ö' })
    expect(message.text).toBe('body 😀 end')
  })

  test('puts a frame together that comes in packets of 191 octets, 100 ms apart [12]', async (env) => {
    const { client, topic } = await echo(env)
    const body = Array.from({ length: 1_000 }, (_, line) => `line ${line}`).join('\n')
    const octets = octetsOf(`SEND\ndestination:${topic}\ncontent-length:${body.length}\n\n${body}\0`)
    for (let at = 0; at < octets.length; at += 191) {
      client.write(octets.subarray(at, at + 191))
      await env.clock.advance(100)
    }
    expect((await client.frame('MESSAGE')).text).toBe(body)
  })

  test('does several frames of one buffer in their order [13]', async (env) => {
    const { client, topic } = await echo(env)
    const frames = Array.from({ length: 100 }, (_, count) => `SEND\ndestination:${topic}\n\n${count}\0`)
    client.write(`${frames.join('')}BEGIN\ntransaction:t\nreceipt:r\n\n\0`)
    const messages = await client.messages(100)
    expect(messages.map(({ text }) => Number(text))).toEqual(frames.map((_, count) => count))
    await client.frame('RECEIPT', { 'receipt-id': 'r' })
  })

  test('does frames that come one by one in their order, however late they are judged [13]', async (env) => {
    let asked = 0
    await env.open({
      hooks: {
        send: async () => {
          for (let turns = asked++ % 4; turns > 0; turns--) await turn()
        },
      },
    })
    const { client, topic } = await echo(env)
    for (let count = 0; count < 100; count++) {
      client.write(`SEND\ndestination:${topic}\n\n${count}\0`)
      for (let turns = count % 3; turns > 0; turns--) await turn()
    }
    const messages = await client.messages(100)
    expect(messages.map(({ text }) => Number(text))).toEqual(messages.map((_, count) => count))
  })

  test('does the whole frame of a buffer and waits for the rest of the next [14]', async (env) => {
    for (const length of ['', 'content-length:5\n']) {
      const { client, topic } = await echo(env)
      const frame = `SEND\ndestination:${topic}\n${length}\nhello\0`
      for (const cut of [1, 8, frame.length - 8, frame.length - 1]) {
        client.write(frame + frame.slice(0, cut))
        expect((await client.frame('MESSAGE')).text).toBe('hello')
        client.write(frame.slice(cut))
        expect((await client.frame('MESSAGE')).text).toBe('hello')
      }
      await client.expectNothing()
    }
  })

  test('refuses an unknown command, and names it [17]', async ({ client, connect }) => {
    for (const known of [await connect(), await client()]) {
      known.write('HELLO\ndestination:/topic/a\n\n\0')
      const error = await known.error('bad-command')
      expect(error.text).toContain('HELLO')
    }
    const small = await connect()
    small.write('send\ndestination:/topic/a\n\n\0')
    await small.error('bad-command')
  })

  test('refuses a very long command, and echoes little of it [18]', async ({ client, connect }) => {
    for (const known of [await connect(), await client()]) {
      known.write(`${'A'.repeat(100_000)}`)
      const error = await known.error('bad-command')
      expect(error.text).not.toContain('A'.repeat(65))
    }
    const ended = await connect()
    ended.write(`${'SEND'.repeat(50)}\ndestination:/topic/a\n\n\0`)
    await ended.error('bad-command')
  })

  test('refuses what only a server may send [19]', async ({ client, connect }) => {
    for (const command of ['CONNECTED', 'MESSAGE', 'RECEIPT', 'ERROR']) {
      const late = await connect()
      late.write(`${command}\ndestination:/topic/a\n\n\0`)
      await late.error('bad-command')
      const early = await client()
      early.write(`${command}\nversion:1.2\n\n\0`)
      await early.error('bad-command')
    }
  })

  test('understands what is typed by hand, with CRLF, in 1.0 and 1.1 [20]', async (env) => {
    for (const [version, line] of [
      ['1.0', ''],
      ['1.1', 'accept-version:1.1\r\n'],
    ] as const) {
      const topic = env.topic('typed')
      const client = await env.client()
      const type = (text: string) => writePieces(client, text.split(/(?<=\n)/))
      await type(`CONNECT\r\n${line}login: guest\r\npasscode: guest\r\n\r\n\0\r\n`)
      await client.frame('CONNECTED')
      expect(client.version).toBe(version)
      await type(`SUBSCRIBE\r\nid:1\r\ndestination:${topic}\r\nreceipt:r\r\n\r\n\0\r\n`)
      await client.frame('RECEIPT', { 'receipt-id': 'r' })
      await type(`SEND\r\ndestination:${topic}\r\n\r\nhello\r\n\0\r\n`)
      expect((await client.frame('MESSAGE', { destination: topic })).text).toBe('hello\r\n')
      await type('DISCONNECT\r\n\r\n\0\r\n')
      await client.expectClosed()
    }
  })

  test('ends each of its frames with NUL and LF [21]', async (env) => {
    // The client takes nothing else after a NUL, nor at the end of the connection.
    const { client, send } = await echo(env)
    await send('', 'with a body')
    await client.confirm('BEGIN', { transaction: 't' })
    const beats = client.beats
    client.write('BEGIN\n\n\0')
    await client.error('header-missing')
    expect(client.beats).toBe(beats)
    const leaving = await env.connect()
    leaving.write('DISCONNECT\nreceipt:r\n\n\0')
    await leaving.frame('RECEIPT')
    await leaving.expectClosed()
  })

  test('closes a connection that sends garbage, and keeps nothing of it [22]', async ({
    client,
    connect,
    broker,
    door,
    until,
  }) => {
    const garbage = [
      Uint8Array.from({ length: 300 }, (_, at) => 0x80 + (at % 0x80)),
      Uint8Array.from({ length: 300 }, (_, at) => (at * 37 + 11) % 256),
      // Where HTTP is spoken, too, it is no garbage.
      ...(door === 'mux' ? [] : [octetsOf('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')]),
      octetsOf('{"command":"CONNECT"}\n'),
    ]
    for (const octets of garbage) {
      const early = await client()
      early.write(octets)
      await early.frame('ERROR')
      await early.expectClosed()
      const late = await connect()
      late.write(octets)
      await late.frame('ERROR')
      await late.expectClosed()
    }
    await until(() => broker.stats().sessions === 0, 'no sessions')
    expect(broker.stats().bytes).toBe(0)
  })

  test('keeps on serving others after each refused frame [17]', async ({ client, connect }) => {
    const other = await connect()
    for (const command of CLIENT_COMMANDS) {
      const broken = await client()
      broken.write(`${command}X\n\n\0`)
      await broken.error('bad-command')
    }
    await other.expectNothing()
  })
})
