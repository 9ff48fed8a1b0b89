/** WebSocket messages and STOMP frames: what is text, what is binary, what is cut where, and what life is. */

import { type ListenOptions, listen } from '@xtomp/ws'
import { describe, expect, test } from 'vitest'
import { until } from '../support/suite.js'
import { CONNECT, client, openBroker, RawPeer, rawFrame, webSocket } from './open.js'

const SUBSCRIBE = 'SUBSCRIBE\nid:0\ndestination:/topic/a\nreceipt:s\n\n\0'

async function open(options: ListenOptions = {}) {
  const { broker, clock } = openBroker()
  const listener = await listen(broker, { port: 0, ...options })
  return { broker, clock, listener, port: listener.port as number, url: `ws://127.0.0.1:${listener.port}` }
}

/** A subscriber to /topic/a whose messages are those given. */
async function subscriber(url: string, isText: boolean) {
  const one = await webSocket(url, ['v12.stomp'])
  for (const text of [CONNECT, SUBSCRIBE]) one.socket.send(isText ? text : Buffer.from(text))
  await until(() => one.messages.length === 2, 'CONNECTED and RECEIPT')
  expect(one.messages.map(({ isBinary }) => isBinary)).toEqual([!isText, !isText])
  one.messages.length = 0
  return one
}

describe('what is sent', () => {
  test.each([true, false])('is text for a client of text: %s; one frame is one message [223, 224]', async (isText) => {
    const { broker, url } = await open()
    const one = await subscriber(url, isText)
    for (const body of ['', 'one', 'ä€𝄞']) broker.publish('/topic/a', body)
    await until(() => one.messages.length === 3)
    expect(one.messages.map(({ isBinary }) => isBinary)).toEqual([!isText, !isText, !isText])
    expect(one.messages.map(({ text }) => text.split('\n\n')[1])).toEqual(['\0\n', 'one\0\n', 'ä€𝄞\0\n'])
  })

  test('is of the kind that came last', async () => {
    const { broker, url } = await open()
    const one = await subscriber(url, true)
    one.socket.send(Buffer.from('SEND\ndestination:/topic/a\n\nfrom binary\0'))
    await until(() => one.messages.length === 1)
    one.socket.send('\n')
    one.socket.send('SEND\ndestination:/topic/a\n\nfrom text\0')
    await until(() => one.messages.length === 2)
    expect(one.messages.map(({ isBinary }) => isBinary)).toEqual([true, false])
    expect(broker.stats().sessions).toBe(1)
  })

  test('is binary where it is not UTF-8, and text again behind that [224]', async () => {
    const { broker, url } = await open()
    const one = await subscriber(url, true)
    broker.publish('/topic/a', new Uint8Array([0xff, 0xfe]))
    broker.publish('/topic/a', 'text')
    await until(() => one.messages.length === 2)
    expect(one.messages.map(({ isBinary }) => isBinary)).toEqual([true, false])
  })

  test('is put together for a client of text where it leaves in pieces, and only there', async () => {
    const { broker, port } = await open()
    const body = 'ä'.repeat(200_000)
    for (const opcode of [1, 2]) {
      const peer = await RawPeer.upgrade(port)
      peer.write(rawFrame(CONNECT, { opcode }), rawFrame(SUBSCRIBE, { opcode }))
      await until(() => peer.frames.length === 2)
      broker.publish('/topic/a', body)
      await until(() => peer.frames.filter(({ fin }) => fin).length === 3, 'all of it')
      const frames = peer.frames.slice(2)
      expect(frames[0]?.opcode).toBe(opcode)
      expect(String(Buffer.concat(frames.map(({ payload }) => payload))).split('\n\n')[1]).toBe(`${body}\0\n`)
      if (opcode === 1) expect(frames).toHaveLength(1)
      else expect(frames.length).toBeGreaterThan(1)
      peer.socket.destroy()
    }
  })

  test('is in fragments, and binary, where there is no room to put it together', async () => {
    const { broker, port } = await open({ maxHeldBytes: 100_000 })
    const peer = await RawPeer.upgrade(port)
    peer.write(rawFrame(CONNECT, { opcode: 1 }), rawFrame(SUBSCRIBE, { opcode: 1 }))
    await until(() => peer.frames.length === 2)
    const body = 'a'.repeat(300_000)
    broker.publish('/topic/a', body)
    broker.publish('/topic/a', 'text again')
    await until(() => peer.frames.filter(({ fin }) => fin).length === 4, 'all of it')
    const frames = peer.frames.slice(2)
    expect(frames[0]?.opcode).toBe(2)
    expect(String(Buffer.concat(frames.slice(0, -1).map(({ payload }) => payload)))).toContain(`\n\n${body}\0\n`)
    expect(frames.at(-1)?.opcode).toBe(1)
  })
})

