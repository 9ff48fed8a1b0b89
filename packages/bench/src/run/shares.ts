/** Who does how much of a run: the plans of its processes. */

import type { Plan, Target, WorkloadName } from '../load/plan.js'
import type { Sources } from '../load/sources.js'
import { mostOpenFiles, portsOfConnections } from '../process-figures.js'
import { tooManyFiles } from './faults.js'
import type { Settings } from './settings.js'

/** Files that a process has open beside its connections, and some to spare. */
const OTHER_FILES = 100
/** More connections than this in one process, and it is a process that the broker waits for. */
const MOST_A_PROCESS = 19_000
/** Connections of one address to one port: what systems leave for that, at the least. */
const PORTS_AN_ADDRESS = 20_000
/** Ports of connections that are gone are not free for a while. */
const SOURCES_OF_CHURN = 64
/** After so many storms they are. */
const MOST_TIMES = 16
/** How many connections a process opens at once, and all of them together: more wait for the broker until it has given up. */
const AT_ONCE = 128
const AT_ONCE_IN_ALL = 1_024
/** How many moments of a run are told, and how long one takes at the least. */
const SAMPLES = 600
const LEAST_SAMPLE_MS = 200

/** The plans. @throws Error where a process would need more files than it may open */
export function sharesOf(workload: WorkloadName, settings: Settings, target: Target): Plan[] {
  const { connections, producers, messages, rate, login, passcode } = settings
  const files = mostOpenFiles()
  const most = files === undefined ? MOST_A_PROCESS : Math.min(MOST_A_PROCESS, files - OTHER_FILES)
  const processes = Math.min(connections, settings.processes ?? Math.ceil(connections / most))
  if (files !== undefined && connections / processes > files - OTHER_FILES)
    throw tooManyFiles(Math.ceil(connections / processes), files)
  const isQueue = workload === 'queue'
  // Who sends to all is one more connection, in the first process.
  const sending = isQueue ? producers : workload === 'fanout' ? 1 : 0
  const plan = {
    workload,
    target,
    vhost: settings.vhost,
    login: login ?? userIn(settings.url).login,
    passcode: passcode ?? userIn(settings.url).passcode,
    heartBeat: settings.heartBeat,
    isConfirmed: !settings.isUnconfirmed,
    subscribers: connections,
    // Everybody at once is what a storm is, but not how it begins.
    atOnce: settings.atOnce ?? Math.max(1, Math.min(AT_ONCE, Math.floor(AT_ONCE_IN_ALL / processes))),
    destination: settings.destination,
    bodyBytes: settings.bodyBytes,
    ack: settings.ack,
    receiptEvery: settings.receiptEvery,
    window: settings.window,
    sampleMs: Math.max(LEAST_SAMPLE_MS, Math.round((settings.seconds * 1_000) / SAMPLES)),
  }
  const addresses = addressesFor(workload, settings, target, processes)
  const ports = portsOfConnections()
  let first = 0
  return Array.from({ length: processes }, (_, at) => {
    const own = part(connections, processes, at)
    const ownProducers = isQueue ? part(producers, processes, at) : at === 0 ? sending : 0
    const ownConnections = isQueue ? ownProducers + part(settings.consumers, processes, at) : own + ownProducers
    const share: Plan = {
      ...plan,
      sources: sourcesOf({ addresses, processes, at, ports }),
      first,
      connections: ownConnections,
      producers: ownProducers,
      ...(messages !== undefined && { messages: messagesOf(workload, messages, { own, at, settings, processes }) }),
      ...(rate !== undefined && { rate: isQueue ? rate / producers : rate }),
    }
    first += ownConnections
    return share
  })
}

/** A process that only looks on at a storm. */
export function bystanderOf(plan: Plan, connections: number): Plan {
  return {
    ...plan,
    workload: 'bystander',
    first: connections,
    connections: 1,
    producers: 0,
    messages: undefined,
    sources: undefined,
  }
}

/** How many deliveries, or sessions that come and go, a number of messages makes; undefined without one. */
export function wantedOf(workload: WorkloadName, shares: readonly Plan[]): number | undefined {
  const sum = (of: (plan: Plan) => number): number => shares.reduce((total, plan) => total + of(plan), 0)
  if (shares[0]?.messages === undefined) return undefined
  if (workload === 'fanout') return shares[0].messages * shares[0].subscribers
  if (workload === 'queue') return sum(({ messages = 0, producers }) => messages * producers)
  if (workload === 'echo') return sum(({ messages = 0, connections }) => messages * connections)
  return workload === 'churn' ? sum(({ messages = 0 }) => messages) : undefined
}

interface Part {
  readonly own: number
  readonly at: number
  readonly settings: Settings
  readonly processes: number
}

function messagesOf(workload: WorkloadName, messages: number, { at, settings, processes }: Part): number {
  if (workload === 'queue') return Math.max(1, Math.floor(messages / settings.producers))
  if (workload === 'echo') return Math.max(1, Math.floor(messages / settings.connections))
  return workload === 'churn' ? part(messages, processes, at) : messages
}

/** The share of the process at this place, of so many: they differ by one at most. */
function part(whole: number, parts: number, at: number): number {
  return Math.floor(whole / parts) + (at < whole % parts ? 1 : 0)
}

function addressesFor(
  workload: WorkloadName,
  { sources, connections, storms }: Settings,
  { address }: Target,
  processes: number,
): number {
  const isHere = address.startsWith('127.')
  if (sources !== undefined && sources > 1 && !isHere)
    throw new TypeError(`sources are addresses of this machine, for a broker at 127.*; it is at ${address}`)
  if (sources !== undefined) return sources
  if (!isHere) return 1
  if (workload === 'churn') return SOURCES_OF_CHURN
  const times = workload === 'storm' ? Math.min(1 + storms, MOST_TIMES) : 1
  const needed = Math.ceil((times * connections) / PORTS_AN_ADDRESS)
  return needed === 1 ? 1 : Math.max(needed, processes)
}

interface Spread {
  readonly addresses: number
  readonly processes: number
  readonly at: number
  readonly ports: readonly [lowest: number, highest: number]
}

/** Addresses of its own for each process; where there are too few, its own part of the ports of all to begin with. */
function sourcesOf({ addresses, processes, at, ports }: Spread): Sources | undefined {
  if (addresses === 1) return undefined
  if (addresses >= processes) {
    const own = part(addresses, processes, at)
    const first = at * Math.floor(addresses / processes) + Math.min(at, addresses % processes)
    return { first, addresses: own, ports, skipped: 0 }
  }
  const skipped = Math.floor(((ports[1] - ports[0] + 1) / processes) * at)
  return { first: 0, addresses, ports, skipped }
}

function userIn(text: string): { login?: string; passcode?: string } {
  const { username, password } = new URL(text)
  if (username === '') return {}
  return { login: decodeURIComponent(username), passcode: decodeURIComponent(password) }
}
