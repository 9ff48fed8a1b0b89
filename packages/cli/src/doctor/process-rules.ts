/** Rules on memory, threads and processors: of the machine, of the control group, and of Node. */

import { COSTS } from './costs.js'
import type { GroupLimit } from './facts.js'
import {
  atLeast,
  command,
  connectionsEach,
  counted,
  enough,
  fine,
  processesOf,
  type Remedy,
  type Rule,
  rootCommand,
  setting,
  sized,
  unitLine,
  type Verdict,
  type Wanted,
} from './verdict.js'

const MIB = 1024 ** 2

export const PROCESS_RULES: readonly Rule[] = [
  {
    name: 'memory',
    about: 'what the machine can give without taking it from others',
    seenIn: 'MemAvailable in /proc/meminfo',
    judge({ availableBytes }, wanted) {
      if (availableBytes === undefined) return undefined
      return roomFor(availableBytes, wanted, [])
    },
  },
  {
    name: 'memory, of the group',
    about: 'what the control group, a container or a unit, has left; beyond it processes are killed',
    seenIn: '/proc/self/cgroup and /sys/fs/cgroup',
    judge({ groupMemory }, wanted) {
      if (groupMemory === undefined) return undefined
      if (groupMemory === 'none') return fine('no limit', atLeast(sized(memoryFor(wanted, COSTS.tcpBytes))))
      const { limit, used } = groupMemory
      const needed = roundedMiB(used + memoryFor(wanted, COSTS.tcpBytes))
      const docker = `--memory=${needed} --memory-swap=${needed}`
      const remedies = groupRemedies(groupMemory, needed, docker)
      return roomFor(limit - used, wanted, remedies)
    },
  },
  {
    name: 'threads, of the group',
    about: 'how many processes and threads the control group may have',
    seenIn: '/proc/self/cgroup and /sys/fs/cgroup',
    judge({ groupPids }, wanted) {
      const needed = processesOf(wanted) * COSTS.processThreads
      if (groupPids === undefined) return undefined
      if (groupPids === 'none') return fine('no limit', atLeast(counted(needed)))
      const { limit, used } = groupPids
      const value = used + needed
      const remedies = groupRemedies(groupPids, value, `--pids-limit=${value}`)
      return enough(limit, value, { because: `${counted(used)} are in use`, remedies })
    },
  },
  {
    name: 'heap',
    about: 'how large Node lets the heap of a process become; beyond it the process ends',
    seenIn: 'v8.getHeapStatistics()',
    judge({ heapLimitBytes }, wanted) {
      const idle = COSTS.processHeapBytes + connectionsEach(wanted) * COSTS.heapBytes
      const busy = idle + COSTS.totalBytes
      const option = `--max-old-space-size=${Math.ceil(busy / MIB)}`
      const remedies = [command(`export NODE_OPTIONS=${option}`), unitLine(`Environment=NODE_OPTIONS=${option}`)]
      const verdict = { is: sized(heapLimitBytes), shouldBe: atLeast(sized(idle)), remedies }
      if (heapLimitBytes < idle) return { state: 'fault', ...verdict }
      if (heapLimitBytes >= busy) return { state: 'fine', ...verdict }
      const because = `with the messages that limits.totalBytes allows it may come to ${sized(busy)}`
      return { state: 'note', ...verdict, because }
    },
  },
  {
    name: 'limits.totalBytes',
    about: 'what a broker holds of what clients give it, by default; a subscription counts 400 bytes and its text',
    seenIn: 'the configuration',
    judge(_, wanted) {
      const needed = connectionsEach(wanted) * COSTS.subscriptionBytes
      const remedies = [setting(`broker.limits.totalBytes: ${roundedMiB(2 * needed)}`)]
      const verdict = { is: sized(COSTS.totalBytes), shouldBe: atLeast(sized(needed)), remedies }
      if (COSTS.totalBytes < needed)
        return { state: 'fault', ...verdict, because: 'beyond it SUBSCRIBE is refused with memory-full' }
      if (COSTS.totalBytes >= 2 * needed) return { state: 'fine', ...verdict }
      return { state: 'note', ...verdict, because: 'subscriptions take more than half of it from messages' }
    },
  },
  {
    name: 'workers',
    about: 'processes that share the connections, each on a processor of its own',
    seenIn: 'os.availableParallelism() and the quota of the control group',
    judge({ cores }, { workers = 1 }) {
      const verdict = {
        is: `${counted(workers)} on ${counted(cores)} processors`,
        shouldBe: `at most ${counted(cores)}`,
      }
      if (workers <= cores) return fine(verdict.is, verdict.shouldBe)
      return {
        state: 'note',
        ...verdict,
        because: 'each has less than one: they wait for each other, or for the quota',
        remedies: [],
      }
    },
  },
]

/** What so many idle connections take, in the processes and in the kernel. */
function memoryFor(wanted: Wanted, bytesEach: number): number {
  return processesOf(wanted) * COSTS.processBytes + wanted.connections * (COSTS.kernelBytes + bytesEach)
}

/** How many connections over TCP fit. */
function fitting(bytes: number, wanted: Wanted): number {
  const left = bytes - processesOf(wanted) * COSTS.processBytes
  return Math.max(0, Math.floor(left / (COSTS.kernelBytes + COSTS.tcpBytes)))
}

/** In the way where not even TCP fits; to be known where the more costly doors do not. */
function roomFor(bytes: number, wanted: Wanted, remedies: readonly Remedy[]): Verdict {
  const [tcp, webSocket, tls] = [COSTS.tcpBytes, COSTS.webSocketBytes, COSTS.tlsBytes].map((bytes) =>
    memoryFor(wanted, bytes),
  ) as [number, number, number]
  const verdict = { is: sized(bytes), shouldBe: atLeast(sized(tcp)), remedies }
  if (bytes < tcp)
    return { state: 'fault', ...verdict, because: `enough for ${counted(fitting(bytes, wanted))}, idle, over TCP` }
  if (bytes >= tls) return { state: 'fine', ...verdict, because: `idle, over TCP; over TLS ${sized(tls)}` }
  const more =
    bytes < webSocket ? `over WebSocket ${sized(webSocket)}, over TLS ${sized(tls)}` : `over TLS ${sized(tls)}`
  return { state: 'note', ...verdict, because: `enough over TCP; ${more}` }
}

/** What systemd calls that which a file of a group sets. */
const PROPERTIES: Readonly<Record<string, string>> = {
  'memory.max': 'MemoryMax',
  'memory.high': 'MemoryHigh',
  'memory.limit_in_bytes': 'MemoryMax',
  'pids.max': 'TasksMax',
}

/** A unit of systemd has a property for it, a container's runtime an option, and any other group its file. */
function groupRemedies({ file, isOfContainer }: GroupLimit, value: number, docker: string): Remedy[] {
  const [group = '', name = ''] = file.split('/').slice(-2)
  const property = `${PROPERTIES[name]}=${value}`
  if (group.endsWith('.service')) return [unitLine(property)]
  if (/\.(slice|scope)$/.test(group)) return [rootCommand(`systemctl set-property ${group} ${property}`)]
  if (isOfContainer) return [rootCommand(`docker update ${docker} CONTAINER`)]
  return [rootCommand(`echo ${value} > ${file}`)]
}

function roundedMiB(octets: number): number {
  return Math.ceil(octets / MIB) * MIB
}
