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
  const long = Array.from({ length: 100 }, (_, at) => `${at} ${'x'.repeat(200)}`)
  const tight = { limits: { unsentBytes: 1_024 }, destinations: [{ match: '/topic/all', backlogBytes: 4_096 }] }

  test('of more than may wait holds its sender until all have been served, and nobody is too slow for that', () => {
    const { clock, broker, peers, producer, other } = opened(400, tight)
    producer.say(
      long
        .map((body) => sendTo('/topic/all', body))
        .join('')
        .replace(/(?=\n\n2 )/, '\nreceipt:third'),
    )
    expect(producer.isPaused).toBe(true)
    expect(peers.every(({ bodies }) => bodies.length === 0)).toBe(true)
    other.say(sendTo('/topic/other', 'aside'))
    clock.step()
    expect(other.bodies).toEqual(['aside'])
    expect(peers.at(-1)?.bodies).toEqual([])
    clock.finish()
    for (const peer of peers) expect(peer.bodies).toEqual(long)
    expect(producer.heard).toContain('receipt-id:third')
    expect(broker.stats().sessions).toBe(402)
  })

  test('of the host, which is not held, leaves at once where there is no room for more', () => {
    const { clock, broker, peers } = opened(400, tight)
    for (const body of long) broker.publish('/topic/all', body)
    clock.finish()
    for (const peer of peers) expect(peer.bodies).toEqual(long)
    expect(broker.stats().sessions).toBe(402)
  })

  test('of a transaction gets to all of very many, however much it is', () => {
    const { clock, broker, peers, producer } = opened(400, tight)
    producer.say('BEGIN\ntransaction:t\n\n\0')
    for (const body of long) producer.say(`SEND\ndestination:/topic/all\ntransaction:t\n\n${body}\0`)
    producer.say('COMMIT\ntransaction:t\n\n\0')
    clock.finish()
    for (const peer of peers) expect(peer.bodies).toEqual(long)
    expect(broker.stats().sessions).toBe(402)
  })

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
