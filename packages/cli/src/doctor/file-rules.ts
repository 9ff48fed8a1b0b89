/** Rules on open files: each connection is one. */

import { COSTS } from './costs.js'
import type { Facts } from './facts.js'
import {
  atLeast,
  command,
  connectionsEach,
  connectionsEachDealt,
  counted,
  enough,
  fine,
  processesOf,
  type Remedy,
  type Rule,
  rootCommand,
  setting,
  sysctl,
  unitLine,
  type Verdict,
  type Wanted,
} from './verdict.js'

/** In the order in which they are to be set: none can be set beyond the one before. */
export const FILE_RULES: readonly Rule[] = [
  {
    name: 'nr_open',
    about: 'the most open files that any process may be allowed',
    seenIn: '/proc/sys/fs/nr_open',
    judge({ nrOpen }, wanted) {
      if (nrOpen === undefined) return undefined
      const needed = filesEach(wanted)
      return enough(nrOpen, needed, { remedies: [sysctl('fs.nr_open', filesEachDealt(wanted))] })
    },
  },
  {
    name: 'file-max',
    about: 'the most open files of the whole machine; only root may go beyond it',
    seenIn: '/proc/sys/fs/file-max',
    judge({ fileMax, filesOpen = 0 }, wanted) {
      if (fileMax === undefined) return undefined
      const needed = wanted.connections + processesOf(wanted) * COSTS.processFiles + filesOpen
      return enough(fileMax, needed, {
        because: `${counted(filesOpen)} are open already`,
        remedies: [sysctl('fs.file-max', needed)],
      })
    },
  },
  {
    name: 'open files, of the unit',
    about: 'what systemd allows each process of the service',
    seenIn: '/proc/self/cgroup and the files of the unit',
    judge({ unit, openFiles, isInContainer }, wanted) {
      const needed = filesEach(wanted)
      const line = unitLine(`LimitNOFILE=${filesEachDealt(wanted)}`)
      if (unit === 'none' && isInContainer) return fine('a container', 'any')
      if (unit === 'none') return outsideUnits(needed, line)
      const is = unit?.openFiles ?? openFiles
      if (unit === undefined || unit.isUsers || is === undefined) return undefined
      const says = unit.openFiles === undefined ? 'says nothing of it' : 'says so'
      return enough(is.hard, needed, { because: `${unit.name} ${says}`, remedies: [line] })
    },
  },
  {
    name: 'open files, hard',
    about: 'the most to which a process may raise its own limit',
    seenIn: '/proc/self/limits',
    judge(facts, wanted) {
      const { openFiles } = facts
      if (openFiles === undefined) return undefined
      const needed = filesEach(wanted)
      if (openFiles.hard >= needed) return unlessDealt(openFiles.hard, facts, wanted)
      const verdict = enough(openFiles.hard, needed, { remedies: hardRemedies(facts, filesEachDealt(wanted)) })
      return isShortOfUnit(facts, needed)
        ? following(verdict, 'it comes from the unit, which is to be set first')
        : verdict
    },
  },
  {
    name: 'open files, soft',
    about: 'the most that this process may open; Node raises it to the hard limit as it starts',
    seenIn: '/proc/self/limits',
    judge({ openFiles }, wanted) {
      if (openFiles === undefined) return undefined
      const needed = filesEach(wanted)
      const verdict = enough(openFiles.soft, needed, { remedies: [command(`ulimit -Sn ${needed}`)] })
      if (openFiles.hard >= needed) return verdict
      return following(verdict, 'it cannot go beyond the hard limit, which is to be raised first')
    },
  },
  {
    name: 'epoll watches',
    about: 'files that all processes of one user may watch; each connection is one, at both of its ends',
    seenIn: '/proc/sys/fs/epoll/max_user_watches',
    judge({ epollWatches }, wanted) {
      if (epollWatches === undefined) return undefined
      const needed = wanted.connections + processesOf(wanted) * COSTS.processFiles
      return enough(epollWatches, needed, { remedies: [sysctl('fs.epoll.max_user_watches', needed)] })
    },
  },
]

/** What a service gets that says nothing of it, since systemd 240: 1,024 soft, to be raised to this. */
const SYSTEMD_HARD = 524_288

function outsideUnits(needed: number, line: Remedy): Verdict {
  const [is, shouldBe] = ['no unit', atLeast(counted(needed))]
  if (needed <= SYSTEMD_HARD) return fine(is, shouldBe)
  const because = `a unit that says nothing gets ${counted(SYSTEMD_HARD)}`
  return { state: 'note', is, shouldBe, because, remedies: [line] }
}

/** What is too little only because something before it is: that one is the fault, and its remedy is enough. */
function following(verdict: Verdict, because: string): Verdict {
  return verdict.state === 'fault' ? { ...verdict, state: 'note', because, remedies: [] } : verdict
}

/** Whether the unit is what allows too little, as the rule for it says. */
function isShortOfUnit({ unit, openFiles }: Facts, needed: number): boolean {
  if (unit === undefined || unit === 'none' || unit.isUsers) return false
  const is = unit.openFiles ?? openFiles
  return is !== undefined && is.hard < needed
}

function filesEach(wanted: Wanted): number {
  return connectionsEach(wanted) + COSTS.processFiles
}

/** What is enough in either way; so that is what remedies set. */
function filesEachDealt(wanted: Wanted): number {
  return connectionsEachDealt(wanted) + COSTS.processFiles
}

/** Enough where the system spreads connections may be too little for the fullest worker where the primary does. */
function unlessDealt(hard: number, facts: Facts, wanted: Wanted): Verdict {
  const verdict = enough(hard, filesEach(wanted), { remedies: [] })
  const dealt = filesEachDealt(wanted)
  if (hard >= dealt) return verdict
  const because = `a primary deals connections out less evenly: one worker may need ${counted(dealt)}; reusePort needs Node 22.12 or newer`
  const remedies = [setting('listeners[].reusePort: true'), ...hardRemedies(facts, dealt)]
  return { ...verdict, state: 'note', because, remedies }
}

/** A container is bound by who started it, who runs in a unit by that, who logs in by PAM, and root by nobody. */
function hardRemedies({ unit, isRoot, mayRaiseLimits = isRoot, isInContainer }: Facts, needed: number): Remedy[] {
  if (isInContainer || (isRoot && !mayRaiseLimits))
    return [rootCommand(`docker run --ulimit nofile=${needed}:${needed} IMAGE`)]
  const line = unitLine(`LimitNOFILE=${needed}`)
  if (unit !== undefined && unit !== 'none') return [line]
  if (mayRaiseLimits) return [rootCommand(`ulimit -Hn ${needed}`), line]
  return [rootCommand(`echo '* - nofile ${needed}' > /etc/security/limits.d/90-xtomp.conf`), line]
}