describe('what comes', () => {
  test('may be cut into messages and fragments anywhere, and several frames may share one [226]', async () => {
    const { port } = await open()
    const all = Buffer.from(
      `\n${CONNECT}${SUBSCRIBE}\r\nSEND\ndestination:/topic/a\n\nä€\0SEND\ndestination:/topic/a\n\nb\0`,
    )
    for (let size = 1; size <= all.length; size += 7) {
      const peer = await RawPeer.upgrade(port)
      for (let at = 0; at < all.length; at += size) {
        const part = all.subarray(at, at + size)
        const half = part.length >> 1
        peer.write(rawFrame(part.subarray(0, half), { fin: false }))
        // In the midst of the message.
        if (at % 10 === 0) peer.write(rawFrame('?', { opcode: 9 }))
        peer.write(rawFrame(part.subarray(half), { opcode: 0 }))
      }
      await until(
        () => peer.frames.filter(({ opcode }) => opcode === 2).length === 4,
        'CONNECTED, RECEIPT and MESSAGEs',
      )
      const bodies = peer.frames
        .filter(({ opcode }) => opcode === 2)
        .map(({ payload }) => String(payload).split('\n\n')[1])
      expect(bodies.slice(2)).toEqual(['ä€\0\n', 'b\0\n'])
      expect(peer.frames.filter(({ opcode }) => opcode === 10).every(({ payload }) => String(payload) === '?')).toBe(
        true,
      )
      peer.socket.destroy()
    }
  })

  test('of text may be cut at any octet of a character into fragments', async () => {
    const { port } = await open()
    const peer = await RawPeer.upgrade(port)
    peer.write(rawFrame(CONNECT, { opcode: 1 }), rawFrame(SUBSCRIBE, { opcode: 1 }))
    const send = Buffer.from('SEND\ndestination:/topic/a\n\n€\0')
    for (let at = 0; at < send.length; at++)
      peer.write(rawFrame(send.subarray(at, at + 1), { opcode: at === 0 ? 1 : 0, fin: at === send.length - 1 }))
    await until(() => peer.frames.length === 3)
    expect(String(peer.frames[2]?.payload)).toContain('\n\n€\0\n')
  })
})

describe('the end of a message', () => {
  const lost: [what: string, messages: string[]][] = [
    ['without a length', ['SEND\ndestination:/topic/a\n\nbody']],
    ['whose length is all there', ['SEND\ndestination:/topic/a\ncontent-length:4\n\nbody']],
    ['with CR before its LF', ['SEND\r\ndestination:/topic/a\r\ncontent-length:4\r\n\r\nbody']],
    ['behind another', ['SEND\ndestination:/queue/x\n\n1\0SEND\ndestination:/topic/a\n\nbody']],
    [
      'behind a body with a NUL',
      ['SEND\ndestination:/queue/x\ncontent-length:3\n\n1\x002\0\nSEND\ndestination:/topic/a\n\nbody'],
    ],
    ['cut into messages', ['SEND\ndestin', 'ation:/topic/a\ncontent-length:4\n', '\nbo', 'd', 'y']],
    ['cut at each octet', [...'SEND\ndestination:/topic/a\ncontent-length:4\n\nbody']],
    ['cut at each octet, with CRs', [...'SEND\r\ndestination:/topic/a\r\ncontent-length:4\r\n\r\nbody']],
    ['cut at its blank line', ['SEND\ndestination:/topic/a\ncontent-length:4\n', '\n', 'body']],
    ['cut behind its blank line', ['SEND\ndestination:/topic/a\ncontent-length:4\n\n', 'body']],
    [
      'behind one that was cut, whose head is long',
      [
        `SEND\ndestination:/queue/x\n${'a'.repeat(9_000)}`,
        `${'a'.repeat(6_000)}:\n`,
        '\n1\0SEND\ndestination:/topic/a\n\nbody',
      ],
    ],
    ['cut before its NUL, with nothing lost', ['SEND\ndestination:/topic/a\ncontent-length:4\n\nbod', 'y\0']],
    ['with nothing lost', ['SEND\ndestination:/topic/a\ncontent-length:4\n\nbody\0\n', '\n']],
  ]
  test.each(lost)('stands for the lost NUL of a frame %s, where that is asked for [234]', async (_what, messages) => {
    const { url } = await open({ lostNul: true })
    const one = await webSocket(url)
    // React Native loses that of CONNECT as well.
    one.socket.send(CONNECT.slice(0, -1))
    one.socket.send(SUBSCRIBE.slice(0, -1))
    await until(() => one.messages.length === 2)
    for (let times = 1; times <= 3; times++) {
      for (const message of messages) one.socket.send(message)
      await until(() => one.messages.length === 2 + times, 'the MESSAGE')
      expect(one.messages.at(-1)?.text).toMatch(/^MESSAGE\n[\s\S]*\n\nbody\0\n$/)
    }
  })

  test('ends no frame any more behind a head that is longer than any', async () => {
    const { url } = await open({ lostNul: true })
    const one = await webSocket(url)
    one.socket.send(CONNECT)
    one.socket.send(SUBSCRIBE)
    one.socket.send('SEND\ndestination:/topic/a\n')
    for (let at = 0; at < 12; at++) one.socket.send(`a:${'a'.repeat(8_000)}\n`)
    one.socket.send('\nbody')
    await new Promise((resolve) => one.socket.once('pong', resolve).ping())
    expect(one.messages).toHaveLength(2)
    one.socket.send('\0')
    await until(() => one.messages.length === 3, 'the MESSAGE')
  })

  test('ends no frame where that is not asked for', async () => {
    const { url, clock } = await open()
    const one = await webSocket(url)
    one.socket.send(CONNECT.slice(0, -1))
    one.socket.send('\n')
    await new Promise((resolve) => one.socket.once('pong', resolve).ping())
    expect(one.messages).toEqual([])
    await clock.advance(60_000)
    expect((await one.closed).reason).toBe('connect-timeout')
  })
})

