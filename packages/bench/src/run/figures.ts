/** The figures of a run as people read them: one list for the table, the comparison and the page. */

import type { Result } from './result.js'
import type { Times } from './times.js'

/** One figure. */
export interface Figure {
  readonly title: string
  readonly value: number
  readonly unit: '' | '/s' | 's' | 'µs' | 'bytes' | '%'
  /** Whether it is among those that count most. */
  readonly isMain?: boolean
}

/** The figures of a run. */
export function figuresOf(result: Result): Figure[] {
  const { workload, connect, work, storm, server } = result
  const isConnecting = work === undefined && storm === undefined
  return [
    { title: 'connections', value: result.connections, unit: '', isMain: workload === 'hold' },
    { title: 'sessions', value: connect.perSecond, unit: '/s', isMain: isConnecting },
    ...percentiles('session', connect.times, isConnecting),
    ...(work === undefined ? [] : workFigures(workload, work)),
    ...(storm === undefined ? [] : stormFigures(storm)),
    ...serverFigures(server, result.connections),
    { title: 'memory of a process of clients', value: result.clientBytes, unit: 'bytes' },
  ]
}

/** A figure with its unit. */
export function written({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  if (unit === 'µs') return duration(value)
  if (unit === 's') return `${value.toFixed(2)} s`
  if (unit === '%') return `${value.toFixed(0)} %`
  if (unit === 'bytes') return size(value)
  return `${Math.round(value).toLocaleString('en-US')}${unit === '' ? '' : unit}`
}

function workFigures(workload: Result['workload'], work: NonNullable<Result['work']>): Figure[] {
  const isChurn = workload === 'churn'
  return [
    { title: isChurn ? 'connects and disconnects' : 'deliveries', value: work.perSecond, unit: '/s', isMain: true },
    { title: isChurn ? 'in all' : 'deliveries in all', value: isChurn ? work.cycles : work.received, unit: '' },
    { title: 'in', value: work.seconds, unit: 's' },
    ...percentiles(isChurn ? 'until subscribed' : 'delivery', work.times, true),
  ]
}

/** Below so many what a broker's process takes and gives back by itself is more than what they take. */
const FEW = 2_000

function serverFigures(server: Result['server'], connections: number): Figure[] {
  if (server === undefined) return []
  const { bytesPerConnection } = server
  const memory = `broker memory a connection${connections < FEW ? `, a guess below ${FEW.toLocaleString('en-US')}` : ''}`
  return [
    ...(bytesPerConnection === undefined
      ? []
      : [{ title: memory, value: bytesPerConnection, unit: 'bytes', isMain: true } as const]),
    { title: 'broker memory before', value: server.bytesBefore, unit: 'bytes' },
    { title: 'broker memory, connected', value: server.bytesConnected, unit: 'bytes' },
    { title: 'broker memory after', value: server.bytesAfter, unit: 'bytes' },
    { title: 'broker processor time', value: server.cpuSeconds, unit: 's' },
    { title: 'broker share of a core', value: 100 * server.cpuShare, unit: '%', isMain: true },
  ]
}

function stormFigures({
  seconds,
  retries,
  times,
  bystanderBefore,
  bystanderDuring,
}: NonNullable<Result['storm']>): Figure[] {
  const worst = Math.max(0, ...seconds)
  return [
    { title: 'all subscribed again after, at worst', value: worst, unit: 's', isMain: true },
    { title: 'connections tried again', value: retries, unit: '' },
    ...percentiles('back', times, true),
    ...percentiles('bystander before', bystanderBefore, false),
    ...percentiles('bystander during', bystanderDuring, true),
  ]
}

function percentiles(title: string, times: Times | undefined, isMain: boolean): Figure[] {
  if (times === undefined) return []
  return [
    { title: `${title}, p50`, value: times.p50Us, unit: 'µs', isMain },
    { title: `${title}, p90`, value: times.p90Us, unit: 'µs' },
    { title: `${title}, p99`, value: times.p99Us, unit: 'µs', isMain },
    { title: `${title}, p99.9`, value: times.p999Us, unit: 'µs' },
    { title: `${title}, max`, value: times.maxUs, unit: 'µs' },
  ]
}

function duration(us: number): string {
  if (us < 1_000) return `${Math.round(us)} µs`
  if (us < 1_000_000) return `${digits(us / 1_000)} ms`
  return `${digits(us / 1_000_000)} s`
}

function size(bytes: number): string {
  const absolute = Math.abs(bytes)
  if (absolute < 100_000) return `${Math.round(bytes).toLocaleString('en-US')} bytes`
  if (absolute < 1_000_000_000) return `${digits(bytes / 1_000_000)} MB`
  return `${digits(bytes / 1_000_000_000)} GB`
}

/** Three digits that count. */
function digits(value: number): string {
  const absolute = Math.abs(value)
  return value.toFixed(absolute < 10 ? 2 : absolute < 100 ? 1 : 0)
}
