/** What is measured: a table of rows, each with its load, what to read off it, and what we aim at. */

import { setTimeout as pause } from 'node:timers/promises'
import { broadcast } from './broadcast.js'
import { fill } from './fill.js'
import { type Figures, hold, type LoadFigures, load } from './generator.js'
import { cpuSecondsOf, memoryOf, quiet } from './process-figures.js'
import { type RunningServer, type ServerKind, startServer } from './server-process.js'
import { holdTls, loadTls } from './tls-generator.js'

/** One figure of a row and its aim: absolute, or a multiple of the bare server's. */
export interface Measure {
  readonly figure: string
  readonly title: string
  readonly unit: '/s' | 'µs' | 'bytes' | 'ms'
  readonly aim?: { readonly is: 'at least' | 'at most'; readonly value?: number; readonly timesBare?: number }
}

/** One row: who is measured, how, and what of it. */
export interface Row {
  readonly name: string
  readonly title: string
  /** Ours is the last; one before it is what ours is compared with. */
  readonly servers: readonly ServerKind[]
  readonly measures: readonly Measure[]
  /** Loads a running server once; without it the row needs new servers for each run, and has `measureAnew`. */
  readonly load?: readonly string[]
  /** The same for servers behind TLS. */
  readonly loadTls?: readonly string[]
  readonly measureAnew?: (kind: ServerKind, generator: string) => Promise<Figures>
}

const BOTH: readonly ServerKind[] = ['bare', 'xtomp']
const OURS: readonly ServerKind[] = ['xtomp']

const perSecond = (aim: Measure['aim']): Measure[] => [
  { figure: 'per_s', title: 'deliveries', unit: '/s', ...(aim && { aim }) },
  { figure: 'per_cpu_s', title: 'deliveries a CPU second', unit: '/s' },
]
const queue = (name: string, title: string, value: number, args: string): Row => ({
  name,
  title: `queue, ${title}`,
  servers: OURS,
  load: ['queue', '--dest', '/queue/load', ...args.split(' ')],
  measures: perSecond({ is: 'at least', value }),
})
const fanOut = (connections: number, window: number, messages: number, timesBare: number): Row => ({
  name: connections === 1_000 ? `fanout-w${window}` : `fanout-${connections}`,
  title: `fan-out, ${connections.toLocaleString('en')} subscribers, window ${window}`,
  servers: BOTH,
  load: [
    'fanout',
    '--conns',
    String(connections),
    '--messages',
    String(messages),
    '--window',
    String(window),
    '--dest',
    '/topic/load',
  ],
  measures: perSecond({ is: 'at least', timesBare }),
})

const BEHIND_TLS: readonly ServerKind[] = ['bare-tls', 'tls']
const overTls = (name: string, title: string, args: readonly string[], measures: readonly Measure[]): Row => ({
  name: `tls-${name}`,
  title: `TLS: ${title}`,
  servers: BEHIND_TLS,
  loadTls: args,
  measures,
})

const OVER_WEB_SOCKET: readonly ServerKind[] = ['bare-ws', 'ws']
/** The same work over WebSocket, beside a bare server that speaks it; what is aimed at in octets is aimed at over TCP. */
const overWebSocket = ({ measures, ...row }: Row): Row => ({
  ...row,
  name: `ws-${row.name}`,
  title: `WebSocket: ${row.title}`,
  servers: OVER_WEB_SOCKET,
  measures: measures.map(({ aim, ...measure }) => {
    if (aim?.timesBare === undefined) return measure
    return { ...measure, aim: { is: aim.is, timesBare: aim.timesBare } }
  }),
})

