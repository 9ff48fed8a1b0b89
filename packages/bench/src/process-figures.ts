/** What Linux knows of a process: memory, open files, time spent. */

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const KIB = 1024
const POLL_MS = 250
/** The unit in which Linux tells times of processes. */
const TICKS_A_SECOND = 100

/** Its proportional set size, in octets: what it would give back, pages shared with others counted by its share. */
export function memoryOf(pid: number): number {
  const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]
  if (pss === undefined) throw new Error(`/proc/${pid}/smaps_rollup has no Pss`)
  return Number(pss) * KIB
}

/** What processes of one program have resident, in octets: quick to read, however much memory they have. */
export function residentBytesOf(pids: readonly number[]): number {
  const statuses = pids.map((pid) => readFileSync(`/proc/${pid}/status`, 'latin1'))
  const of = (status: string, name: string): number => {
    const kib = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]
    if (kib === undefined) throw new Error(`a process has no ${name} in /proc`)
    return Number(kib) * KIB
  }
  const own = statuses.reduce((sum, status) => sum + of(status, 'RssAnon') + of(status, 'RssShmem'), 0)
  // Pages of files, the program's above all, are in memory once, whoever of them uses them.
  return own + Math.max(...statuses.map((status) => of(status, 'RssFile')))
}

/** How many files and sockets this process may open; undefined where nobody says. */
export function mostOpenFiles(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return limit === undefined ? undefined : Number(limit)
  } catch {
    return undefined
  }
}

/** The lowest and the highest port that the system takes for a connection that names none. */
export function portsOfConnections(): readonly [lowest: number, highest: number] {
  try {
    const [lowest, highest] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1').split(/\s+/).map(Number)
    return [lowest as number, highest as number]
  } catch {
    return [49_152, 65_535]
  }
}

/** How many files and sockets it has open. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Resolves when it has used no processor time for a while: it is done with all that it was sent. */
export async function quiet(pid: number): Promise<void> {
  for (let before = -1, calm = 0; calm < 3; await pause(POLL_MS)) {
    const ticks = ticksOf(pid)
    calm = ticks - before <= 1 ? calm + 1 : 0
    before = ticks
  }
}

/** Resolves when it has at least, or at most, so many files open. @throws Error after a minute without */
export async function openFiles(pid: number, { least = 0, most = Number.POSITIVE_INFINITY }): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await pause(POLL_MS / 10)) {
    const open = openFilesOf(pid)
    if (open >= least && open <= most) return
    if (Date.now() > deadline) throw new Error(`a server has ${open} open files; awaited were ${least} to ${most}`)
  }
}

/** Processor time that it has used, in seconds. */
export function cpuSecondsOf(pid: number): number {
  return ticksOf(pid) / TICKS_A_SECOND
}

/** User and system time, in the kernel's ticks. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
