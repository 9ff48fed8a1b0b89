/** How findings are told: as a table on a terminal, in lines elsewhere, or as JSON. */

import Table from 'cli-table3'
import { coloursOf, type Output } from '../streams.js'
import type { Facts } from './facts.js'
import type { Finding } from './rules.js'
import { counted, type Remedy, type State, type Wanted } from './verdict.js'

/** All of it, in one line of JSON. */
export function jsonOf(findings: readonly Finding[], { connections, workers }: Wanted, { platform }: Facts): string {
  const rules = findings.map(({ rule: { name, about }, state, is, shouldBe, because, remedies }) => ({
    ...{ name, about, state, is, shouldBe, because, remedies },
  }))
  return `${JSON.stringify({ connections, workers: workers ?? null, platform, inTheWay: faultsIn(findings).length, rules })}\n`
}

/** All of it in words, what stands well in few. */
export function textOf(findings: readonly Finding[], wanted: Wanted, stdout: Output): string {
  const colours = coloursOf(stdout)
  const paint = { fine: colours.green, fault: colours.red, note: colours.yellow, unseen: colours.dim }
  const shown = stdout.isTTY === true ? tableOf(findings, paint) : linesOf(findings)
  const details = findings.filter(({ state }) => state === 'fault' || state === 'note').map(detailOf)
  const told = details.length === 0 ? '' : `\n${details.join('\n')}${keptBy(findings)}${HANDBOOK}`
  return `${shown}${told}${sumOf(findings, wanted, paint)}\n`
}

/** Where it stands why. */
const HANDBOOK = `\nWhat each of them is for, and what else there is: docs/handbook/scaling.md of xtomp, by the same names.\n\n`

/** Those that are in the way. */
export function faultsIn(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ state }) => state === 'fault')
}

type Paint = Readonly<Record<State, (text: string) => string>>

function tableOf(findings: readonly Finding[], paint: Paint): string {
  const table = new Table({
    head: ['', 'what', 'is', 'should be'],
    style: { head: [], border: [] },
    // No line between rows.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  })
  table.push(...findings.map(({ rule, state, is, shouldBe }) => [paint[state](state), rule.name, is, shouldBe]))
  return `${table.toString()}\n`
}

function linesOf(findings: readonly Finding[]): string {
  const lines = findings.map(({ rule, state, is, shouldBe, because }) => {
    const wanted = state === 'unseen' ? because : shouldBe
    return `${state.padEnd(6)} ${rule.name}: ${is}; ${wanted}\n`
  })
  return lines.join('')
}

/** What it is, what follows, and what sets it. */
function detailOf({ rule, state, because, remedies }: Finding): string {
  const lines = [`${state} ${rule.name}: ${rule.about}`, because, ...remedies.map(remedyOf)]
  return `${lines.filter((line) => line !== undefined).join('\n  ')}\n`
}

function remedyOf({ kind, text, needsRoot }: Remedy): string {
  if (kind === 'unit') return `in the unit's [Service]${needsRoot ? ', as root' : ''}: ${text}`
  if (kind === 'setting') return `in the configuration: ${text}`
  return `${needsRoot ? 'as root' : 'in the shell'}: ${text}`
}

/** Variables of the kernel are forgotten, unless a file has them, too. */
function keptBy(findings: readonly Finding[]): string {
  const isSysctl = ({ text }: Remedy): boolean => text.startsWith('sysctl -w ')
  if (!findings.some(({ remedies }) => remedies.some(isSysctl))) return ''
  return '\nWhat sysctl sets is forgotten when the machine starts again: a line NAME = VALUE in /etc/sysctl.d/90-xtomp.conf keeps it.\n'
}

function sumOf(findings: readonly Finding[], { connections, workers }: Wanted, paint: Paint): string {
  const faults = faultsIn(findings).length
  const unseen = findings.filter(({ state }) => state === 'unseen').length
  const what = `${counted(connections)} connections${workers === undefined ? '' : ` in ${counted(workers)} workers`}`
  const state = faults === 0 ? 'fine' : 'fault'
  const says = faults === 0 ? 'nothing is in the way' : `${faults} in the way`
  return `${what}: ${paint[state](says)}${unseen === 0 ? '' : `, of what can be seen; ${unseen} cannot`}`
}
