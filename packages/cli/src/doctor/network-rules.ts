/** Rules on what the kernel does for TCP. */

import { COSTS } from './costs.js'
import type { BufferSizes, Facts } from './facts.js'
import { atLeast, counted, enough, fine, type Rule, sized, sysctl, type Verdict, type Wanted } from './verdict.js'

/** As many entries a bucket as a full table has that kernels before 5.15 chose by themselves. */
const CHEAP_CHAIN = 8
/** Kernels since 5.15 refuse an entry where a list has 50 to 80, by chance; with this mean hardly any has. */
const REFUSED_CHAIN = 30
/** Each connection is in the table twice, for its two directions. */
const DIRECTIONS = 2

/** Without cookies the kernel keeps the last quarter of the queue for clients that it knows. */
const USED_OF_SYN_QUEUE = 0.75

/** Idle sockets take next to nothing of tcp_mem: a machine need not have a page for each, but for those that are sent to at once. */
const LEAST_BUSY_SHARE = 0.1

export const NETWORK_RULES: readonly Rule[] = [
  {
    name: 'somaxconn',
    about:
      'how many connections may wait to be accepted; when all come back at once, the others try again a second later',
    seenIn: '/proc/sys/net/core/somaxconn',
    judge({ somaxconn }, { connections }) {
      if (somaxconn === undefined) return undefined
      // One queue for all of them, unless each worker listens by itself.
      const needed = Math.min(COSTS.backlog, connections)
      return enough(somaxconn, needed, { remedies: [sysctl('net.core.somaxconn', COSTS.backlog)] })
    },
  },
  {
    name: 'tcp_syncookies',
    about: 'what saves connections that are begun when their queue is full; without, they are dropped',
    seenIn: '/proc/sys/net/ipv4/tcp_syncookies and tcp_max_syn_backlog',
    judge({ synQueue }, { connections }) {
      if (synQueue === undefined) return undefined
      const needed = Math.min(COSTS.backlog, connections)
      const shouldBe = `1, or tcp_max_syn_backlog ${atLeast(counted(Math.ceil(needed / USED_OF_SYN_QUEUE)))}`
      if (synQueue.hasCookies) return fine('1', shouldBe)
      const is = `0, and ${counted(synQueue.most)}`
      if (synQueue.most * USED_OF_SYN_QUEUE >= needed) return fine(is, shouldBe)
      const because = 'when all come back at once, most are dropped and try again a second later'
      return { state: 'note', is, shouldBe, because, remedies: [sysctl('net.ipv4.tcp_syncookies', 1)] }
    },
  },
  {
    name: 'ephemeral ports',
    about: 'how many connections one address can open to one port: only for clients and proxies on this machine',
    seenIn: '/proc/sys/net/ipv4/ip_local_port_range',
    judge({ clientPorts }, { connections }) {
      if (clientPorts === undefined) return undefined
      const is = counted(clientPorts)
      const shouldBe = atLeast(`${counted(connections)}, where the clients are on this machine`)
      if (clientPorts >= connections) return fine(is, shouldBe)
      const addresses = Math.ceil(connections / clientPorts)
      const because = `nothing to a broker, whose connections share its port; clients here need ${counted(addresses)} addresses, such as 127.0.0.1, 127.0.0.2`
      const remedies = [sysctl('net.ipv4.ip_local_port_range', 1024, 65_535)]
      return { state: 'note', is, shouldBe, because, remedies }
    },
  },
  {
    name: 'tcp_mem',
    about: 'what all TCP sockets may hold of what is under way; a message to each of them takes a page of it',
    seenIn: '/proc/sys/net/ipv4/tcp_mem',
    judge({ tcpMemory }, { connections }) {
      if (tcpMemory === undefined) return undefined
      const { most, pageBytes } = tcpMemory
      const needed = connections * pageBytes
      // In the shares that the kernel chooses: 3 to 4 to 6.
      const pages = [0.75, 1, 1.5].map((share) => Math.ceil(connections * share))
      const verdict = {
        is: sized(most),
        shouldBe: atLeast(sized(needed)),
        remedies: [sysctl('net.ipv4.tcp_mem', ...pages)],
      }
      if (most >= needed) return { state: 'fine', ...verdict }
      const share = Math.floor((most / needed) * 100)
      const because = `beyond it packets are dropped; it is enough for a message to ${share} % of them at once`
      return { state: most < needed * LEAST_BUSY_SHARE ? 'fault' : 'note', ...verdict, because }
    },
  },
  {
    name: 'tcp_rmem',
    about: 'what a socket may hold that was not read: least, at first, most; idle, it holds nothing',
    seenIn: '/proc/sys/net/ipv4/tcp_rmem',
    judge: (facts, wanted) => buffers(facts, wanted, ['net.ipv4.tcp_rmem', facts.tcpReceive]),
  },
  {
    name: 'tcp_wmem',
    about: 'what a socket may hold that was not taken: least, at first, most; idle, it holds nothing',
    seenIn: '/proc/sys/net/ipv4/tcp_wmem',
    judge: (facts, wanted) => buffers(facts, wanted, ['net.ipv4.tcp_wmem', facts.tcpSend]),
  },
  {
    name: 'conntrack, entries',
    about: 'how many connections a firewall or address translation can follow; others are dropped',
    seenIn: '/proc/sys/net/netfilter/nf_conntrack_max',
    judge({ conntrack }, { connections }) {
      if (conntrack === undefined) return undefined
      if (conntrack === 'none') return fine('not loaded', 'any')
      const { most, count } = conntrack
      const needed = connections + count
      const verdict = enough(most, needed, { remedies: [sysctl('net.netfilter.nf_conntrack_max', needed)] })
      return unlessUnused(verdict, count)
    },
  },
  {
    name: 'conntrack, buckets',
    about: 'into how many lists these are divided; long ones make each packet slow, and are refused at last',
    seenIn: '/proc/sys/net/netfilter/nf_conntrack_buckets',
    judge({ conntrack }, { connections }) {
      if (conntrack === 'none') return fine('not loaded', 'any')
      if (conntrack?.buckets === undefined) return undefined
      const { buckets, count } = conntrack
      const entries = DIRECTIONS * (connections + count)
      const needed = Math.ceil(entries / CHEAP_CHAIN)
      const remedies = [sysctl('net.netfilter.nf_conntrack_buckets', needed)]
      const because = `${counted(Math.ceil(entries / buckets))} entries in each`
      const verdict = enough(buckets, needed, { because, remedies })
      if (verdict.state === 'fault' && entries / buckets < REFUSED_CHAIN) return { ...verdict, state: 'note' }
      return unlessUnused(verdict, count)
    },
  },
]

