/** What was received, and the matchers for it: in vitest, and in the `expect` of jest. */

import { createTestBroker, type StompMatchers, stompMatchers, type TestBroker } from '@xtomp/testing'
import { expect as jestExpect } from 'expect'
import { describe, expect, onTestFinished, test, expect as vitestExpect } from 'vitest'
import { turn } from '../support/variants.js'

declare module 'vitest' {
  interface Matchers<T> extends StompMatchers<T> {}
}

declare module 'expect' {
  interface Matchers<R> extends StompMatchers<R> {}
}

vitestExpect.extend(stompMatchers)
jestExpect.extend(stompMatchers)

function opened(options = {}): TestBroker {
  const broker = createTestBroker(options)
  onTestFinished(() => broker.close())
  return broker
}

/** A client that knows only octets, and never reads. */
async function written(broker: TestBroker, ...frames: string[]) {
  const socket = broker.socket()
  socket.resume()
  socket.on('error', () => undefined)
  socket.write(['CONNECT\naccept-version:1.2\nhost:/\n\n', ...frames, ''].join('\0'))
  await broker.clock.settled()
  return socket
}

describe('received', () => {
  test('answers what clients and the host sent, in its order, and what comes later, too', async () => {
    const broker = opened()
    broker.publish('/topic/a', '{"n":1}', { headers: { colour: 'blue' } })
    await written(broker, 'SEND\ndestination:/topic/a\nsize:2\n\ntwo', 'SEND\ndestination:/topic/b\n\nother')
    const both = await broker.received('/topic/a', 2)
    expect(both.map(({ session }) => session === undefined)).toEqual([true, false])
    expect(both[0]?.json()).toEqual({ n: 1 })
    expect(both.map(({ headers }) => headers.toJSON())).toEqual([{ colour: 'blue' }, { size: '2' }])
    const third = broker.received('/topic/a', 3)
    await broker.publishConfirmed('/topic/a', 'three')
    expect((await third).map((message) => message.text())).toEqual(['{"n":1}', 'two', 'three'])
  })

  test('counts nothing that was refused', async () => {
    const broker = opened({ destinations: [{ match: '/queue/a', maxMessages: 1 }] })
    broker.publish('/queue/a', 'one')
    broker.publish('/queue/a', 'two')
    await expect(broker.publishConfirmed('/queue/a', 'three')).rejects.toThrow('queue')
    expect(() => broker.publish('', 'x')).toThrow(TypeError)
    await written(broker, 'SEND\ndestination:/queue/a\n\nfour')
    const failure = broker.received('/queue/a', 2, { giveUpAfterMs: 10 })
    await expect(failure).rejects.toThrow(
      'expected 2 of /queue/a, got 1; what was sent:\n  /queue/a "one" (by the host)',
    )
  })

  test('lists what was sent where it is given up', async () => {
    const broker = opened()
    const failure = () => broker.received('/topic/a', 1, { giveUpAfterMs: 10 })
    await expect(failure()).rejects.toThrow('expected 1 of /topic/a, got 0; nothing was sent to any destination')
    await written(broker, `SEND\ndestination:/topic/b\nnote:two words\n\n${'x'.repeat(200)}`)
    await expect(failure()).rejects.toThrow(`/topic/b note:"two words" "${'x'.repeat(100)}"… (200 octets)`)
    for (let count = 0; count < 30; count++) broker.publish('/topic/c', 'x')
    await expect(failure()).rejects.toThrow('and 11 more')
  })
})

