/** The table of rules: what can be in the way of connections, from the kernel up to the process. */

import type { Facts } from './facts.js'
import { FILE_RULES } from './file-rules.js'
import { NETWORK_RULES } from './network-rules.js'
import { PROCESS_RULES } from './process-rules.js'
import type { Rule, Verdict, Wanted } from './verdict.js'

export const RULES: readonly Rule[] = [...FILE_RULES, ...NETWORK_RULES, ...PROCESS_RULES]

/** A rule, and what it says. */
export interface Finding extends Verdict {
  readonly rule: Rule
}

/** What every rule says. */
export function findingsFor(facts: Facts, wanted: Wanted): Finding[] {
  return RULES.map((rule) => {
    const verdict = rule.judge(facts, wanted) ?? unseen(rule, facts)
    // Where there is enough, to set what is needed would be to take some away.
    return { rule, ...verdict, remedies: verdict.state === 'fine' ? [] : verdict.remedies }
  })
}

function unseen({ seenIn }: Rule, { platform }: Facts): Verdict {
  const where = platform === 'linux' ? `${seenIn}: not to be read` : `${seenIn}: only on Linux, this is ${platform}`
  return { state: 'unseen', is: 'not to be seen', shouldBe: '', because: where, remedies: [] }
}
