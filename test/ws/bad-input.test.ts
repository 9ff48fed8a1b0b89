/** What is no WebSocket, or a wrong one: each gets its answer, and nothing of it is left. */

import { createServer } from 'node:http'
import zlib, { constants, deflateRawSync } from 'node:zlib'
import type { BrokerOptions } from '@xtomp/core'
import { attach, type ListenOptions, listen } from '@xtomp/ws'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { until } from '../support/suite.js'
import { ask, CONNECT, client, openBroker, opened, RawPeer, rawFrame, UPGRADE, webSocket } from './open.js'

async function open(options: ListenOptions = {}, brokerOptions: BrokerOptions = {}) {
  const { broker, clock } = openBroker(brokerOptions)
  const listener = await listen(broker, { port: 0, lingerMs: 50, ...options })
  return { broker, clock, listener, port: listener.port as number, url: `ws://127.0.0.1:${listener.port}` }
}

const KIB = 1024
const BOMB = deflateRawSync(Buffer.alloc(4 * KIB * KIB))
/** A part of a message that is no end of one. */
const PART_OF_BOMB = deflateRawSync(Buffer.alloc(4 * KIB * KIB), { finishFlush: constants.Z_SYNC_FLUSH })
const DEFLATE = { 'sec-websocket-extensions': 'permessage-deflate' }
const RSV1 = 4