describe('a transcript', () => {
  test('shows every frame, both ways, and no passcode', async () => {
    const broker = opened()
    const socket = broker.socket()
    socket.resume()
    socket.write(
      'CONNECT\naccept-version:1.1\nhost:/\nlogin:ann\npasscode:secret\n\n\0SEND\ndestination:/a\\cb\nreceipt:1\n\n\u0001\0\n',
    )
    socket.end('nonsense\n')
    await broker.clock.settled()
    const [connect, connected, send, ...rest] = broker.transcript().split('\n')
    expect(connect).toBe('#1 > CONNECT accept-version:1.1 host:/ login:ann passcode:(hidden)')
    expect(connected).toMatch(/^#1 < CONNECTED version:1.1 session:\S+ heart-beat:10000,10000 server:xtomp$/)
    expect(send).toBe('#1 > SEND destination:/a:b receipt:1 "\\u0001"')
    const [receipt, nonsense, error, ...ends] = rest
    expect(receipt).toBe('#1 < RECEIPT receipt-id:1')
    expect(nonsense).toMatch(/^#1 > \(not a frame: .*\)$/)
    expect(error).toMatch(
      /^#1 < ERROR message:"bad command" code:bad-command content-type:text\/plain ".{100}"… \(\d+ octets\)$/,
    )
    expect(ends).toEqual(['#1 > (end)', '#1 < (closed)'])
    expect(broker.connections).toEqual([])
  })

  /** A client's octets, in which `sesame` is some of its passcode. */
  const TALES: readonly { says: string; octets: string }[] = [
    { says: 'a passcode', octets: 'CONNECT\naccept-version:1.2\npasscode:sesame\n\n\0' },
    { says: 'a second passcode', octets: 'STOMP\naccept-version:1.2\npasscode:a\npasscode:sesame\n\n\0' },
    { says: 'a name with a space', octets: 'CONNECT\naccept-version:1.2\n passcode :sesame\n\n\0' },
    { says: 'a name in capitals', octets: 'CONNECT\naccept-version:1.2\nPassCode:sesame\n\n\0' },
    { says: 'a name of its own', octets: 'CONNECT\naccept-version:1.2\nauthorization:Bearer sesame\n\n\0' },
    { says: 'a line feed in it', octets: 'CONNECT\naccept-version:1.2\npasscode:a\nsesame\n\n\0' },
    { says: 'a line feed and a colon in it', octets: 'CONNECT\naccept-version:1.2\npasscode:a\nsesame:sesame\n\n\0' },
    { says: 'a carriage return in it', octets: 'CONNECT\naccept-version:1.2\npasscode:a\rsesame\n\n\0' },
    { says: 'no colon', octets: 'CONNECT\naccept-version:1.2\npasscode sesame\n\n\0' },
    { says: 'no name', octets: 'CONNECT\naccept-version:1.2\n:sesame\n\n\0' },
    { says: 'no line feed before it', octets: 'CONNECT\naccept-version:1.2\nlogin:ann passcode:sesame\n\n\0' },
    { says: 'an octet that is not UTF-8', octets: 'CONNECT\naccept-version:1.2\npasscode:sesame\xff\n\n\0' },
    { says: 'a NUL before its end', octets: 'CONNECT\naccept-version:1.2\npasscode:sesame\0\n\n\0' },
    { says: 'a blank line before it', octets: 'CONNECT\naccept-version:1.2\n\npasscode:sesame\n\n\0' },
    { says: 'the line of the command', octets: 'CONNECT passcode:sesame\naccept-version:1.2\n\n\0' },
    { says: 'the first line', octets: 'passcode:sesame\nCONNECT\naccept-version:1.2\n\n\0' },
    {
      says: 'a second CONNECT',
      octets: 'CONNECT\naccept-version:1.2\nhost:/\n\n\0CONNECT\npasscode:sesame\n\n\0',
    },
    {
      says: 'a second CONNECT that is malformed',
      octets: 'CONNECT\naccept-version:1.2\nhost:/\n\n\0CONNECT\npasscode sesame\n\n\0',
    },
    {
      says: 'a message',
      octets: 'CONNECT\naccept-version:1.2\nhost:/\n\n\0SEND\ndestination:/topic/a\npasscode:sesame\n\n\0',
    },
  ]

  test.each(TALES)('shows no passcode where there is $says, whole or in pieces', async ({ octets }) => {
    const whole = Buffer.from(octets, 'latin1')
    for (const pieces of [[whole], ...[...whole.keys()].map((at) => [whole.subarray(0, at), whole.subarray(at)])]) {
      const broker = opened()
      const socket = broker.socket()
      socket.on('error', () => undefined).resume()
      for (const piece of pieces) {
        socket.write(piece)
        await broker.clock.settled()
      }
      const failures = await Promise.allSettled([
        vitestExpect(broker).toHaveReceived('/topic/b', { headers: { passcode: 'sesame' }, giveUpAfterMs: 1 }),
        vitestExpect(broker).toHaveSubscription('/topic/b', { giveUpAfterMs: 1 }),
        broker.received('/topic/b', 1, { giveUpAfterMs: 1 }),
      ])
      expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
      const shown = [broker.transcript(), ...failures.map((failure) => 'reason' in failure && String(failure.reason))]
      expect(shown[0]).toMatch(/^#1 [<>] /m)
      expect(shown.join('\n')).not.toContain('sesame')
      await broker.close()
    }
  })

  test('shows of a CONNECT the headers that are known, and that there are others', async () => {
    const broker = opened()
    const socket = broker.socket()
    socket.resume()
    socket.write('CONNECT\naccept-version:1.2\nhost:/\nlogin:ann\nheart-beat:0,0\npasscode:a\ntoken:b\n\n\0')
    await broker.clock.settled()
    expect(broker.transcript().split('\n')[0]).toBe(
      '#1 > CONNECT accept-version:1.2 host:/ login:ann heart-beat:0,0 passcode:(hidden) (a header, hidden)',
    )
  })
})

describe.each([
  { runner: 'vitest', expectIn: vitestExpect },
  { runner: 'jest', expectIn: jestExpect as unknown as typeof vitestExpect },
])('matchers in $runner', ({ expectIn }) => {
  const never = { giveUpAfterMs: 10 }

  test('toHaveReceived passes for a message of that body and those headers, once it comes', async () => {
    const broker = opened()
    const waited = expectIn(broker).toHaveReceived('/topic/a', { body: { n: 1 }, headers: { colour: 'blue' } })
    // Long after: what did not wait has failed by then.
    for (let turns = 0; turns < 100; turns++) await turn()
    broker.publish('/topic/a', '{"n":1}', { headers: { colour: 'blue', size: '2' } })
    await waited
    await expectIn(broker).toHaveReceived('/topic/a')
    await expectIn(broker).toHaveReceived('/topic/a', { times: 1 })
    for (const body of ['{"n":1}', /n.:1/, new TextEncoder().encode('{"n":1}'), expectIn.stringContaining('"n"')])
      await expectIn(broker).toHaveReceived('/topic/a', { body })
    await expectIn(broker).toHaveReceived('/topic/a', { body: expectIn.objectContaining({ n: 1 }) })
    await expectIn(broker).not.toHaveReceived('/topic/b')
    await expectIn(broker).not.toHaveReceived('/topic/a', { body: 'x' })
    await expectIn(broker).not.toHaveReceived('/topic/a', { headers: { colour: 'red' } })
    await expectIn(broker).not.toHaveReceived('/topic/a', { times: 2 })
  })

  test('toHaveReceived fails with what did arrive', async () => {
    const broker = opened()
    broker.publish('/topic/a', 'one')
    broker.publish('/topic/a', 'one')
    const wrongBody = expectIn(broker).toHaveReceived('/topic/a', { body: 'two', headers: { a: 'b' }, ...never })
    await expect(wrongBody).rejects.toThrow(
      'expected a message to /topic/a with body "two", headers {"a":"b"}, got none; what was sent:\n  /topic/a "one"',
    )
    await expect(expectIn(broker).toHaveReceived('/topic/a', { times: 1 })).rejects.toThrow('got 2')
    await expect(expectIn(broker).not.toHaveReceived('/topic/a')).rejects.toThrow('expected not a message to /topic/a')
    await expect(async () => expectIn(never).toHaveReceived('/topic/a')).rejects.toThrow('createTestBroker')
  })

  test('toHaveSubscription passes and fails with the subscriptions that there are', async () => {
    const broker = opened()
    const waited = expectIn(broker).toHaveSubscription('/queue/a', { ack: 'client', id: 'x', times: 1 })
    const socket = await written(broker, 'SUBSCRIBE\nid:x\ndestination:/queue/a\nack:client\n\n')
    await waited
    await expectIn(broker).toHaveSubscription('/queue/a')
    await expect(expectIn(broker).toHaveSubscription('/queue/b', never)).rejects.toThrow(
      /expected a subscription to \/queue\/b, got none; the subscriptions are:\n {2}\/queue\/a id:x ack:client \(session /,
    )
    await expectIn(broker).not.toHaveSubscription('/queue/a', { ack: 'auto' })
    socket.write('UNSUBSCRIBE\nid:x\n\n\0SUBSCRIBE\nid:y\ndestination:/queue/c\n\n\0')
    await expectIn(broker).toHaveSubscription('/queue/c')
    await expectIn(broker).not.toHaveSubscription('/queue/a')
    socket.destroy()
    await broker.clock.settled()
    await expectIn(broker).not.toHaveSubscription('/queue/c')
    await expect(expectIn(broker).toHaveSubscription('/queue/c', never)).rejects.toThrow(
      'no session has a subscription',
    )
  })
})
