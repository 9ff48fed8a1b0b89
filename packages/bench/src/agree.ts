/** Run by hand: the same work by the load generator in C and by `xtomp bench`, in turn, to see how far they agree. */

import { parseArgs } from 'node:util'
import { generatorFrom, load } from './generator.js'
import type { WorkloadName } from './load/plan.js'
import { measure } from './run/measure.js'
import { median } from './run/median.js'
import type { Result } from './run/result.js'
import type { LoadOptions } from './run/settings.js'
import { type RunningServer, startServer } from './server-process.js'

/** The same work twice: as the generator is told it, and as the bench is. */
interface Twin {
  readonly stload: string
  readonly workload: WorkloadName
  readonly options: LoadOptions
  /** What is compared. */
  readonly figure: 'per_s' | 'p50_us' | 'p99_us' | 'connect_per_s'
}

const fanOut = (connections: number, window: number, messages: number): Twin => ({
  stload: `fanout --dest /topic/load --conns ${connections} --messages ${messages} --window ${window}`,
  workload: 'fanout',
  options: { connections, window, messages },
  figure: 'per_s',
})
const queue = (each: number, messages: number, ack: 'auto' | 'client-individual'): Twin => ({
  stload: `queue --dest /queue/load --producers ${each} --consumers ${each} --messages ${messages} --ack ${ack}`,
  workload: 'queue',
  options: { producers: each, consumers: each, messages, ack },
  figure: 'per_s',
})
const echo = (figure: 'p50_us' | 'p99_us'): Twin => ({
  stload: 'echo --dest /topic/load --messages 20000',
  workload: 'echo',
  options: { messages: 20_000 },
  figure,
})

const TWINS: readonly Twin[] = [
  fanOut(1_000, 1, 300),
  fanOut(1_000, 4, 640),
  fanOut(1_000, 32, 640),
  fanOut(10_000, 8, 80),
  queue(1, 500_000, 'auto'),
  queue(4, 500_000, 'auto'),
  queue(1, 200_000, 'client-individual'),
  echo('p50_us'),
  echo('p99_us'),
  {
    stload: 'hold --dest /topic/load --conns 5000',
    workload: 'connect',
    options: { connections: 5_000 },
    figure: 'connect_per_s',
  },
]

const { values } = parseArgs({ options: { stload: { type: 'string' }, rounds: { type: 'string', default: '3' } } })
const generator = generatorFrom(values.stload ?? process.env.STLOAD)
const server = await startServer('xtomp')
process.stdout.write('| Work | Figure | in C | xtomp bench | ratio |\n|---|---|---|---|---|\n')
for (const twin of TWINS) process.stdout.write(await row(twin, server, Number(values.rounds)))
await server.stop()

/** Both in turn; the first round warms up. */
async function row(twin: Twin, server: RunningServer, rounds: number): Promise<string> {
  const [inC, ours]: [number[], number[]] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    const theirs = await load(generator, server, twin.stload.split(' '))
    const result = await measure(twin.workload, { ...twin.options, url: `stomp://127.0.0.1:${server.port}` })
    if (!theirs.ok || !result.isOk) throw new Error(`${twin.stload} failed: ${result.fault ?? 'in C'}`)
    if (round === 0) continue
    inC.push(theirs[twin.figure])
    ours.push(figureOf(result, twin.figure))
  }
  const [one = 0, other = 0] = [median(inC), median(ours)]
  const cells = [one, other].map((value) => Math.round(value).toLocaleString('en-US'))
  return `| ${twin.stload} | ${twin.figure} | ${cells.join(' | ')} | ${(other / one).toFixed(2)} × |\n`
}

function figureOf({ work, connect }: Result, figure: Twin['figure']): number {
  if (figure === 'connect_per_s') return connect.perSecond
  if (figure === 'per_s') return work?.perSecond ?? 0
  return (figure === 'p50_us' ? work?.times?.p50Us : work?.times?.p99Us) ?? 0
}
