/** Reads a configuration file, whatever its kind: JSON, YAML, or a module. */

import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { documentOf, type ReadConfig } from './document.js'

/** A file that there is not, that may not be read, or that is of no known kind; the message is one line. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

const TEXTS: readonly string[] = ['.json', '.yaml', '.yml']
const MODULES: readonly string[] = ['.js', '.mjs', '.cjs']

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
}

/**
 * Reads a file; a module is run.
 * @throws UnreadableError where it cannot be read
 */
export async function readConfig(file: string): Promise<ReadConfig> {
  const kind = extname(file).toLowerCase()
  if (MODULES.includes(kind)) return readModule(file)
  if (TEXTS.includes(kind)) return readText(file)
  const kinds = [...TEXTS, ...MODULES].join(', ')
  throw new UnreadableError(`${file}: the name of a configuration must end in one of ${kinds}`)
}

async function readText(file: string): Promise<ReadConfig> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new UnreadableError(`${file}: ${reasonOf(error)}`)
  }
  try {
    return documentOf(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new UnreadableError(`${file}: ${messageOf(error)}`)
  }
}

async function readModule(file: string): Promise<ReadConfig> {
  // What Node says of a file that there is not names the module that asked for it: that is this one.
  await readFile(file).catch((error: unknown) => {
    throw new UnreadableError(`${file}: ${reasonOf(error)}`)
  })
  try {
    const module = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }
    if (module.default === undefined) throw new TypeError('it exports no options: a module exports them as its default')
    return { data: module.default, isModule: true, problems: [], placeOf: () => undefined }
  } catch (error) {
    throw new UnreadableError(`${file}: ${messageOf(error)}`, { cause: error })
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? messageOf(error)
}

function messageOf(error: unknown): string {
  const { message } = Object(error) as { message?: unknown }
  return (typeof message === 'string' ? message : String(error)).split('\n', 1)[0] ?? ''
}