/** Where it is loaded and follows nothing, not even this session's own connection, no rule asks it to. */
function unlessUnused(verdict: Verdict, count: number): Verdict {
  if (verdict.state !== 'fault' || count > 0) return verdict
  return { ...verdict, state: 'note', because: 'it is loaded and follows nothing: in the way only if a rule needs it' }
}

/** The least size is granted even where `tcp_mem` is used up: where all of them can take it, that is no bound. */
function buffers(
  { tcpMemory, availableBytes }: Facts,
  { connections }: Wanted,
  [name, sizes]: [name: string, sizes: BufferSizes | undefined],
): Verdict | undefined {
  if (sizes === undefined || tcpMemory === undefined) return undefined
  const { least, byDefault, most } = sizes
  const { pageBytes, most: pool } = tcpMemory
  const is = [least, byDefault, most].map(counted).join(' ')
  // A page is the least that there is: whether so many fit is judged by tcp_mem.
  const allowed = Math.max(pageBytes, Math.floor(pool / connections / pageBytes) * pageBytes)
  const shouldBe = `the first at most ${counted(allowed)}`
  if (least <= allowed) return fine(is, shouldBe)
  const state = least * connections > (availableBytes ?? pool) ? 'fault' : 'note'
  const because = `the first is granted however short memory is: for all of them ${sized(least * connections)}`
  const remedies = [sysctl(name, pageBytes, Math.max(pageBytes, byDefault), Math.max(pageBytes, most))]
  return { state, is, shouldBe, because, remedies }
}
