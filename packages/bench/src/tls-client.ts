/** Loads one server behind TLS and prints the figures as JSON: `tls-client.js echo|fanout|connect|hold --port N …`. */

import { connect, type TLSSocket } from 'node:tls'
import { parseArgs } from 'node:util'
import { cpuSecondsOf } from './process-figures.js'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '0' },
    pid: { type: 'string', default: '0' },
    conns: { type: 'string', default: '1' },
    messages: { type: 'string', default: '1' },
    window: { type: 'string', default: '1' },
  },
})
const [port, conns, messages, window] = [values.port, values.conns, values.messages, values.window].map(Number) as [
  number,
  number,
  number,
  number,
]
const pid = Number(values.pid)
const DESTINATION = '/topic/load'
/** How many shake hands at once. */
const AT_ONCE = 32
const BODY = 'x'.repeat(64)
const SEND = `SEND\ndestination:${DESTINATION}\n\n${BODY}\0`
const NUL = 0
const A_MICROSECOND = 1_000

/** A connection that counts the frames that come; their contents are no matter. */
class Session {
  frames = 0
  counted: (() => void) | undefined
  readonly socket: TLSSocket

  constructor() {
    // What it shows is of this run only: there is nobody to vouch for it.
    this.socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    this.socket.setNoDelay(true)
    this.socket.on('data', (octets) => this.#count(octets))
    this.socket.on('error', lost)
    this.socket.on('close', lost)
  }

  /** Resolves when it is subscribed. */
  async subscribed(): Promise<void> {
    const hello = 'CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\n\n\0'
    this.socket.write(`${hello}SUBSCRIBE\nid:sub-0\ndestination:${DESTINATION}\nreceipt:r\n\n\0`)
    await this.until(2)
    this.frames = 0
  }

  /** Resolves when so many frames have come. */
  until(frames: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.frames < frames) return
        this.counted = undefined
        resolve()
      }
      this.counted = look
      look()
    })
  }

  #count(octets: Buffer): void {
    for (let at = octets.indexOf(NUL); at >= 0; at = octets.indexOf(NUL, at + 1)) this.frames++
    this.counted?.()
  }
}

function lost(): void {
  process.stdout.write(`${JSON.stringify({ ok: false })}\n`)
  process.exit()
}

async function sessions(): Promise<Session[]> {
  const all: Session[] = []
  while (all.length < conns) {
    const some = Array.from({ length: Math.min(AT_ONCE, conns - all.length) }, () => new Session())
    await Promise.all(some.map((session) => session.subscribed()))
    all.push(...some)
  }
  return all
}

async function echo(): Promise<object> {
  const [session] = (await sessions()) as [Session]
  const tookNs: number[] = []
  for (let sent = 1; sent <= messages; sent++) {
    const begun = process.hrtime.bigint()
    session.socket.write(SEND)
    await session.until(sent)
    tookNs.push(Number(process.hrtime.bigint() - begun))
  }
  tookNs.sort((one, other) => one - other)
  const percentile = (share: number): number => Math.round((tookNs[Math.floor(messages * share)] ?? 0) / A_MICROSECOND)
  return { received: messages, p50_us: percentile(0.5), p99_us: percentile(0.99) }
}

async function fanOut(): Promise<object> {
  const all = await sessions()
  const [producer] = all as [Session]
  // Without what the handshakes took: they are another row's.
  const cpuBefore = cpuSecondsOf(pid)
  const begun = performance.now()
  for (let sent = window; sent <= messages; sent += window) {
    producer.socket.write(SEND.repeat(window))
    await Promise.all(all.map((session) => session.until(sent)))
  }
  const received = Math.floor(messages / window) * window * conns
  const tookMs = performance.now() - begun
  const cpu = cpuSecondsOf(pid) - cpuBefore
  return { received, per_s: Math.round((received * 1_000) / tookMs), broker_cpu_s: cpu }
}

async function connections(): Promise<object> {
  const begun = performance.now()
  await sessions()
  return { received: conns, connect_per_s: Math.round((conns * 1_000) / (performance.now() - begun)) }
}

const LOADS: Readonly<Record<string, () => Promise<object>>> = {
  echo,
  fanout: fanOut,
  connect: connections,
  hold: async () => {
    await sessions()
    return new Promise(() => undefined)
  },
}
const load = LOADS[positionals[0] ?? '']
if (load === undefined) throw new Error(`there are ${Object.keys(LOADS).join(', ')}`)
process.stdout.write(`${JSON.stringify({ ok: true, ...(await load()) })}\n`)
process.exit()