describe('a browser whose timers are throttled', () => {
  const beating = 'CONNECT\naccept-version:1.2\nhost:/\nheart-beat:10000,0\n\n\0'

  test('lives on while it answers pings, though it beats once a minute', async () => {
    const { broker, clock, url } = await open({ origins: 'any' })
    const one = await webSocket(url, [], { origin: 'https://a.example' })
    let pings = 0
    one.socket.on('ping', () => pings++)
    one.socket.send(beating)
    await until(() => one.messages.length === 1)
    const other = await client(url)
    await other.connect({ 'heart-beat': '0,0' })
    for (let at = 0; at < 120_000; at += 1_000) {
      await clock.advance(1_000)
      // What is on its way before this round trip has come behind it: all are sockets of this process.
      await other.roundTrip()
      await other.roundTrip()
    }
    expect(pings).toBeGreaterThan(5)
    await other.disconnect()
    await until(() => broker.stats().sessions === 1, 'only the other to be gone')
    expect(one.messages).toHaveLength(1)
  })

  const silent: [what: string, options: ListenOptions, origin: string | undefined][] = [
    ['answers no ping', {}, 'https://a.example'],
    ['is not asked', { pingMs: 0 }, 'https://a.example'],
    ['is no browser', {}, undefined],
  ]
  test.each(silent)('is given up where it %s', async (_what, options, origin) => {
    const { clock, url } = await open({ origins: 'any', ...options })
    const one = await webSocket(url, [], { autoPong: false, ...(origin === undefined ? {} : { origin }) })
    let pings = 0
    one.socket.on('ping', () => pings++)
    one.socket.send(beating)
    await until(() => one.messages.length === 1)
    for (let at = 0; at < 30_000; at += 1_000) await clock.advance(1_000)
    expect((await one.closed).reason).toBe('heart-beat-missed')
    expect(pings > 0).toBe(origin !== undefined && options.pingMs !== 0)
  })

  test('is not asked while it talks, and no timer runs when it is gone', async () => {
    const { broker, clock, url } = await open({ origins: 'any' })
    const one = await webSocket(url, [], { origin: 'https://a.example' })
    let pings = 0
    one.socket.on('ping', () => pings++)
    one.socket.send(CONNECT)
    for (let at = 0; at < 20; at++) {
      one.socket.send('SEND\ndestination:/queue/a\n\n\0')
      await until(() => broker.stats().messages === at + 1)
      await clock.advance(900)
    }
    expect(pings).toBe(0)
    expect(clock.timers).toBeGreaterThan(0)
    one.socket.terminate()
    await until(() => broker.stats().sessions === 0)
    expect(clock.timers).toBe(0)
  })
})

describe('the close frame', () => {
  test('of a client is answered with its code, after the answers to what it sent before', async () => {
    const { url } = await open()
    const one = await webSocket(url)
    one.socket.send(CONNECT)
    one.socket.send(SUBSCRIBE)
    one.socket.close(4321, 'mine')
    expect(await one.closed).toEqual({ code: 4321, reason: '' })
    expect(one.messages.map(({ text }) => text.split('\n')[0])).toEqual(['CONNECTED', 'RECEIPT'])
  })

  test('follows a DISCONNECT with 1000', async () => {
    const { url } = await open()
    const one = await webSocket(url)
    one.socket.send(`${CONNECT}DISCONNECT\nreceipt:1\n\n\0`)
    expect(await one.closed).toEqual({ code: 1000, reason: 'disconnect' })
    expect(one.messages.map(({ text }) => text.split('\n')[0])).toEqual(['CONNECTED', 'RECEIPT'])
  })

  test('says 1001 where the door closes, and 1013 where it is full', async () => {
    const { url, listener } = await open({ maxConnections: 1 })
    const one = await webSocket(url)
    const other = await webSocket(url)
    expect(await other.closed).toEqual({ code: 1013, reason: 'connections-too-many' })
    expect(other.messages[0]?.text).toContain('option maxConnections')
    await listener.close()
    expect(await one.closed).toEqual({ code: 1001, reason: 'broker-closing' })
  })

  test('is missing where the peer just breaks off, and that is told', async () => {
    const { broker, url } = await open()
    const ends: string[] = []
    broker.on('disconnect', ({ reason }) => ends.push(reason.code))
    const one = await client(url)
    await one.connect()
    one.abort()
    await until(() => ends.length === 1)
    expect(ends).toEqual(['peer-lost'])
  })
})
