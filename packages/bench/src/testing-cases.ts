/** Run by hand: what a case of a test suite costs, in memory and over a real socket. Prints, asserts nothing. */

import { connect, type Socket } from 'node:net'
import { Client, type IStompSocket } from '@stomp/stompjs'
import { TCPWrapper } from '@stomp/tcp-wrapper'
import { listen } from '@xtomp/net'
import { createTestBroker, type TestBroker } from '@xtomp/testing'

const CASES = 1_000
const WARM_UP = 100
const PAIRS = 3

/** Left to itself a socket waits 40 ms for more to send, and only that would be measured. */
class PromptTcp extends TCPWrapper {
  protected override getSocket(port: number, host: string): Socket {
    return connect({ port, host, noDelay: true })
  }
}

/** How a client gets to a broker that has just been made. */
type Way = (broker: TestBroker) => Promise<() => IStompSocket>

const WAYS: Readonly<Record<string, Way>> = {
  'in memory': async (broker) => () => broker.webSocket(),
  'over TCP, with a port of its own': async (broker) => {
    const { port } = await listen(broker, { port: 0, host: '127.0.0.1' })
    return () => new PromptTcp('127.0.0.1', port ?? 0)
  },
}

console.log(
  `${CASES} cases, each a new broker and a @stomp/stompjs client that connects, subscribes, sends, receives, ends`,
)
for (const way of Object.values(WAYS)) await run(way, WARM_UP)
for (let pair = 0; pair < PAIRS; pair++) {
  for (const [name, way] of Object.entries(WAYS)) {
    const { cpuMs, wallMs } = await run(way, CASES)
    console.log(
      `${name.padEnd(34)} ${String(Math.round(cpuMs)).padStart(6)} ms of CPU, ${Math.round(wallMs)} ms in all`,
    )
  }
}

async function run(way: Way, count: number): Promise<{ cpuMs: number; wallMs: number }> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  for (let at = 0; at < count; at++) await runCase(way)
  const { user, system } = process.cpuUsage(cpu)
  return { cpuMs: (user + system) / 1_000, wallMs: performance.now() - start }
}

async function runCase(way: Way): Promise<void> {
  const broker = createTestBroker()
  const webSocketFactory = await way(broker)
  const client = new Client({ webSocketFactory, reconnectDelay: 0 })
  await new Promise<void>((resolve) => {
    client.onConnect = () => {
      client.subscribe('/topic/a', () => resolve())
      client.publish({ destination: '/topic/a', body: 'x' })
    }
    client.activate()
  })
  await client.deactivate()
  await broker.close()
}