describe('a frame', () => {
  const wrong: [what: string, frames: Buffer[], code: string, closeCode: number][] = [
    ['that is not masked', [rawFrame(CONNECT, { isMasked: false })], 'bad-frame', 1002],
    ['with the first reserved bit', [rawFrame(CONNECT, { rsv: RSV1 })], 'bad-frame', 1002],
    ['with the second reserved bit', [rawFrame(CONNECT, { rsv: 2 })], 'bad-frame', 1002],
    ['with the third reserved bit', [rawFrame(CONNECT, { rsv: 1 })], 'bad-frame', 1002],
    ['of a reserved kind', [rawFrame(CONNECT, { opcode: 3 })], 'bad-frame', 1002],
    ['of a reserved control kind', [rawFrame('', { opcode: 11 })], 'bad-frame', 1002],
    ['that goes on with nothing', [rawFrame(CONNECT, { opcode: 0 })], 'bad-frame', 1002],
    ['that begins within another', [rawFrame('C', { fin: false }), rawFrame('O')], 'bad-frame', 1002],
    ['of control in fragments', [rawFrame('?', { opcode: 9, fin: false })], 'bad-frame', 1002],
    ['of control that is too long', [rawFrame('?'.repeat(126), { opcode: 9 })], 'bad-frame', 1002],
    ['to close with a code that there is not', [rawFrame(Buffer.from([0, 1]), { opcode: 8 })], 'bad-frame', 1002],
    ['of text that is not UTF-8', [rawFrame(Buffer.from([0x43, 0xff]), { opcode: 1 })], 'bad-utf8', 1007],
    [
      'of text in fragments that is not',
      [rawFrame('C', { opcode: 1, fin: false }), rawFrame(Buffer.from([0xe2, 0x82]), { opcode: 0 })],
      'bad-utf8',
      1007,
    ],
    ['that says it is larger than any', [rawFrame('', { says: 2 ** 40 })], 'body-too-large', 1009],
    [
      'in more fragments than there may be',
      [rawFrame('', { fin: false }), ...Array.from({ length: 17_000 }, () => rawFrame('', { opcode: 0, fin: false }))],
      'body-too-large',
      1009,
    ],
  ]
  test.each(wrong)('%s is answered with an ERROR, then a close frame', async (_what, frames, code, closeCode) => {
    const { broker, port } = await open()
    const bystander = await client(`ws://127.0.0.1:${port}`)
    await bystander.connect()
    for (const isConnected of [false, true]) {
      const peer = await RawPeer.upgrade(port)
      if (isConnected) peer.write(rawFrame(CONNECT, { opcode: 1 }))
      peer.write(...frames)
      expect(await peer.expectRefused()).toMatchObject({ code, closeCode })
    }
    await bystander.expectNothing()
    await until(() => broker.stats().sessions === 1)
  })

  test('over the limit is explained before the close: the option, the limit, and what was seen [231]', async () => {
    const { broker, url } = await open({ maxMessageBytes: 1_000 })
    const told: unknown[] = []
    broker.on('limit', ({ error }) => told.push(error.excess))
    const one = await webSocket(url)
    one.socket.send(CONNECT)
    one.socket.send(`SEND\ndestination:/queue/a\n\n${'a'.repeat(2_000)}\0`)
    expect(await one.closed).toEqual({ code: 1009, reason: 'body-too-large' })
    expect(one.messages.at(-1)?.text).toContain('may have 1000 octets, this makes 2028 or more')
    expect(one.messages.at(-1)?.text).toContain('option maxMessageBytes')
    expect(told).toEqual([
      { what: 'a WebSocket message', limit: 1_000, seen: 2_028, unit: 'octets', option: 'maxMessageBytes' },
    ])
  })

  test('in more fragments than there may be is told how many that are', async () => {
    const { broker, port } = await open({ maxFragments: 3 })
    const told: unknown[] = []
    broker.on('limit', ({ error }) => told.push(error.excess))
    const peer = await RawPeer.upgrade(port)
    const [begin, next] = [rawFrame('\n', { fin: false }), rawFrame('\n', { opcode: 0, fin: false })]
    peer.write(begin, next, rawFrame(CONNECT, { opcode: 0 }))
    await until(() => peer.frames.length === 1, 'CONNECTED')
    peer.write(begin, next, next, next)
    const { code, closeCode, text } = await peer.expectRefused()
    expect([code, closeCode]).toEqual(['body-too-large', 1009])
    expect(text).toContain('may have 3 fragments')
    expect(text).toContain('option maxFragments')
    expect(told).toEqual([
      { what: 'a WebSocket message', limit: 3, seen: 4, unit: 'fragments', option: 'maxFragments' },
    ])
  })

  test('that makes a message too large is told of together with those before it', async () => {
    const { port } = await open({ maxMessageBytes: 1_000 })
    const peer = await RawPeer.upgrade(port)
    peer.write(rawFrame('a'.repeat(900), { fin: false }), rawFrame('', { opcode: 0, says: 2 ** 40 }))
    expect((await peer.expectRefused()).text).toContain(`this makes ${2 ** 40 + 900} or more`)
  })

  test('over the limit of the broker is explained by the broker, and closes with 1009, too', async () => {
    const { broker } = openBroker({ limits: { bodyBytes: 1_000 } })
    const { port } = await listen(broker, { port: 0 })
    const one = await webSocket(`ws://127.0.0.1:${port}`)
    one.socket.send(`${CONNECT}SEND\ndestination:/queue/a\n\n${'a'.repeat(2_000)}\0`)
    expect(await one.closed).toEqual({ code: 1009, reason: 'body-too-large' })
    expect(one.messages.at(-1)?.text).toContain('option limits.bodyBytes')
  })
})

