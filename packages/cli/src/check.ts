/** `xtomp check`: what is wrong with a configuration, and where. */

import Table from 'cli-table3'
import type { Config } from './config/config.js'
import type { Path } from './config/document.js'
import { written } from './config/names.js'
import { check as checked } from './config/problems.js'
import { readConfig, UnreadableError } from './config/read-config.js'
import { resolved, type Schema, schema } from './config/schema.js'
import { CODE, lineOf } from './config/sentences.js'
import { EXIT } from './exit-codes.js'
import { coloursOf, type Output, type Streams, say } from './streams.js'

/** Says what is wrong, a line each, or that all is well; on a terminal also what is set. Answers the exit code. */
export async function check(file: string, streams: Streams): Promise<number> {
  const { stdout } = streams
  const colours = coloursOf(stdout)
  try {
    const { config, problems } = checked(await readConfig(file))
    if (config === undefined) {
      for (const problem of problems) stdout.write(`${lineOf(file, problem, colours.bold)}\n`)
      return EXIT.failed
    }
    stdout.write(`${file}: ${colours.green('fine')}\n`)
    if (stdout.isTTY === true) stdout.write(tableOf(config, stdout))
    return EXIT.fine
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    say(streams, error.message)
    return EXIT.usage
  }
}

/** What is set, beside what would hold otherwise. */
function tableOf(config: Config, stdout: Output): string {
  const colours = coloursOf(stdout)
  const rows = settingsIn(config, schema, []).map(({ name, value, byDefault }) => [
    colours.cyan(name),
    value,
    colours.dim(byDefault),
  ])
  if (rows.length === 0) return ''
  const table = new Table({
    head: ['set', 'to', 'default'],
    style: { head: [], border: [] },
    // No line between rows.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  })
  table.push(...rows)
  return `${table.toString()}\n`
}

/** One option that is set. */
interface Setting {
  readonly name: string
  readonly value: string
  readonly byDefault: string
}

/** Something that is told in one line, whatever is in it. */
function shownWhole(value: object, path: Path): string {
  if (Array.isArray(value)) return value.join(', ')
  // Hooks and a store are the module's own: what is inside them is nobody's business.
  return path.length === 2 && CODE.includes(String(path[1])) ? 'by the module' : JSON.stringify(value)
}

function settingsIn(value: unknown, part: Schema, path: Path): Setting[] {
  const { properties, items, default: byDefault } = resolved(part)
  if (Array.isArray(value) && items !== undefined)
    return value.flatMap((member, at) => settingsIn(member, items, [...path, at]))
  if (typeof value === 'object' && value !== null) {
    if (properties === undefined) return [{ name: written(path), value: shownWhole(value, path), byDefault: '' }]
    return Object.entries(value)
      .filter(([name]) => name !== '$schema')
      .flatMap(([name, member]) => settingsIn(member, properties[name] ?? {}, [...path, name]))
  }
  const shown = path[0] === 'users' && path.at(-1) === 'passcode' ? '***' : String(value)
  return [{ name: written(path), value: shown, byDefault: byDefault === undefined ? '' : String(byDefault) }]
}