const ROWS_OVER_STREAMS: readonly Row[] = [
  queue('queue-1x1', '1 producer, 1 consumer, auto, receipt every 100', 500_000, '--messages 500000'),
  queue('queue-4x4', '4 producers, 4 consumers, auto', 450_000, '--producers 4 --consumers 4 --messages 500000'),
  queue('queue-individual', '1 and 1, client-individual', 250_000, '--messages 200000 --ack client-individual'),
  fanOut(1_000, 1, 300, 0.9),
  fanOut(1_000, 4, 640, 1.8),
  fanOut(1_000, 32, 640, 8),
  fanOut(10_000, 8, 80, 4),
  {
    name: 'echo',
    title: 'echo, one message in flight',
    servers: BOTH,
    load: ['echo', '--messages', '20000', '--dest', '/topic/load'],
    measures: [
      { figure: 'p50_us', title: 'p50', unit: 'µs', aim: { is: 'at most', timesBare: 1.3 } },
      { figure: 'p99_us', title: 'p99', unit: 'µs', aim: { is: 'at most', timesBare: 2 } },
    ],
  },
  {
    name: 'connect',
    title: 'CONNECT + SUBSCRIBE + RECEIPT, 5,000 connections',
    servers: BOTH,
    load: ['hold', '--conns', '5000', '--dest', '/topic/load'],
    measures: [{ figure: 'connect_per_s', title: 'sessions', unit: '/s', aim: { is: 'at least', timesBare: 0.8 } }],
  },
  {
    name: 'idle',
    title: 'memory of an idle subscribed connection, slope from 1,000 to 19,000',
    servers: BOTH,
    measureAnew: idleSlope,
    measures: [
      { figure: 'bytes', title: 'as it stands', unit: 'bytes', aim: { is: 'at most', value: 2_662, timesBare: 1.5 } },
      {
        figure: 'bytes_collected',
        title: 'after a collection',
        unit: 'bytes',
        aim: { is: 'at most', value: 2_662, timesBare: 1.5 },
      },
    ],
  },
  {
    name: 'broadcast',
    title: 'broadcast to 18,900 subscribers, window 8, while another session asks and is answered',
    servers: OURS,
    measureAnew: broadcast,
    measures: [
      { figure: 'per_s', title: 'deliveries', unit: '/s' },
      { figure: 'turn_ms', title: 'longest turn', unit: 'ms', aim: { is: 'at most', value: 50 } },
      { figure: 'answer_p99_us', title: 'an answer, p99', unit: 'µs', aim: { is: 'at most', value: 100_000 } },
    ],
  },
  {
    name: 'beats',
    title: '19,000 connections that beat every 10 s both ways',
    servers: BOTH,
    measureAnew: beating,
    measures: [{ figure: 'cpu_ms', title: 'CPU a second', unit: 'ms', aim: { is: 'at most', timesBare: 1.3 } }],
  },
  {
    name: 'queued',
    title: 'memory of a queued 64-byte message, 1,000,000 of them',
    servers: ['roomy'],
    measureAnew: queuedMessage,
    measures: [
      { figure: 'bytes', title: 'as it stands', unit: 'bytes', aim: { is: 'at most', value: 400 } },
      { figure: 'bytes_collected', title: 'after a collection', unit: 'bytes', aim: { is: 'at most', value: 400 } },
    ],
  },
  overTls(
    'echo',
    'echo, one message in flight',
    ['echo', '--messages', '20000'],
    [
      { figure: 'p50_us', title: 'p50', unit: 'µs', aim: { is: 'at most', timesBare: 1.3 } },
      { figure: 'p99_us', title: 'p99', unit: 'µs', aim: { is: 'at most', timesBare: 2 } },
    ],
  ),
  overTls(
    'fanout-w1',
    'fan-out, 1,000 subscribers, window 1',
    ['fanout', '--conns', '1000', '--messages', '400', '--window', '1'],
    perSecond({ is: 'at least', timesBare: 0.9 }),
  ),
  overTls(
    'fanout-w32',
    'fan-out, 1,000 subscribers, window 32',
    ['fanout', '--conns', '1000', '--messages', '6400', '--window', '32'],
    perSecond({ is: 'at least', timesBare: 8 }),
  ),
  overTls(
    'connect',
    'handshake + CONNECT + SUBSCRIBE + RECEIPT, 2,000 connections',
    ['connect', '--conns', '2000'],
    [{ figure: 'connect_per_s', title: 'sessions', unit: '/s', aim: { is: 'at least', timesBare: 0.8 } }],
  ),
  {
    name: 'tls-idle',
    title: 'TLS: memory of an idle subscribed connection, slope from 500 to 4,500',
    servers: BEHIND_TLS,
    measureAnew: idleTlsSlope,
    measures: [
      { figure: 'bytes', title: 'as it stands', unit: 'bytes', aim: { is: 'at most', timesBare: 1.5 } },
      { figure: 'bytes_collected', title: 'after a collection', unit: 'bytes', aim: { is: 'at most', timesBare: 1.5 } },
    ],
  },
]