describe('a message that does not end', () => {
  test('is refused before CONNECTED at 64 KiB', async () => {
    const { port } = await open()
    const peer = await RawPeer.upgrade(port)
    peer.write(rawFrame('a'.repeat(70 * KIB), { says: 100 * KIB }))
    const { code, closeCode, text } = await peer.expectRefused()
    expect([code, closeCode]).toEqual(['connect-too-large', 1009])
    expect(text).toContain('may have 65536 octets')
    expect(text).toContain('option maxConnectBytes')
  })

  test('is taken, however large, where CONNECT came before it', async () => {
    const { port } = await open()
    const peer = await RawPeer.upgrade(port)
    peer.write(rawFrame(CONNECT), rawFrame(`SEND\ndestination:/queue/a\nreceipt:1\n\n${'a'.repeat(2_000 * KIB)}\0`))
    await until(() => peer.frames.length === 2, 'the RECEIPT')
    expect(String(peer.frames[1]?.payload)).toContain('receipt-id:1')
  })

  test('counts against what the door may hold, and is forgotten with its connection', async () => {
    const { broker, port } = await open({ maxHeldBytes: 400 * KIB })
    const begun = async (): Promise<RawPeer> => {
      const peer = await RawPeer.upgrade(port)
      peer.write(rawFrame(CONNECT))
      await until(() => peer.frames.length === 1)
      peer.write(rawFrame('a'.repeat(150 * KIB), { says: 300 * KIB }))
      return peer
    }
    for (let times = 0; times < 3; times++) {
      const peers = [await begun(), await begun()]
      const { code, closeCode, text } = await (await begun()).expectRefused()
      expect([code, closeCode]).toEqual(['memory-full', 1013])
      expect(text).toContain('option maxHeldBytes')
      for (const peer of peers) peer.socket.destroy()
      await until(() => broker.stats().sessions === 0)
    }
  })

  test.each([false, true])('costs by its fragments, not by their octets; connected: %s', async (isConnected) => {
    const { broker, port } = await open({ maxHeldBytes: 100 * KIB })
    const peer = await RawPeer.upgrade(port)
    if (isConnected) {
      peer.write(rawFrame(CONNECT))
      await until(() => peer.frames.length === 1)
    }
    const next = rawFrame('a', { opcode: 0, fin: false })
    peer.write(rawFrame('a', { fin: false }), ...Array.from({ length: 2_000 }, () => next))
    const { code, text } = await peer.expectRefused()
    expect(code).toBe(isConnected ? 'memory-full' : 'connect-too-large')
    expect(text).toContain(isConnected ? 'option maxHeldBytes' : 'option maxConnectBytes')
    await until(() => broker.stats().sessions === 0)
  })

  test('is let go of when it is refused: others have its room, though it has not gone', async () => {
    const { broker, port } = await open({ maxHeldBytes: 300 * KIB, lingerMs: 60_000 })
    const [one, other] = [await RawPeer.upgrade(port), await RawPeer.upgrade(port)]
    for (const peer of [one, other]) peer.write(rawFrame(CONNECT))
    await until(() => one.frames.length + other.frames.length === 2)
    // It stays when it is told to go, and goes on as if nothing had been said.
    one.socket.allowHalfOpen = true
    one.write(rawFrame('a'.repeat(350 * KIB), { says: 1_000 * KIB }))
    await until(() => one.frames.some(({ opcode }) => opcode === 8), 'a close frame')
    one.socket.write('a'.repeat(600 * KIB))
    other.write(rawFrame('\n'.repeat(250 * KIB), { fin: false }))
    other.write(rawFrame('SEND\ndestination:/topic/a\nreceipt:1\n\n\0', { opcode: 0 }))
    await until(() => other.frames.length === 2, 'the RECEIPT')
    expect(String(other.frames[1]?.payload)).toContain('receipt-id:1')
    expect(broker.stats().sessions).toBe(2)
    expect(await one.expectRefused()).toMatchObject({ code: 'memory-full', closeCode: 1013 })
  })

  test('is not what a client sends that only pings, or sends many messages', async () => {
    const { port } = await open({ maxHeldBytes: 1_000, maxConnectBytes: 1_000 })
    const peer = await RawPeer.upgrade(port)
    const payload = 'x'.repeat(100)
    for (let at = 1; at <= 100; at++) {
      peer.write(rawFrame(payload, { opcode: 9 }))
      await until(() => peer.frames.length === at)
    }
    peer.write(rawFrame(CONNECT))
    for (let at = 1; at <= 100; at++) {
      const send = Buffer.from(`SEND\ndestination:/topic/a\nreceipt:${at}\n\n\0`)
      peer.write(rawFrame(send.subarray(0, 9), { fin: false }), rawFrame(send.subarray(9), { opcode: 0 }))
      await until(() => peer.frames.length === 101 + at)
    }
    expect(peer.isClosed).toBe(false)
  })
})

