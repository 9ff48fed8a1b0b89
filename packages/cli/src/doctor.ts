/** `xtomp doctor`: what will stop so many connections, before they come. */

import { factsOf, type Machine, thisMachine } from './doctor/read-facts.js'
import { faultsIn, jsonOf, textOf } from './doctor/report.js'
import { findingsFor } from './doctor/rules.js'
import type { Wanted } from './doctor/verdict.js'
import { EXIT } from './exit-codes.js'
import type { Streams } from './streams.js'

/** What is asked for, and how it is to be told. */
export interface DoctorOptions extends Wanted {
  readonly isJson: boolean
}

/** Reads what a machine allows, and says what of it is too little. Answers the exit code. */
export function doctor(options: DoctorOptions, { stdout }: Streams, machine: Machine = thisMachine()): number {
  const facts = factsOf(machine)
  const findings = findingsFor(facts, options)
  stdout.write(options.isJson ? jsonOf(findings, options, facts) : textOf(findings, options, stdout))
  return faultsIn(findings).length === 0 ? EXIT.fine : EXIT.failed
}
