/** The small parts of the bench: histograms, times in bodies, WebSocket frames. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Histogram, MOST_US } from '../../packages/bench/src/load/histogram.js'
import { STAMP_BYTES, stamp, stampIn } from '../../packages/bench/src/load/now.js'
import { WebSocketReader, wrapped } from '../../packages/bench/src/load/web-socket.js'
import { otherUrl, shownUrl } from '../../packages/bench/src/run/target.js'

describe('a histogram', () => {
  test('has the percentiles of what was noted, to three digits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: MOST_US }), { minLength: 1 }),
        fc.integer({ min: 1, max: 100 }),
        (values, percentile) => {
          const histogram = new Histogram()
          for (const value of values) histogram.note(value)
          const sorted = [...values].sort((one, other) => one - other)
          const exact = sorted[Math.ceil((percentile / 100) * sorted.length - 1e-9) - 1] ?? 0
          expect(histogram.at(percentile)).toBeGreaterThanOrEqual(exact)
          expect(histogram.at(percentile)).toBeLessThanOrEqual(exact * 1.001)
          expect(histogram.maxUs).toBe(sorted.at(-1))
        },
      ),
    )
  })

  test('goes from one process to another as a list, and adds up there', () => {
    const [one, other, all] = [new Histogram(), new Histogram(), new Histogram()]
    for (let us = 1; us <= 1_000_000; us = Math.ceil(us * 1.1)) {
      one.note(us)
      other.note(us * 3)
      all.note(us)
      all.note(us * 3)
    }
    const sum = new Histogram()
    for (const { list } of [one, other].map((histogram) => ({ list: JSON.parse(JSON.stringify(histogram.list())) })))
      sum.add(list)
    expect([sum.count, sum.maxUs, sum.list()]).toEqual([all.count, all.maxUs, all.list()])
    sum.clear()
    expect([sum.count, sum.maxUs, sum.list()]).toEqual([0, 0, []])
  })

  test('counts what is out of its bounds as what is at them', () => {
    const histogram = new Histogram()
    for (const us of [-5, Number.NaN, 2 * MOST_US]) histogram.note(us)
    expect([histogram.at(1), histogram.at(100), histogram.count]).toEqual([0, MOST_US, 3])
  })
})

test('a time in a body is read as it was written', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 9e15, noNaN: true }), (us) => {
      const body = Buffer.alloc(STAMP_BYTES + 3, 'x')
      stamp(body, STAMP_BYTES + 2, us)
      expect(stampIn(body, STAMP_BYTES + 2)).toBe(Math.floor(us))
      expect([body.toString('latin1', 0, 2), body.toString('latin1', STAMP_BYTES + 2)]).toEqual(['xx', 'x'])
    }),
  )
})

describe('a reader of WebSocket frames', () => {
  const HEAD = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'

  function read(chunks: readonly Buffer[]) {
    const found = { opened: 0, stomp: '', answers: [] as Buffer[], ended: '' }
    const reader = new WebSocketReader({
      opened: () => found.opened++,
      stomp: (octets) => {
        found.stomp += octets.toString('latin1')
      },
      answer: (octets) => found.answers.push(Buffer.from(octets)),
      ended: (why) => {
        found.ended = why
      },
    })
    for (const chunk of chunks) reader.receive(chunk)
    return found
  }

  function frame(opcode: number, body: string): Buffer {
    const length = body.length
    const head =
      length < 126
        ? [length]
        : length < 65_536
          ? [126, length >> 8, length & 255]
          : [127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255]
    return Buffer.concat([Buffer.from([opcode, ...head]), Buffer.from(body, 'latin1')])
  }

  test('finds the same wherever the octets are split', () => {
    const long = 'y'.repeat(300)
    // A fragment, a ping in between, the rest; an empty message; a long one.
    const frames = [
      frame(0x01, 'MESS'),
      frame(0x89, 'hi'),
      frame(0x80, 'AGE\n\n\0'),
      frame(0x82, ''),
      frame(0x81, long),
    ]
    const octets = Buffer.concat([Buffer.from(HEAD), ...frames])
    const whole = read([octets])
    expect(whole).toMatchObject({ opened: 1, stomp: `MESSAGE\n\n\0${long}`, ended: '' })
    expect(whole.answers).toEqual([Buffer.from([0x8a, 0x82, 0, 0, 0, 0, 104, 105])])
    for (let at = 1; at < octets.length; at++)
      expect(read([octets.subarray(0, at), octets.subarray(at)])).toEqual(whole)
    expect(read([...octets].map((octet) => Buffer.from([octet])))).toEqual(whole)
  })

  test('takes messages of more than 64 KiB', () => {
    const body = 'z'.repeat(70_000)
    expect(read([Buffer.from(HEAD), frame(0x82, body)]).stomp).toBe(body)
  })

  test('tells of a close frame, with its reason', () => {
    expect(read([Buffer.from(HEAD), frame(0x88, '\x03\xe8bye')]).ended).toBe('the broker has closed the WebSocket: bye')
  })

  test.each([5, 125, 126, 65_535, 65_536])('wraps a frame of %i octets so that it is read again', (length) => {
    const octets = wrapped(Buffer.alloc(length, 'a'))
    const short = (octets[1] ?? 0) & 0x7f
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    expect([octets[0], (octets[1] ?? 0) & 0x80]).toEqual([0x81, 0x80])
    expect(octets.length).toBe(head + 4 + length)
    expect([...octets.subarray(head, head + 4)]).toEqual([0, 0, 0, 0])
    const unmasked = Buffer.concat([
      octets.subarray(0, 1),
      Buffer.from([short]),
      octets.subarray(2, head),
      octets.subarray(head + 4),
    ])
    expect(read([Buffer.from(HEAD), unmasked]).stomp).toHaveLength(length)
  })
})

test.each([
  ['127.0.0.1:9', 'stomp://ann:secret@host:1', 'stomp://127.0.0.1:9'],
  ['[::1]:9', 'ws://host:1/stomp', 'ws://[::1]:9/stomp'],
  ['wss://other/stomp', 'stomp://host:1', 'wss://other/stomp'],
])('the other broker at %s is spoken to as the first', (text, first, expected) => {
  expect(shownUrl(otherUrl(text, first))).toBe(expected)
})
