/**
 * Load for any STOMP broker, with its numbers, histograms and pictures.
 *
 * @module @xtomp/bench
 */

export { addBench, type BenchSurroundings } from './command/add-bench.js'
export type { BenchOutput } from './command/output.js'
export type { WorkloadName } from './load/plan.js'
export { type Listening, measure } from './run/measure.js'
export type { ConnectFigures, Result, ServerFigures, StormFigures, WorkFigures } from './run/result.js'
export type { LoadOptions } from './run/settings.js'
export type { Sample } from './run/timeline.js'
export type { Times } from './run/times.js'
