/** What a rule says of a machine, and the words for it. */

import { COSTS } from './costs.js'
import type { Facts } from './facts.js'

/** What is asked for. */
export interface Wanted {
  readonly connections: number
  /** Processes that share them, beside a primary that has none; undefined for one process, all in all. */
  readonly workers?: number | undefined
}

/** How it stands: well; in the way; not in the way, but to be known; not to be seen from here. */
export type State = 'fine' | 'fault' | 'note' | 'unseen'

/** What sets it: a command of the shell, a line of a systemd unit, or a setting of the broker's configuration. */
export interface Remedy {
  readonly kind: 'command' | 'unit' | 'setting'
  readonly text: string
  readonly needsRoot: boolean
}

/** What a rule says. */
export interface Verdict {
  readonly state: State
  readonly is: string
  readonly shouldBe: string
  /** What follows, where that is not plain. */
  readonly because?: string
  /** Any of them does. */
  readonly remedies: readonly Remedy[]
}

/** One thing that can be in the way of connections. */
export interface Rule {
  readonly name: string
  /** What it is. */
  readonly about: string
  /** Where it is to be seen. */
  readonly seenIn: string
  /** Undefined where it cannot be seen. */
  judge(facts: Facts, wanted: Wanted): Verdict | undefined
}

/**
 * So many standard deviations above the mean: of 4,096 workers, the most that can be asked for, one has more in one case
 * of a thousand.
 */
const SPREAD = 5

/**
 * How many connections the fullest process has, where the system spreads them: it draws a worker for each by a hash, so
 * that their number in one is binomial.
 */
export function connectionsEach({ connections, workers = 1 }: Wanted): number {
  const mean = connections / workers
  const deviation = Math.sqrt(mean * (1 - 1 / workers))
  return Math.min(connections, Math.ceil(mean + SPREAD * deviation))
}

/** The same where a primary deals them out to whoever is ready for one more. */
export function connectionsEachDealt(wanted: Wanted): number {
  const { connections, workers = 1 } = wanted
  const dealt = Math.ceil((connections / workers) * COSTS.mostDealt)
  return Math.min(connections, Math.max(connectionsEach(wanted), dealt))
}

/** All processes: the workers, and the primary. */
export function processesOf({ workers }: Wanted): number {
  return workers === undefined ? 1 : workers + 1
}

/** The verdict on something of which there must be enough. */
export function enough(is: number, needed: number, rest: Omit<Verdict, 'state' | 'is' | 'shouldBe'>): Verdict {
  return { state: is >= needed ? 'fine' : 'fault', is: counted(is), shouldBe: atLeast(counted(needed)), ...rest }
}

/** A verdict that nothing has to be done about. */
export function fine(is: string, shouldBe: string, because?: string): Verdict {
  return { state: 'fine', is, shouldBe, ...(because !== undefined && { because }), remedies: [] }
}

export function command(text: string): Remedy {
  return { kind: 'command', text, needsRoot: false }
}

export function rootCommand(text: string): Remedy {
  return { kind: 'command', text, needsRoot: true }
}

/** A variable of the kernel; it holds until the machine is started again. */
export function sysctl(name: string, ...values: readonly number[]): Remedy {
  const value = values.length === 1 ? String(values[0]) : `"${values.join(' ')}"`
  return rootCommand(`sysctl -w ${name}=${value}`)
}

/** A line of the unit's section [Service]. */
export function unitLine(text: string): Remedy {
  return { kind: 'unit', text, needsRoot: true }
}

export function setting(text: string): Remedy {
  return { kind: 'setting', text, needsRoot: false }
}

export function atLeast(text: string): string {
  return `at least ${text}`
}

export function counted(number: number): string {
  return number === Number.POSITIVE_INFINITY ? 'no limit' : number.toLocaleString('en-US')
}

/** Octets in the largest unit that leaves two digits or more. */
export function sized(octets: number): string {
  if (octets === Number.POSITIVE_INFINITY) return 'no limit'
  const [unit, name] = UNITS.find(([unit]) => Math.abs(octets) >= 10 * unit) ?? [1, 'bytes']
  return `${Math.round(octets / unit).toLocaleString('en-US')} ${name}`
}

const UNITS = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
] as const
