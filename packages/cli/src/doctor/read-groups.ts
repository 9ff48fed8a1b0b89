/** The control groups that a process is in, of both versions, and what they allow it. */

import type { GroupLimit, Maybe } from './facts.js'
import type { Tree } from './tree.js'

const MOUNT = '/sys/fs/cgroup'

/** What is limited, and where each version keeps it. */
interface Limited {
  readonly controller: string
  readonly 1: Files
  readonly 2: Files
}

interface Files {
  readonly limits: readonly string[]
  readonly used: string
  /** What of it is given back when somebody asks: a cache of files. */
  readonly spare?: string
}

const MEMORY: Limited = {
  controller: 'memory',
  1: { limits: ['memory.limit_in_bytes'], used: 'memory.usage_in_bytes', spare: 'total_inactive_file' },
  // Beyond `high` it is not refused, but slowed down until it is no use.
  2: { limits: ['memory.max', 'memory.high'], used: 'memory.current', spare: 'inactive_file' },
}

const PIDS: Limited = {
  controller: 'pids',
  1: { limits: ['pids.max'], used: 'pids.current' },
  2: { limits: ['pids.max'], used: 'pids.current' },
}

/** The memory limit with the least room. */
export function groupMemory(tree: Tree): Maybe<GroupLimit> {
  return tightest(tree, MEMORY)
}

/** The limit of processes and threads with the least room. */
export function groupPids(tree: Tree): Maybe<GroupLimit> {
  return tightest(tree, PIDS)
}

/** How many processors the quota allows; Infinity where there is none. */
export function coresAllowed(tree: Tree): number {
  const folders = foldersFor(tree, 'cpu')
  if (folders === undefined) return Number.POSITIVE_INFINITY
  const quotas = folders.paths.map((path) => {
    const [quota = -1, period = 1] =
      folders.version === 2
        ? (tree.numbers(`${path}/cpu.max`, 2) ?? [])
        : [tree.number(`${path}/cpu.cfs_quota_us`), tree.number(`${path}/cpu.cfs_period_us`)]
    return quota > 0 ? quota / period : Number.POSITIVE_INFINITY
  })
  return Math.min(...quotas)
}

/** The path of the group that systemd made. */
export function unitPath(tree: Tree): string | undefined {
  const groups = groupsOf(tree)
  return groups?.find(({ controllers }) => controllers.includes('name=systemd'))?.path ?? unified(groups)?.path
}

function tightest(tree: Tree, { controller, ...versions }: Limited): Maybe<GroupLimit> {
  const folders = foldersFor(tree, controller)
  if (folders === undefined) return undefined
  const { limits, used: usedFile, spare } = versions[folders.version]
  const top = folders.paths.at(-1)
  const found = folders.paths.flatMap((path) => {
    const spared = spare === undefined ? 0 : (tree.numberBehind(`${path}/memory.stat`, `${spare} `) ?? 0)
    const used = Math.max(0, (tree.number(`${path}/${usedFile}`) ?? 0) - spared)
    return limits.flatMap((name) => {
      const file = `${path}/${name}`
      const limit = tree.number(file)
      if (limit === undefined || limit === Number.POSITIVE_INFINITY) return []
      return [{ file, limit, used, isOfContainer: path === top }]
    })
  })
  return found.sort((one, other) => one.limit - one.used - (other.limit - other.used))[0] ?? 'none'
}

/** The folders of all groups that bind it, its own first: a limit of any of them holds. */
function foldersFor(tree: Tree, controller: string): { version: 1 | 2; paths: string[] } | undefined {
  const groups = groupsOf(tree)
  const own = groups?.find(({ controllers }) => controllers.includes(controller))
  const group = own ?? unified(groups)
  if (group === undefined) return undefined
  const base = own === undefined ? MOUNT : `${MOUNT}/${controller}`
  const parts = group.path.split('/').filter((part) => part !== '')
  const paths = parts.map((_, at) => `${base}/${parts.slice(0, parts.length - at).join('/')}`)
  return { version: own === undefined ? 2 : 1, paths: [...paths, base] }
}

interface Group {
  readonly controllers: readonly string[]
  readonly path: string
}

/** Version 2 has one group for all controllers, and names none. */
function unified(groups: readonly Group[] | undefined): Group | undefined {
  return groups?.find(({ controllers }) => controllers.length === 1 && controllers[0] === '')
}

function groupsOf(tree: Tree): Group[] | undefined {
  return tree
    .text('/proc/self/cgroup')
    ?.split('\n')
    .flatMap((line) => {
      const [, controllers = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
      return path === undefined ? [] : [{ controllers: controllers.split(','), path }]
    })
}
