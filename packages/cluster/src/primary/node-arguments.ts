/** What Node is told in each worker, beside what this process was told. */

/**
 * A worker's base memory counts once for each. Room for what dies young grows to 16 MiB, three times over, while clients
 * connect, and stays. With this much (in MiB) throughput stays as it was; 100,000 clients that come at once wait longer
 * (docs/performance.md, "Everybody comes back at once").
 */
const YOUNG_MIB = 2

/** Node's arguments for workers: those of this process, and less room for what dies young unless somebody has set it. */
export function nodeArguments(own: readonly string[], nodeOptions = ''): string[] {
  const isSet = [...own, nodeOptions].some((text) => /semi[-_]space/.test(text))
  return isSet ? [...own] : [...own, `--max-semi-space-size=${YOUNG_MIB}`]
}
