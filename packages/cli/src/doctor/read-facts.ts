/** Gathers what can be seen of a machine; it reads, and changes nothing. */

import { availableParallelism } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { BufferSizes, Conntrack, Facts, Maybe, SoftAndHard, SynQueue, TcpMemory } from './facts.js'
import { coresAllowed, groupMemory, groupPids } from './read-groups.js'
import { unitOf } from './read-unit.js'
import { numberOf, Tree } from './tree.js'

/** What a process tells of itself, and where the files are. */
export interface Machine {
  readonly platform: NodeJS.Platform
  /** Where `/proc`, `/sys` and `/etc` are found. */
  readonly root: string
  readonly isRoot: boolean
  readonly cores: number
  readonly heapLimitBytes: number
}

/** This machine, and this process. */
export function thisMachine(): Machine {
  return {
    platform: process.platform,
    root: '/',
    isRoot: process.getuid?.() === 0,
    cores: availableParallelism(),
    heapLimitBytes: getHeapStatistics().heap_size_limit,
  }
}

/** Only Linux tells in files; of others there is no more than a process knows. */
export function factsOf({ platform, root, isRoot, cores, heapLimitBytes }: Machine): Facts {
  const tree = platform === 'linux' ? new Tree(root) : undefined
  return {
    platform,
    isRoot,
    mayRaiseLimits: tree && mayRaiseLimits(tree),
    isInContainer: tree !== undefined && CONTAINER_FILES.some((path) => tree.text(path) !== undefined),
    cores: tree === undefined ? cores : Math.min(cores, coresAllowed(tree)),
    heapLimitBytes,
    openFiles: tree && openFilesOf(tree),
    nrOpen: tree?.number('/proc/sys/fs/nr_open'),
    fileMax: tree?.number('/proc/sys/fs/file-max'),
    filesOpen: tree?.numbers('/proc/sys/fs/file-nr', 3)?.[0],
    epollWatches: tree?.number('/proc/sys/fs/epoll/max_user_watches'),
    clientPorts: tree && clientPortsOf(tree),
    somaxconn: tree?.number('/proc/sys/net/core/somaxconn'),
    synQueue: tree && synQueueOf(tree),
    tcpMemory: tree && tcpMemoryOf(tree),
    tcpReceive: tree && buffersOf(tree, '/proc/sys/net/ipv4/tcp_rmem'),
    tcpSend: tree && buffersOf(tree, '/proc/sys/net/ipv4/tcp_wmem'),
    conntrack: tree && conntrackOf(tree),
    availableBytes: tree && availableBytesOf(tree),
    groupMemory: tree && groupMemory(tree),
    groupPids: tree && groupPids(tree),
    unit: tree && unitOf(tree),
  }
}

function openFilesOf(tree: Tree): SoftAndHard | undefined {
  const [, soft = '', hard = ''] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(tree.text('/proc/self/limits') ?? '') ?? []
  const both = { soft: numberOf(soft), hard: numberOf(hard) }
  return both.soft === undefined || both.hard === undefined ? undefined : { soft: both.soft, hard: both.hard }
}

/** Docker, Podman, systemd-nspawn and Kubernetes each leave one of these. */
const CONTAINER_FILES = [
  '/.dockerenv',
  '/run/.containerenv',
  '/run/systemd/container',
  '/var/run/secrets/kubernetes.io/serviceaccount/namespace',
]

/** CAP_SYS_RESOURCE, in include/uapi/linux/capability.h. */
const MAY_RAISE_LIMITS = 1n << 24n

function mayRaiseLimits(tree: Tree): boolean | undefined {
  const mask = /^CapEff:\s*([\da-f]+)$/m.exec(tree.text('/proc/self/status') ?? '')?.[1]
  return mask === undefined ? undefined : (BigInt(`0x${mask}`) & MAY_RAISE_LIMITS) !== 0n
}

function synQueueOf(tree: Tree): SynQueue | undefined {
  const cookies = tree.number('/proc/sys/net/ipv4/tcp_syncookies')
  const most = tree.number('/proc/sys/net/ipv4/tcp_max_syn_backlog')
  return cookies === undefined || most === undefined ? undefined : { hasCookies: cookies !== 0, most }
}

function clientPortsOf(tree: Tree): number | undefined {
  const [first, last] = tree.numbers('/proc/sys/net/ipv4/ip_local_port_range', 2) ?? []
  return first === undefined || last === undefined ? undefined : last - first + 1
}

/** It counts in pages, whose size only a process' own map tells. */
function tcpMemoryOf(tree: Tree): TcpMemory | undefined {
  const most = tree.numbers('/proc/sys/net/ipv4/tcp_mem', 3)?.[2]
  const pageKiB = tree.numberBehind('/proc/self/smaps', 'KernelPageSize:')
  if (most === undefined || pageKiB === undefined) return undefined
  const pageBytes = pageKiB * 1024
  return { most: most * pageBytes, pageBytes }
}

function buffersOf(tree: Tree, path: string): BufferSizes | undefined {
  const [least, byDefault, most] = tree.numbers(path, 3) ?? []
  return least === undefined || byDefault === undefined || most === undefined ? undefined : { least, byDefault, most }
}

function conntrackOf(tree: Tree): Maybe<Conntrack> {
  const most = tree.number('/proc/sys/net/netfilter/nf_conntrack_max')
  const count = tree.number('/proc/sys/net/netfilter/nf_conntrack_count')
  const buckets = tree.number('/proc/sys/net/netfilter/nf_conntrack_buckets')
  if (most !== undefined && count !== undefined) return { most, count, buckets }
  // Where the rest of the network can be seen, what is not there is not loaded.
  return tree.names('/proc/sys/net').includes('core') ? 'none' : undefined
}

function availableBytesOf(tree: Tree): number | undefined {
  const kiB = tree.numberBehind('/proc/meminfo', 'MemAvailable:')
  return kiB === undefined ? undefined : kiB * 1024
}
