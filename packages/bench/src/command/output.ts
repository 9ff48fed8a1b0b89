/** Where the command writes. */

/** An output; a terminal is one that says so. */
export interface BenchOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}