describe('compression', () => {
  test('is not agreed on unless asked for', async () => {
    const { port } = await open()
    expect((await ask(port, '/', { ...UPGRADE, ...DEFLATE })).headers['sec-websocket-extensions']).toBeUndefined()
  })

  test('makes messages of some size smaller, both ways, and leaves others as they are', async () => {
    const { broker, port, url } = await open({ perMessageDeflate: { thresholdBytes: 500 } })
    const one = await webSocket(url)
    expect(one.socket.extensions).toBe('permessage-deflate')
    one.socket.send(`${CONNECT}SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0`)
    one.socket.send(`SEND\ndestination:/topic/a\n\n${'a'.repeat(100_000)}\0`)
    await until(() => one.messages.length === 2)
    expect(one.messages[1]?.text).toContain(`\n\n${'a'.repeat(100_000)}\0\n`)

    const peer = await RawPeer.upgrade(port, '/', DEFLATE)
    peer.write(rawFrame(`${CONNECT}SUBSCRIBE\nid:0\ndestination:/topic/a\n\n\0`))
    await until(() => peer.frames.length === 1)
    broker.publish('/topic/a', 'b'.repeat(20_000))
    broker.publish('/topic/a', 'small')
    await until(() => peer.frames.length === 3)
    expect(peer.frames[1]?.payload.length).toBeLessThan(1_000)
    expect(String(peer.frames[2]?.payload)).toContain('small')
  })

  test('holds a queue back for a client that does not read, and goes on when it does', async () => {
    const { broker, url } = await open({ perMessageDeflate: true })
    for (let at = 0; at < 200; at++)
      broker.publish('/queue/a', Buffer.concat([Buffer.from(`${at} `), random(50 * KIB)]))
    const one = await client(url)
    await one.connect()
    one.pause()
    one.send('SUBSCRIBE', { id: 0, destination: '/queue/a' })
    await until(() => broker.stats().messages < 200)
    let before = -1
    // Compression is done elsewhere, in its own time.
    await until(() => {
      const same = before === broker.stats().messages
      before = broker.stats().messages
      return same
    })
    one.resume()
    const messages = await one.messages(200)
    expect(messages.map(({ text }) => Number.parseInt(text, 10))).toEqual(messages.map((_, at) => at))
    expect(broker.stats().messages).toBe(0)
  })

  test('that hides a message over the limit is found out', async () => {
    const { port } = await open({ perMessageDeflate: true, maxMessageBytes: 100 * KIB })
    const peer = await RawPeer.upgrade(port, '/', DEFLATE)
    peer.write(rawFrame(CONNECT))
    await until(() => peer.frames.length === 1)
    expect(BOMB.length).toBeLessThan(10 * KIB)
    peer.write(rawFrame(BOMB, { rsv: RSV1 }))
    const { code, closeCode, text } = await peer.expectRefused()
    expect([code, closeCode]).toEqual(['body-too-large', 1009])
    // What it would have come to nobody knows who stops at the limit.
    expect(text).toContain(`this makes ${100 * KIB + 1} or more`)
  })

  test.each([false, true])('is counted by what comes out of it; connected: %s', async (isConnected) => {
    const { broker, port } = await open({ perMessageDeflate: true, maxHeldBytes: 1_000 * KIB })
    const peer = await RawPeer.upgrade(port, '/', DEFLATE)
    if (isConnected) {
      peer.write(rawFrame(CONNECT))
      await until(() => peer.frames.length === 1)
    }
    expect(PART_OF_BOMB.length).toBeLessThan(10 * KIB)
    peer.write(rawFrame(PART_OF_BOMB, { rsv: RSV1, fin: false }))
    const { code, closeCode } = await peer.expectRefused()
    expect([code, closeCode]).toEqual(isConnected ? ['memory-full', 1013] : ['connect-too-large', 1009])
    await until(() => broker.stats().sessions === 0)
  })

  test.each([
    ['before CONNECT', '', 0],
    ['while CONNECT is judged', CONNECT, 0],
    ['behind CONNECTED', CONNECT, 1],
  ])('that hides much %s is undone as far as may come then', async (_, said, frames) => {
    const inflated = countInflated()
    const limits = { maxConnectBytes: 30 * KIB, maxMessageBytes: 1_000 * KIB }
    const authenticate = () => (frames === 0 ? new Promise<boolean>(() => undefined) : true)
    const { port } = await open({ perMessageDeflate: true, ...limits }, { hooks: { authenticate } })
    const peer = await RawPeer.upgrade(port, '/', DEFLATE)
    if (said !== '') peer.write(rawFrame(said))
    await until(() => peer.frames.length === frames)
    peer.write(rawFrame(BOMB, { rsv: RSV1 }))
    const { code, closeCode, text } = await peer.expectRefused()
    const [limit, option] = frames === 0 ? [30 * KIB, 'maxConnectBytes'] : [1_000 * KIB, 'maxMessageBytes']
    expect([code, closeCode]).toEqual([frames === 0 ? 'connect-too-large' : 'body-too-large', 1009])
    expect(text).toContain(`may have ${limit} octets, this makes ${limit + 1} or more (option ${option})`)
    expect(inflated.octets).toBeGreaterThan(limit)
    // A chunk of zlib is the most that it is late.
    expect(inflated.octets).toBeLessThan(limit + 20 * KIB)
  })

  test('makes no room for others: what comes out is not taken off what others hold', async () => {
    const { port } = await open({ perMessageDeflate: true, maxHeldBytes: 300 * KIB })
    const compressing = await RawPeer.upgrade(port, '/', DEFLATE)
    compressing.write(rawFrame(CONNECT))
    const send = deflateRawSync(`SEND\ndestination:/topic/a\nreceipt:1\n\n${'a'.repeat(4_000 * KIB)}\0`)
    compressing.write(rawFrame(send, { rsv: RSV1 }))
    await until(() => compressing.frames.length === 2, 'the RECEIPT')
    const peer = await RawPeer.upgrade(port)
    peer.write(rawFrame(CONNECT))
    await until(() => peer.frames.length === 1)
    peer.write(rawFrame('a'.repeat(1_000 * KIB), { says: 2_000 * KIB }))
    expect(await peer.expectRefused()).toMatchObject({ code: 'memory-full', closeCode: 1013 })
  })

  test('is undone in order, however many messages share a chunk, before and behind CONNECTED', async () => {
    const { port } = await open({ perMessageDeflate: true })
    const peer = await RawPeer.upgrade(port, '/', DEFLATE)
    const packed = (text: string): Buffer => rawFrame(deflateRawSync(text), { rsv: RSV1 })
    const bodies = Array.from({ length: 20 }, (_, at) => String(random(10 * KIB)).replace(/^.../, String(at)))
    peer.write(
      packed(CONNECT),
      ...bodies.map((body, at) => packed(`SEND\ndestination:/topic/a\nreceipt:${at}\n\n${body}\0`)),
    )
    await until(() => peer.frames.length === 1 + bodies.length, 'all RECEIPTs')
    expect(peer.frames.slice(1).map(({ payload }) => /receipt-id:(\d+)/.exec(String(payload))?.[1])).toEqual(
      bodies.map((_, at) => String(at)),
    )
  })

  test('that cannot be undone is answered', async () => {
    const { port } = await open({ perMessageDeflate: true })
    const peer = await RawPeer.upgrade(port, '/', DEFLATE)
    peer.write(rawFrame(CONNECT))
    await until(() => peer.frames.length === 1)
    peer.write(rawFrame(Buffer.alloc(50, 0xff), { rsv: RSV1 }))
    expect(await peer.expectRefused()).toMatchObject({ code: 'bad-utf8', closeCode: 1007 })
  })
})

