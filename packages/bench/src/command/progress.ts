/** One line on a terminal that says how a run goes. */

import { written } from '../run/figures.js'
import type { Sample } from '../run/timeline.js'
import type { BenchOutput } from './output.js'

/** Goes to the beginning of the line, and removes what is right of there. */
const ANEW = '\r\u001b[K'
const DEFAULT_COLUMNS = 80

/** The line: written again for each moment, and gone at the end; nothing of it where there is no terminal. */
export class ProgressLine {
  readonly #output: BenchOutput
  readonly #title: string

  constructor(output: BenchOutput, title: string) {
    this.#output = output
    this.#title = title
  }

  /** Another moment. */
  show(sample: Sample): void {
    if (this.#output.isTTY !== true) return
    const columns = this.#output.columns ?? DEFAULT_COLUMNS
    this.#output.write(`${ANEW}${this.#text(sample).slice(0, columns - 1)}`)
  }

  /** Removes it. */
  end(): void {
    if (this.#output.isTTY === true) this.#output.write(ANEW)
  }

  #text({ ms, connections, perSecond, p50Us, p99Us, maxUs, brokerBytes, brokerCpu }: Sample): string {
    const parts = [
      this.#title,
      `${(ms / 1_000).toFixed(0)} s`,
      `${connections.toLocaleString('en-US')} connections`,
      written({ value: perSecond, unit: '/s' }),
    ]
    const time = (title: string, us: number | undefined): void => {
      if (us !== undefined) parts.push(`${title} ${written({ value: us, unit: 'µs' })}`)
    }
    time('p50', p50Us)
    time('p99', p99Us)
    time('max', maxUs)
    if (brokerBytes !== undefined) parts.push(`broker ${written({ value: brokerBytes, unit: 'bytes' })}`)
    if (brokerCpu !== undefined) parts.push(written({ value: 100 * brokerCpu, unit: '%' }))
    return parts.join('  ')
  }
}
