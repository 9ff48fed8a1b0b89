/** What a run is asked for: options with their defaults, and what they may be. */

import type { WorkloadName } from '../load/plan.js'

/** What may be asked of a run; each has a default. */
export interface LoadOptions {
  /** Where the broker is. @defaultValue `stomp://127.0.0.1:61613` */
  readonly url?: string | undefined
  /** The virtual host. @defaultValue `/` */
  readonly vhost?: string | undefined
  /** Goes before the one in `url`. */
  readonly login?: string | undefined
  /** Goes before the one in `url`. */
  readonly passcode?: string | undefined
  /** Who may vouch for the broker's certificate, in PEM. @defaultValue those whom Node knows */
  readonly ca?: string | undefined
  /** Whether any certificate will do. @defaultValue `false` */
  readonly isInsecure?: boolean | undefined
  /** Whether sessions count as soon as they have sent their SUBSCRIBE, for brokers that confirm none. @defaultValue `false` */
  readonly isUnconfirmed?: boolean | undefined
  /** How many connections there are, or subscribers of a `fanout`; a `queue` has producers and consumers. */
  readonly connections?: number | undefined
  /** @defaultValue 1 */
  readonly producers?: number | undefined
  /** @defaultValue 1 */
  readonly consumers?: number | undefined
  /** How long there is work, in seconds. @defaultValue 10 */
  readonly seconds?: number | undefined
  /** How many messages are sent, or sessions come and go; then `seconds` is no bound. @defaultValue no number */
  readonly messages?: number | undefined
  /** How many messages of a `fanout` may be on their way. @defaultValue 1 */
  readonly window?: number | undefined
  /** How many messages are sent a second. @defaultValue as many as the broker takes */
  readonly rate?: number | undefined
  /** Octets of a body. @defaultValue 64 */
  readonly bodyBytes?: number | undefined
  /** @defaultValue `auto` */
  readonly ack?: 'auto' | 'client' | 'client-individual' | undefined
  /** Each so many-th SEND asks for a receipt; 0 for none. @defaultValue 100 */
  readonly receiptEvery?: number | undefined
  /** @defaultValue one that nobody else has */
  readonly destination?: string | undefined
  /** The header: what we can do, what we want, in milliseconds. @defaultValue `0,0` */
  readonly heartBeat?: string | undefined
  /** How many processes the connections are in. @defaultValue as many as their open files need */
  readonly processes?: number | undefined
  /** How many addresses of this machine connections come from. @defaultValue as many as their ports need */
  readonly sources?: number | undefined
  /** How many connections each process opens at once. @defaultValue 128, and fewer where all would open more than 1,024 */
  readonly atOnce?: number | undefined
  /** How often all lose their connections in a `storm`. @defaultValue 3 */
  readonly storms?: number | undefined
  /** The broker's processes, whose memory and processor time are told, too. */
  readonly pids?: readonly number[] | undefined
  /** How long nothing may happen, in seconds. @defaultValue 30 */
  readonly timeoutSeconds?: number | undefined
}

/** Options of a run, without those that have no default. */
export type Settings = {
  readonly [Name in Exclude<keyof LoadOptions, Unset>]-?: NonNullable<LoadOptions[Name]>
} & Pick<LoadOptions, Unset>
type Unset = 'login' | 'passcode' | 'ca' | 'messages' | 'rate' | 'processes' | 'sources' | 'atOnce'

/** What a number may be, and what it is. */
export interface Bounds {
  readonly least: number
  readonly most: number
  readonly byDefault?: number
}

/** The bounds of every number. */
export const BOUNDS = {
  connections: { least: 1, most: 4_000_000 },
  producers: { least: 1, most: 10_000, byDefault: 1 },
  consumers: { least: 1, most: 10_000, byDefault: 1 },
  seconds: { least: 1, most: 86_400, byDefault: 10 },
  messages: { least: 1, most: 1_000_000_000 },
  window: { least: 1, most: 100_000, byDefault: 1 },
  rate: { least: 1, most: 10_000_000 },
  bodyBytes: { least: 16, most: 1_048_576, byDefault: 64 },
  receiptEvery: { least: 0, most: 100_000, byDefault: 100 },
  processes: { least: 1, most: 256 },
  sources: { least: 1, most: 60_000 },
  atOnce: { least: 1, most: 100_000 },
  storms: { least: 1, most: 1_000, byDefault: 3 },
  timeoutSeconds: { least: 1, most: 3_600, byDefault: 30 },
} as const satisfies Readonly<Partial<Record<keyof LoadOptions, Bounds>>>

/** How many connections a workload has, unless another number is given. */
export const CONNECTIONS: Readonly<Record<WorkloadName, number>> = {
  connect: 1_000,
  hold: 1_000,
  fanout: 1_000,
  queue: 2,
  echo: 1,
  churn: 100,
  storm: 1_000,
}

/** Where a broker is, unless another place is given. */
export const DEFAULT_URL = 'stomp://127.0.0.1:61613'

/** The settings of a run. @throws TypeError where an option is out of its bounds */
export function settingsOf(workload: WorkloadName, options: LoadOptions): Settings {
  const number = (name: keyof typeof BOUNDS, otherwise: number): number => {
    const { least, most }: Bounds = BOUNDS[name]
    const value = options[name] ?? otherwise
    if (!Number.isInteger(value) || value < least || value > most)
      throw new TypeError(`${name} must be a whole number from ${least} to ${most}; given ${value}`)
    return value
  }
  const optional = (name: keyof typeof BOUNDS): number | undefined =>
    options[name] === undefined ? undefined : number(name, 0)
  const [producers, consumers] = [number('producers', 1), number('consumers', 1)]
  return {
    url: options.url ?? DEFAULT_URL,
    vhost: options.vhost ?? '/',
    login: options.login,
    passcode: options.passcode,
    ca: options.ca,
    isInsecure: options.isInsecure ?? false,
    isUnconfirmed: options.isUnconfirmed ?? false,
    connections: workload === 'queue' ? producers + consumers : number('connections', CONNECTIONS[workload]),
    producers,
    consumers,
    seconds: number('seconds', BOUNDS.seconds.byDefault),
    messages: optional('messages'),
    window: number('window', BOUNDS.window.byDefault),
    rate: optional('rate'),
    bodyBytes: number('bodyBytes', BOUNDS.bodyBytes.byDefault),
    ack: options.ack ?? 'auto',
    receiptEvery: number('receiptEvery', BOUNDS.receiptEvery.byDefault),
    destination: options.destination ?? ownDestination(workload),
    heartBeat: heartBeatOf(options.heartBeat ?? '0,0'),
    processes: optional('processes'),
    sources: optional('sources'),
    atOnce: optional('atOnce'),
    storms: number('storms', BOUNDS.storms.byDefault),
    pids: options.pids ?? [],
    timeoutSeconds: number('timeoutSeconds', BOUNDS.timeoutSeconds.byDefault),
  }
}

/** What an earlier run left in a queue would count for this one. */
function ownDestination(workload: WorkloadName): string {
  const own = Math.random().toString(36).slice(2, 8)
  return `/${workload === 'queue' ? 'queue' : 'topic'}/bench-${own}`
}

function heartBeatOf(text: string): string {
  if (!/^\d{1,9},\d{1,9}$/.test(text))
    throw new TypeError(`heart-beat must be two numbers of ms, as 10000,10000; given '${text}'`)
  return text
}