describe('a peer', () => {
  test('that pings without end and reads nothing is cut', async () => {
    const { broker, port } = await open()
    const peer = await RawPeer.upgrade(port)
    peer.socket.pause()
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => rawFrame('?'.repeat(125), { opcode: 9 })))
    await until(() => {
      peer.socket.write(pings)
      return broker.stats().sessions === 0
    }, 'the flood to be cut')
    peer.socket.destroy()
  })

  test('that says nothing, or an octet a second, is cut when its time is up', async () => {
    const { clock, port } = await open({ handshakeTimeoutMs: 5_000 })
    const silent = await RawPeer.dial(port)
    const slow = await RawPeer.dial(port)
    await until(() => clock.timers === 2, 'both to have come')
    for (const octet of 'GET / HTTP') {
      slow.socket.write(octet)
      await clock.advance(400)
    }
    expect([silent.isClosed, slow.isClosed]).toEqual([false, false])
    await clock.advance(1_000)
    await until(() => silent.isClosed && slow.isClosed, 'both to be cut')
    expect(clock.timers).toBe(0)
  })

  test('that upgrades and then says nothing is told when its time is up', async () => {
    const { clock, port } = await open()
    const peer = await RawPeer.upgrade(port)
    await clock.advance(60_000)
    expect(await peer.expectRefused()).toMatchObject({ code: 'connect-timeout', closeCode: 1008 })
  })

  test('that speaks something else is told what is spoken here', async () => {
    const { broker, port } = await open()
    for (const said of [CONNECT, Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), 'nonsense\r\n\r\n']) {
      const peer = await RawPeer.dial(port)
      peer.write(said)
      await until(() => peer.isClosed)
      expect(peer.text).toMatch(/^HTTP\/1.1 400 /)
      expect(peer.text).toContain('WebSocket')
    }
    expect(broker.stats().sessions).toBe(0)
  })

  test.each(['GET', 'POST', 'TRACE', 'OPTIONS'])('that sends %s gets 426, and no more [230]', async (method) => {
    const { port } = await open()
    const answer = await ask(port, '/', { 'x-secret': 'mine' }, method)
    expect(answer).toMatchObject({ status: 426, headers: { connection: 'close' } })
    expect(answer.text).toBe('this is a STOMP broker: connect with a WebSocket\n')
  })

  test('that asks for another path is told which there are', async () => {
    const { port } = await open({ path: ['/a', '/b'] })
    for (const headers of [{}, UPGRADE])
      expect(await ask(port, '/c', headers)).toMatchObject({ status: 404, text: 'nothing at /c; there is /a, /b\n' })
  })

  test.each([
    ['for another path', 'GET /elsewhere HTTP/1.1'],
    ['in another way', 'POST / HTTP/1.1'],
    ['in no way at all', 'nonsense'],
  ])('that asks %s, and then says much, is told all the same, and cut when its time is up', async (_, line) => {
    const { broker, clock, port } = await open({ path: '/' })
    const server = createServer()
    attach(broker, server, { path: '/', lingerMs: 50 })
    const attached = await opened(server)
    for (const place of line === 'nonsense' ? [port] : [port, attached]) {
      const peer = await RawPeer.dial(place)
      const errors: Error[] = []
      peer.socket.on('error', (error) => errors.push(error))
      peer.socket.allowHalfOpen = true
      const headers = Object.entries({ host: 'a', ...UPGRADE }).map((pair) => pair.join(': '))
      peer.write([line, ...headers, '', ''].join('\r\n'))
      await until(() => peer.socket.readableEnded, 'the answer')
      expect(peer.text).toMatch(/^HTTP\/1.1 4/)
      for (let times = 0; times < 20; times++)
        await new Promise<unknown>((written) => peer.socket.write(Buffer.alloc(1_000 * KIB), written))
      expect(errors).toEqual([])
      expect(clock.timers).toBeGreaterThan(0)
      await clock.advance(50)
      await until(() => {
        peer.socket.write('a')
        return errors.length > 0
      }, 'it to be cut')
      expect(clock.timers).toBe(0)
    }
  })

  test('is one of many that upgrade at once and are gone', async () => {
    const { broker, clock, listener, port } = await open()
    const dialled = await Promise.all(Array.from({ length: 200 }, () => RawPeer.dial(port)))
    const head = ['GET / HTTP/1.1', ...Object.entries(UPGRADE).map((pair) => pair.join(': ')), 'host: a', '', ''].join(
      '\r\n',
    )
    for (const [at, { socket }] of dialled.entries()) {
      socket.write(at % 3 === 0 ? head.slice(0, 40) : head)
      if (at % 2 === 0) socket.destroy()
    }
    await until(() => dialled.every(({ text, isClosed }, at) => isClosed || at % 3 === 0 || text.includes(' 101 ')))
    for (const { socket } of dialled) socket.destroy()
    await until(() => broker.stats().sessions === 0 && clock.timers === 0, 'all to be gone')
    expect(listener.connections).toBe(0)
  })

  test('is one of many that begin an upgrade, of whom as many as may be connected are waited for', async () => {
    const { broker, clock, listener, port } = await open({ maxConnections: 5 })
    const half = 'GET / HTTP/1.1\r\nupgrade: websocket\r\n'
    const begun = await Promise.all(Array.from({ length: 5 }, () => RawPeer.dial(port)))
    for (const peer of begun) peer.write(half)
    await until(() => clock.timers === 5, 'all to have come')
    const more = await Promise.all(Array.from({ length: 100 }, () => RawPeer.dial(port)))
    for (const peer of more) peer.write(half)
    await until(() => more.every(({ text }) => text.includes('option maxConnections')), 'all to be told')
    for (const peer of more) expect(peer.text).toMatch(/^HTTP\/1.1 503 /)
    expect(begun.map(({ text }) => text)).toEqual(['', '', '', '', ''])
    // Those who leave make room.
    begun[0]?.socket.destroy()
    await until(() => clock.timers <= 4, 'one to have left')
    const good = await client(`ws://127.0.0.1:${port}`)
    await good.connect()
    expect(listener.connections).toBe(1)
    await good.disconnect()
    await clock.advance(10_000)
    await until(() => begun.every(({ isClosed }) => isClosed), 'the others to be cut')
    expect([clock.timers, broker.stats().sessions]).toEqual([0, 0])
  })

  test('that does not read why there is no room for it is cut all the same', async () => {
    const { clock, port } = await open({ maxConnections: 1 })
    const [first, second] = [await RawPeer.dial(port), await RawPeer.dial(port)]
    await until(() => second.text.includes(' 503 '))
    expect(clock.timers).toBe(2)
    await clock.advance(50)
    expect(clock.timers).toBe(1)
    expect(first.isClosed).toBe(false)
  })

  test('whose head is too large is told so', async () => {
    const { port } = await open()
    const peer = await RawPeer.dial(port)
    peer.write(`GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}`)
    await until(() => peer.isClosed)
    expect(peer.text).toMatch(/^HTTP\/1.1 431 /)
    expect(peer.text).toContain('too large')
  })

  test('that takes the door for a proxy is told that it is none', async () => {
    const { port } = await open()
    const peer = await RawPeer.dial(port)
    peer.write('CONNECT elsewhere:80 HTTP/1.1\r\nhost: elsewhere\r\n\r\n')
    await until(() => peer.isClosed)
    expect(peer.text).toMatch(/^HTTP\/1.1 405 /)
    expect(peer.text).toContain('no proxy')
  })

  test.each(['1.0', '0.9', '2.0'])('that upgrades by HTTP/%s is told which it takes', async (version) => {
    const { broker, port } = await open()
    const server = createServer()
    attach(broker, server)
    const attached = await opened(server)
    for (const place of [port, attached]) {
      const peer = await RawPeer.dial(place)
      const headers = Object.entries({ host: 'a', ...UPGRADE }).map((pair) => pair.join(': '))
      peer.write([`GET / HTTP/${version}`, ...headers, '', ''].join('\r\n'))
      await until(() => peer.isClosed)
      expect(peer.text).toMatch(/^HTTP\/1.1 400 /)
      expect(peer.text).toContain(`begins with HTTP/1.1, and this was HTTP/${version}`)
    }
  })

  test('gets 503 where the door is closing', async () => {
    const { broker } = openBroker()
    const server = createServer()
    const door = attach(broker, server)
    const [upgrade] = server.listeners('upgrade')
    const port = await opened(server)
    const closing = door.close()
    // One whose upgrade was on its way.
    server.on('upgrade', (...values) => Reflect.apply(upgrade as () => void, server, values))
    expect(await ask(port, '/', UPGRADE)).toMatchObject({ status: 503 })
    await closing
  })
})

/** How much compression that is undone makes, until the test is finished. */
function countInflated(): { octets: number } {
  const counted = { octets: 0 }
  const create = zlib.createInflateRaw
  const spy = vi.spyOn(zlib, 'createInflateRaw').mockImplementation((options) => {
    const inflate = create(options)
    inflate.on('data', ({ length }: Buffer) => (counted.octets += length))
    return inflate
  })
  onTestFinished(() => spy.mockRestore())
  return counted
}

/** Octets that no compression makes smaller. */
function random(size: number): Buffer {
  const octets = Buffer.alloc(size)
  let state = 1
  for (let at = 0; at < size; at++) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    octets[at] = 97 + ((state >> 16) % 26)
  }
  return octets
}
