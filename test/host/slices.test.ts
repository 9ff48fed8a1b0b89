/** Nobody holds the loop: a burst is taken, and a broadcast leaves, in slices with everybody else's turn between them. */

import { type Broker, type BrokerOptions, type Connection, createBroker, type Inbound } from '@xtomp/core'
import { describe, expect, test } from 'vitest'
import { SteppedClock } from '../support/stepped-clock.js'

/** A connection that takes everything at once, and remembers it. */
class Peer implements Connection {
  readonly info = { transport: 'memory' }
  heard = ''
  isPaused = false
  readonly inbound: Inbound

  constructor(broker: Broker) {
    this.inbound = broker.accept(this)
    this.say('CONNECT\naccept-version:1.2\nhost:a\nheart-beat:0,0\n\n\0')
  }

  say(text: string): void {
    this.inbound.receive(new TextEncoder().encode(text))
  }

  subscribe(destination: string): this {
    this.say(`SUBSCRIBE\nid:0\ndestination:${destination}\n\n\0`)
    return this
  }

  /** The bodies that came, in order. */
  get bodies(): string[] {
    return [...this.heard.matchAll(/\nMESSAGE\n.*?\n\n(.*?)\0/gs)].map(([, body]) => body ?? '')
  }

  send(octets: Uint8Array): boolean {
    this.heard += new TextDecoder().decode(octets)
    return true
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  close(): void {
    this.inbound.closed()
  }

  abort(): void {
    this.inbound.closed()
  }
}

function opened(crowd: number, options: BrokerOptions = {}) {
  const clock = new SteppedClock()
  const broker = createBroker({ clock, ...options })
  const peers = Array.from({ length: crowd }, () => new Peer(broker).subscribe('/topic/all'))
  const producer = new Peer(broker)
  const other = new Peer(broker).subscribe('/topic/other')
  clock.finish()
  return { clock, broker, peers, producer, other }
}

/** Promises are kept. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Takes turns until nothing is left to be done, whoever waits for a promise. */
async function finish(clock: SteppedClock): Promise<void> {
  while (!clock.isIdle) {
    clock.step()
    await settled()
  }
}

const sendTo = (destination: string, body: string): string => `SEND\ndestination:${destination}\n\n${body}\0`

describe('a burst to many', () => {
  test('is taken in slices: its sender is not read meanwhile, and others are served in between', () => {
    const { clock, peers, producer, other } = opened(400)
    const bodies = Array.from({ length: 200 }, (_, at) => String(at))
    producer.say(bodies.map((body) => sendTo('/topic/all', body)).join(''))
    expect(producer.isPaused).toBe(true)
    other.say(sendTo('/topic/other', 'aside'))
    for (let turns = 0; turns < 4; turns++) clock.step()
    expect(other.bodies).toEqual(['aside'])
    expect(peers.at(-1)?.bodies.length).toBeLessThan(bodies.length)
    expect(clock.finish()).toBeGreaterThan(4)
    expect(producer.isPaused).toBe(false)
    for (const peer of peers) expect(peer.bodies).toEqual(bodies)
  })

  test('is taken to its end though its sender has gone meanwhile', () => {
    const { clock, peers, producer } = opened(400)
    const bodies = Array.from({ length: 200 }, (_, at) => String(at))
    producer.say(bodies.map((body) => sendTo('/topic/all', body)).join(''))
    producer.inbound.closed()
    clock.finish()
    expect(peers[0]?.bodies).toEqual(bodies)
  })

  test('of several senders is taken in turn, each one’s in order', () => {
    const { clock, broker, peers, producer } = opened(400)
    const second = new Peer(broker)
    for (const [name, peer] of Object.entries({ a: producer, b: second }))
      peer.say(Array.from({ length: 100 }, (_, at) => sendTo('/topic/all', `${name}${at}`)).join(''))
    clock.finish()
    const bodies = peers[0]?.bodies ?? []
    expect(bodies.length).toBe(200)
    for (const name of ['a', 'b'])
      expect(bodies.filter((body) => body.startsWith(name))).toEqual(Array.from({ length: 100 }, (_, at) => name + at))
    // Neither waited for the other's end.
    expect(bodies.slice(0, 100).some((body) => body.startsWith('b'))).toBe(true)
  })
})

describe('a broadcast', () => {
  test('leaves in slices, and an answer to somebody else leaves before all of it has', () => {
    const { clock, peers, producer, other } = opened(2_000)
    producer.say(sendTo('/topic/all', 'news'))
    other.say(sendTo('/topic/other', 'aside'))
    clock.step()
    expect(other.bodies).toEqual(['aside'])
    const served = peers.filter(({ bodies }) => bodies.length > 0).length
    expect(served).toBeGreaterThan(0)
    expect(served).toBeLessThan(peers.length)
    clock.finish()
    for (const peer of peers) expect(peer.bodies).toEqual(['news'])
  })
})

describe('more to many than may wait for them', () => {
  const long = (name: string, count = 100): string[] =>
    Array.from({ length: count }, (_, at) => `${name}${at} ${'x'.repeat(200)}`)
  const tight = (whenSlow: 'disconnect' | 'drop-oldest' = 'disconnect'): BrokerOptions => ({
    limits: { unsentBytes: 1_024 },
    destinations: [{ match: '/topic/all', backlogBytes: 4_096, whenSlow }],
  })
  const toAll = (bodies: readonly string[]): string => bodies.map((body) => sendTo('/topic/all', body)).join('')

  test('waits with its sender, and nobody is too slow for that; others send and are answered', async () => {
    const { clock, broker, peers, producer, other } = opened(400, tight())
    producer.say(toAll(long('a')))
    expect(producer.isPaused).toBe(true)
    expect(peers.every(({ bodies }) => bodies.length === 0)).toBe(true)
    for (const receipt of ['one', 'two']) other.say(`SEND\ndestination:/topic/other\nreceipt:${receipt}\n\naside\0`)
    clock.step()
    expect(other.bodies).toEqual(['aside', 'aside'])
    expect(other.heard).toContain('receipt-id:two')
    expect(other.isPaused).toBe(false)
    expect(peers.at(-1)?.bodies).toEqual([])
    await finish(clock)
    for (const peer of peers) expect(peer.bodies).toEqual(long('a'))
    expect(producer.isPaused).toBe(false)
    expect(broker.stats().sessions).toBe(402)
  })

  test.each(['disconnect', 'drop-oldest'] as const)(
    'waits with all who send, who take turns (%s)',
    async (whenSlow) => {
      const { clock, broker, peers } = opened(300, tight(whenSlow))
      const producers = Array.from({ length: 50 }, () => new Peer(broker))
      for (const [at, producer] of producers.entries()) producer.say(toAll(long(`${at}-`, 5)))
      await finish(clock)
      for (const peer of peers) expect(peer.bodies.length).toBe(250)
      const bodies = peers[0]?.bodies ?? []
      for (const at of producers.keys())
        expect(bodies.filter((body) => body.startsWith(`${at}-`))).toEqual(long(`${at}-`, 5))
      const firsts = bodies.map((body, place) => (/-0 /.test(body) ? place : 0))
      expect(Math.max(...firsts)).toBeLessThan(100)
      expect(broker.stats().sessions).toBe(352)
    },
  )

  test('is sent to its end though its sender has gone meanwhile', async () => {
    const { clock, peers, producer } = opened(400, tight())
    producer.say(toAll(long('a')))
    producer.inbound.closed()
    await finish(clock)
    for (const peer of peers) expect(peer.bodies).toEqual(long('a'))
  })

  test('leaves at once where the host sends it, who does not wait, while others do', async () => {
    const { clock, broker, peers, producer } = opened(400, tight())
    producer.say(toAll(long('a')))
    for (const body of long('host')) broker.publish('/topic/all', body)
    await finish(clock)
    for (const peer of peers) {
      expect(peer.bodies.filter((body) => body.startsWith('a'))).toEqual(long('a'))
      expect(peer.bodies.filter((body) => body.startsWith('host'))).toEqual(long('host'))
    }
    expect(broker.stats().sessions).toBe(402)
  })

  test('leaves at once where a transaction sends it, while others wait', async () => {
    const { clock, broker, peers, producer, other } = opened(400, tight())
    producer.say(toAll(long('a')))
    other.say('BEGIN\ntransaction:t\n\n\0')
    for (const body of long('t')) other.say(`SEND\ndestination:/topic/all\ntransaction:t\n\n${body}\0`)
    other.say('COMMIT\ntransaction:t\n\n\0')
    await finish(clock)
    for (const peer of peers) expect(peer.bodies.filter((body) => body.startsWith('t'))).toEqual(long('t'))
    expect(broker.stats().sessions).toBe(402)
  })

  test('cuts nobody who has just been answered something', async () => {
    const { clock, broker } = opened(300, tight())
    const late = new Peer(broker)
    late.say('SUBSCRIBE\nid:0\ndestination:/topic/all\nreceipt:r\n\n\0')
    for (const body of long('host')) broker.publish('/topic/all', body)
    await finish(clock)
    expect(late.bodies).toEqual(long('host'))
  })

  test('goes on for whoever waits while somebody who does not wait sends on and on', async () => {
    const { clock, broker, peers, producer } = opened(400, tight())
    producer.say(toAll(long('a', 30)))
    for (let turns = 0; turns < 400; turns++) {
      broker.publish('/topic/all', 'on and on')
      clock.step()
      await settled()
    }
    expect(peers[0]?.bodies.filter((body) => body.startsWith('a'))).toEqual(long('a', 30))
  })

  test('is answered in order, and held by nobody in the end', async () => {
    const { clock, broker, producer } = opened(400, tight())
    const before = broker.stats().bytes
    const receipts = Array.from({ length: 30 }, (_, at) => String(at))
    producer.say(
      receipts.map((receipt) => `SEND\ndestination:/topic/all\nreceipt:${receipt}\n\n${'x'.repeat(200)}\0`).join(''),
    )
    expect(broker.stats().bytes).toBeGreaterThan(before)
    await finish(clock)
    expect([...producer.heard.matchAll(/receipt-id:(\d+)/g)].map(([, receipt]) => receipt)).toEqual(receipts)
    expect(broker.stats().bytes).toBe(before)
  })

  test('is not sent for whoever was cut meanwhile, and holds up nobody', async () => {
    const { clock, broker, peers, producer } = opened(400, tight())
    const second = new Peer(broker)
    producer.say(toAll(long('a', 30)))
    second.say(toAll(long('b', 30)))
    for (const session of broker.sessions())
      if (session.subscriptions === 0) {
        session.close({ code: 'access-refused', message: 'no more of this' })
        break
      }
    await finish(clock)
    expect(peers[0]?.bodies.filter((body) => body.startsWith('b'))).toEqual(long('b', 30))
    expect(peers[0]?.bodies.filter((body) => body.startsWith('a')).length).toBeLessThan(30)
    expect(broker.stats().sessions).toBe(402)
  })

  test('is forgotten with a broker that is closed at once', async () => {
    const { clock, broker, producer } = opened(400, tight())
    producer.say(toAll(long('a', 30)))
    let isClosed = false
    void broker.close().then(() => {
      isClosed = true
    })
    while (!isClosed) {
      await finish(clock)
      clock.pass(50)
      await settled()
    }
    expect(broker.stats()).toMatchObject({ sessions: 0, bytes: 0 })
  })

  test('is no reason to hang for a broker that is closed, or drained', async () => {
    const { clock, broker, peers, producer } = opened(400, tight())
    producer.say(toAll(long('a')))
    let isClosed = false
    void broker.close({ drainMs: 5_000 }).then(() => {
      isClosed = true
    })
    while (!isClosed) {
      await finish(clock)
      clock.pass(50)
      await settled()
    }
    for (const peer of peers) expect(peer.bodies).toEqual(long('a'))
  })
})

describe('thousands who come at once', () => {
  test('are let in in slices, and nobody who is in waits behind them all', () => {
    const { clock, broker, other } = opened(0)
    const newcomers = Array.from({ length: 2_000 }, () => new Peer(broker))
    other.say(sendTo('/topic/other', 'one'))
    clock.step()
    clock.step()
    const waiting = newcomers.filter(({ heard }) => heard === '')
    expect(other.bodies).toEqual(['one'])
    expect(waiting.length).toBeGreaterThan(newcomers.length / 2)
    clock.finish()
    for (const { heard } of newcomers) expect(heard).toMatch(/^CONNECTED/)
  })

  test('are let in though those who are in send on and on', () => {
    const { clock, broker, producer, other } = opened(400)
    const newcomers = Array.from({ length: 200 }, () => new Peer(broker))
    for (const peer of [producer, other]) peer.say(sendTo('/topic/all', 'x').repeat(400))
    clock.finish()
    for (const { heard } of newcomers) expect(heard).toMatch(/^CONNECTED/)
  })
})