/** All rows, in the order in which they are measured. */
export const ROWS: readonly Row[] = [
  ...ROWS_OVER_STREAMS,
  ...ROWS_OVER_STREAMS.filter(({ servers }) => servers === BOTH).map(overWebSocket),
]

/**
 * The rows of `xtomp serve`, each compared with another server than its own: aims are for the bare one. Another checkout
 * has its log off, and so has ours beside it.
 */
export function rowsBeside(other: ServerKind, rows: readonly Row[]): Row[] {
  return rows
    .filter(({ servers }) => servers.includes('xtomp'))
    .map((row) => ({
      ...row,
      servers: [other, other === 'checkout' ? 'silent' : 'xtomp'],
      measures: row.measures.map(({ figure, title, unit }) => ({ figure, title, unit })),
    }))
}

/** One run of a row that loads a running server. */
export async function runLoad(row: Row, server: RunningServer, generator: string): Promise<Figures> {
  const { loadTls: tlsArgs } = row
  const figures: LoadFigures =
    tlsArgs === undefined ? await load(generator, server, row.load ?? []) : await loadTls(server, tlsArgs)
  const { broker_cpu_s: cpu, received } = figures
  return { ...figures, ...(cpu > 0 && { per_cpu_s: Math.round(received / cpu) }) }
}

/** Holds so many idle, subscribed connections to a server until the answer is called. */
type Hold = (server: RunningServer, connections: number) => Promise<() => Promise<void>>

/** Between two counts, so that what a server costs without connections is left out. */
function idleSlope(kind: ServerKind, generator: string): Promise<Figures> {
  return slopeOf(kind, [1_000, 19_000], (server, connections) => hold(generator, server, connections))
}

function idleTlsSlope(kind: ServerKind): Promise<Figures> {
  return slopeOf(kind, [500, 4_500], holdTls)
}

async function slopeOf(kind: ServerKind, [few, many]: readonly [number, number], held: Hold): Promise<Figures> {
  const before = await idleMemory(kind, held, few)
  const after = await idleMemory(kind, held, many)
  const slope = (of: 'asItStands' | 'collected'): number => Math.round((after[of] - before[of]) / (many - few))
  return { ok: true, bytes: slope('asItStands'), bytes_collected: slope('collected') }
}

async function idleMemory(kind: ServerKind, held: Hold, connections: number): Promise<Weights> {
  const server = await startServer(kind, { probe: true })
  const release = await held(server, connections)
  const weights = await weigh(server)
  await release()
  await server.stop()
  return weights
}

/** Over whole rounds of beats: each session's come at their own times. */
async function beating(kind: ServerKind, generator: string): Promise<Figures> {
  const server = await startServer(kind)
  // The generator beats twice as often as it says that it can.
  const release = await hold(generator, server, 19_000, { heartBeat: '20000,10000' })
  await pause(ROUND_MS)
  const before = cpuSecondsOf(server.pid)
  await pause(2 * ROUND_MS)
  const seconds = (2 * ROUND_MS) / 1_000
  const cpu_ms = Math.round(((cpuSecondsOf(server.pid) - before) * 1_000) / seconds)
  await release()
  await server.stop()
  return { ok: true, cpu_ms }
}

const ROUND_MS = 10_000

async function queuedMessage(kind: ServerKind): Promise<Figures> {
  const server = await startServer(kind, { probe: true })
  const filling = { port: server.port, bodyBytes: 64 }
  // What the first messages need (code, destinations) is not theirs alone.
  await fill({ ...filling, destination: '/queue/before', messages: 1_000 })
  const before = await weigh(server)
  const messages = 1_000_000
  await fill({ ...filling, destination: '/queue/load', messages })
  const after = await weigh(server)
  await server.stop()
  const each = (of: 'asItStands' | 'collected', since: number): number => Math.round((after[of] - since) / messages)
  return {
    ok: true,
    bytes: each('asItStands', before.asItStands),
    bytes_collected: each('collected', before.collected),
  }
}

interface Weights {
  readonly asItStands: number
  readonly collected: number
}

async function weigh(server: RunningServer): Promise<Weights> {
  await quiet(server.pid)
  const asItStands = memoryOf(server.pid)
  await server.collect()
  return { asItStands, collected: memoryOf(server.pid) }
}
